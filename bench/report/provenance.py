"""What made the results: settings, data and hashes, machines, commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.records import Env, Record
from bench.report.cells import Cell, Line, Table, backend


def settings(records: Iterable[Record]) -> Table:
    """What each backend ran with: a column for all that differs, a note for all that doesn't."""
    last = {(r.contest, r.case.backend): r for r in records}.values()
    cases = [record.case for record in last]
    names = list(dict.fromkeys(name for case in cases for name in case.hyper))
    found = {name: [_value(case.hyper.get(name, "")) for case in cases] for name in names}
    found["epochs"] = [_value(case.epochs) for case in cases]
    found["budget"] = [Cell(f"{case.budget_s:g} s", case.budget_s) for case in cases]
    found["threads"] = [_value(case.threads) for case in cases]
    found["order sha256"] = [Cell(record.order_sha256 or "-") for record in last]
    differs = [name for name, cells in found.items() if len(set(cells)) > 1]
    same = ", ".join(f"{k} {v[0].text}" for k, v in found.items() if k not in differs)
    lines = [
        Line((backend(case.backend), Cell(case.dataset), *(found[name][k] for name in differs)))
        for k, case in enumerate(cases)
    ]
    columns = [(name, "") for name in ("Backend", "Data set", *differs)]
    return Table("Settings", columns, lines, f"The same for all: {same}.")


def _value(value: Any) -> Cell:
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, int | float):
        return Cell(f"{value:g}", float(value))
    if isinstance(value, Mapping):
        return Cell(", ".join(f"{k}={v}" for k, v in value.items()) or "none")
    return Cell(str(value))


def data(records: Iterable[Record]) -> Table:
    """Sizes and hashes: the same hash is the same bytes."""
    found = {
        (r.case.dataset, str(r.problem["sha256"]), r.init_sha256): r.problem
        for r in records
        if r.problem.get("sha256")
    }
    sizes = ("n_users", "n_items", "n_train", "n_test")
    names = ("Data set", "Users", "Items", "Training ratings", "Test ratings",
             "Data sha256", "Start sha256")  # fmt: skip
    lines = [
        Line((Cell(key[0]), *(_size(problem.get(s)) for s in sizes), *map(Cell, key[1:])))
        for key, problem in found.items()
    ]
    return Table("Data", [(name, "") for name in names], lines)


def _size(value: Any) -> Cell:
    return Cell(f"{value:,}", float(value)) if isinstance(value, int) else Cell("-")


def machines(records: Iterable[Record]) -> list[dict[str, str]]:
    """Each machine as name -> text; what differs between its records is listed side by side."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for env in (record.env for record in records if record.env):
        facts = found.setdefault(env.machine, {})
        for name, texts in _facts(env).items():
            facts.setdefault(name, {}).update(dict.fromkeys(texts))
    return [{k: ", ".join(texts) for k, texts in facts.items()} for facts in found.values()]


def _facts(env: Env) -> dict[str, list[str]]:
    commit = env.commit or "unknown"
    return {
        "Machine": [env.machine],
        "GPU": [env.gpu or "none"],
        "Threads, as each library reports": [f"{k} {v}" for k, v in sorted(env.threads.items())],
        "Python": [env.python],
        "Packages": [f"{k} {v}" for k, v in sorted(env.packages.items())],
        "Commit": [f"{commit} with uncommitted changes" if env.dirty else commit],
    }


def commands(records: Sequence[Record]) -> list[str]:
    """The commands that made the records, each once."""
    return list(dict.fromkeys(record.env.command for record in records if record.env))
