"""In how many fewer lines, per capability?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.lines import TOTAL
from bench.records import Record
from bench.units import digits
from bench.verdict.contest import BY_HAND, PLAIN, TWINS, Contest, base
from bench.verdict.words import Section, name, table

NOTE = (
    "Lines are counted, not measured, so they have no interval; docs/figures.md says how. Those of "
    "other people's libraries are their adapters'."
)
KINDS = {
    "biases": "biases", "optimizer": "optimisers", "dropout": "dropout", "order": "orders",
    "device": "devices",
}  # fmt: skip


def code(contests: Sequence[Contest]) -> Section:
    """Logical lines of each backend, and what they buy."""
    found = _newest(contests)
    answer = f"{_answer(found)} {NOTE}"
    return Section(
        "Lines of code", "In how many fewer lines?", answer, table=_table(found) if found else ""
    )


def _newest(contests: Sequence[Contest]) -> dict[str, Record]:
    # One record for each backend whose lines are known, the shortest first.
    # The first run goes before others, which may be of other commits.
    found = [records for c in reversed(contests) for records in c.records.values()]
    records = [record for repeats in found for record in repeats if record.lines]
    last = {base(record.case.backend): record for record in records}
    return dict(sorted(last.items(), key=lambda item: item[1].lines[TOTAL]))


def _answer(found: Mapping[str, Record]) -> str:
    plain = next((label for label in PLAIN if label in found), "")
    asked = [(plain, BY_HAND), TWINS]
    said = [_beside(found[a], found[b], b) for a, b in asked if a in found and b in found]
    if not said:
        ran = f"{name(plain)}, {found[plain].lines[TOTAL]} lines long," if plain else "autograd"
        return f"not compared; there is no record of {ran} beside one by hand."
    return f"{'. '.join(said)}."


def _beside(ours: Record, theirs: Record, other: str) -> str:
    more = ours.lines[TOTAL] - theirs.lines[TOTAL]
    words = f"{abs(more)} {'more' if more > 0 else 'fewer'} than" if more else "as long as"
    ours_is = f"{name(base(ours.case.backend))} is {ours.lines[TOTAL]} lines long"
    total = f"{ours_is}, {words} {name(other)} ({theirs.lines[TOTAL]})"
    each = [_each(record) for record in (ours, theirs)]
    if not all(each):
        return f"{total}, what each can do not recorded"
    mine, its = (f"{digits(lines, 2)} (it declares {n})" for lines, n in each)
    return f"{total}; lines per capability {mine} against {its}"


def _each(record: Record) -> tuple[float, int] | tuple[()]:
    # Lines per capability, and how many: biases, dropout, each optimiser, order and device.
    n = sum(len(record.capabilities.get(kind, ())) for kind in KINDS)
    return (record.lines[TOTAL] / n, n) if n else ()


def _table(found: Mapping[str, Record]) -> str:
    head = ("backend", "lines", *KINDS.values(), "capabilities", "lines for each")
    return table(head, (_line(label, record) for label, record in found.items()))


def _line(label: str, record: Record) -> list[str]:
    each = _each(record)
    tail = [str(each[1]), digits(each[0], 2)] if each else ["not recorded"] * 2
    return [name(label), str(record.lines[TOTAL]), *(_cell(record, kind) for kind in KINDS), *tail]


def _cell(record: Record, kind: str) -> str:
    # What it declares, and the lines that are there for it.
    lines = record.lines.get(kind, 0)
    able = record.capabilities.get(kind)
    if able is None:
        return _count(lines) if lines else "-"
    if not able:
        return "none"
    count = "yes" if [*able] == [kind] else f"{len(able)}"
    return f"{count}, {_count(lines)}" if lines else count


def _count(lines: int) -> str:
    return f"{lines} line{'s' * (lines != 1)}"
