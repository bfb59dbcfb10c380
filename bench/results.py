"""A results directory as a whole: its records, each data set's target, each backend's verdict.

Beside records.jsonl lie two small files. targets.json holds the score that every backend of a data
set is timed to: it is settled once, so that a later, better run moves no older figure.
agreement.json holds what `mfbench agree` last said of each backend and of which source.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench import machines
from bench.records import Record, ResultsError, load, unwritable
from bench.target import METRICS, Target, derived

TARGETS, AGREEMENT = "targets.json", "agreement.json"
Targets = Mapping[str, Mapping[str, Mapping[str, Any]]]  # data set -> metric -> Target


def read(directory: Path, asked: str | None = None, commit: str = "") -> list[Record]:
    """The records of a directory, each with its target and with the gate's verdict among its flags.

    `commit` is as in records.load. `asked` is a target for all: a test RMSE such as 0.93, `J=0.75`,
    or `J` for the stored one of J.
    Raises ResultsError.
    """
    metric, value = asked_target(asked)
    targets, verdicts = _json(directory / TARGETS), _json(directory / AGREEMENT)
    (records,) = machines.apart(load(directory, commit))
    return [_judged(_aimed(record, targets, metric, value), verdicts) for record in records]


def asked_target(text: str | None) -> tuple[str, float | None]:
    """Metric and value that a user asked for; None for the stored value. Raises ResultsError."""
    if text is None:
        return "test_rmse", None
    name, equals, number = text.rpartition("=")
    if text == "J":
        return "J", None
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf") or (equals and name not in METRICS):
        raise ResultsError(f"{text!r} is no target; write a test RMSE such as 0.93, or J=0.75.")
    return name or "test_rmse", value


def _aimed(record: Record, targets: Targets, metric: str, value: float | None) -> Record:
    stored = targets.get(record.case.dataset, {}).get(metric)
    if value is not None:
        target: Mapping[str, Any] = asdict(Target(metric, value, "as asked"))
    elif stored:
        target = stored
    else:
        target = {"metric": metric}
    return replace(record, problem=dict(record.problem) | {"target": target})


def _judged(record: Record, verdicts: Mapping[str, Any]) -> Record:
    label = record.case.backend
    # What was judged without settings was judged in all that it declares.
    verdict = verdicts.get(label) or verdicts.get(label.partition("[")[0])
    if not verdict or verdict["code_sha256"] != record.code_sha256:
        return record
    flags = () if verdict["agrees"] else (f"disagrees: {verdict['sentence']}",)
    return replace(record, flags=(*record.flags, *flags), gate=verdict)


def families(records: Iterable[Record]) -> dict[str, Any]:
    """Backend -> what the gate found of it, family by family; once for all settings of a source
    that it judged without settings.
    """
    found: dict[str, Any] = {}
    for record in records:
        label, rows = record.case.backend, record.gate.get("families")
        name = label.partition("[")[0]
        same = (known for known in found if known.partition("[")[0] == name)
        if rows and not any(found[known] == rows for known in same):
            found[label] = rows
    return found


def settle_targets(directory: Path, records: Iterable[Record], known: Targets) -> None:
    """Store a target for each data set that has none yet: the known one, else one derived from
    these records. Raises ResultsError.
    """
    targets: dict[str, Any] = dict(_json(directory / TARGETS))
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.case.dataset, []).append(record)
    for dataset in groups.keys() - targets.keys():
        found = {metric: derived(groups[dataset], metric) for metric in METRICS}
        goals: dict[str, Any] = {m: asdict(goal) for m, goal in found.items() if goal}
        if goals or dataset in known:
            targets[dataset] = goals | dict(known.get(dataset, {}))
    _store(directory / TARGETS, targets)


def store_agreement(directory: Path, verdicts: Mapping[str, Mapping[str, Any]]) -> None:
    """Add verdicts by label: code_sha256, agrees, sentence. Raises ResultsError."""
    path = directory / AGREEMENT
    _store(path, dict(_json(path)) | dict(verdicts))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ResultsError(f"Cannot read {path}: {error}; delete it and run again.") from None


def _store(path: Path, content: Mapping[str, Any]) -> None:
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        making.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        making.replace(path)
    except OSError as error:
        making.unlink(missing_ok=True)
        raise unwritable(path, error) from None
