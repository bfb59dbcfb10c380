"""Two runs side by side: in a terminal of 100 columns, and as data for other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.change import BETTER, FAILED, FLAGGED, UNCLEAR, WORSE, Change
from bench.compare import Compared, Comparison
from bench.matching import Difference

WIDTH = 100
STYLES = {BETTER: "green", WORSE: "red", UNCLEAR: "", FAILED: "yellow", FLAGGED: "yellow"}
MEANINGS = {
    BETTER: "better", WORSE: "worse", UNCLEAR: "can't be told apart", FAILED: "failed",
    FLAGGED: "disagrees or tripped a guard",
}  # fmt: skip
NOTE = (
    "Medians over repeats; ratios of geometric means, after / before, with 95% intervals. A mark "
    "allows for all lines of its measure: where nothing changed, one table in 20 has a false one."
)
UNPAIRED = (
    "Unpaired: one run came after the other, and what changed on the machine between them is in "
    "the ratio. Let the repeats of the two alternate to be sure (docs/statistics.md)."
)


def show(found: Comparison) -> Group:
    """One table per data set, the faults in words, and what the marks come to."""
    parts: list[RenderableType] = []
    for dataset, group in groupby(found.rows, key=lambda row: row.dataset):
        rows = list(group)
        goal = f": time to {rows[0].target.sentence}"
        parts += [Text.assemble((dataset, "bold"), goal), _table(rows), *_faults(rows), ""]
    for side, names in (("before", found.only_before), ("after", found.only_after)):
        if names:
            parts.append(Text(f"Only {side}: {', '.join(names)}.", "yellow"))
    parts += _differing("Forced: ", found.conditions, "yellow")
    parts += _differing("Changed: ", found.versions, "")
    parts += [_sum(found.rows), Text(NOTE, "dim")]
    if not all(row.changes[0].paired for row in found.rows):
        parts.append(Text(UNPAIRED, "dim"))
    return Group(*parts)


def plain(found: Comparison) -> dict[str, Any]:
    """For JSON; NaN and infinity become null, since JSON has neither."""
    whole = asdict(found)
    for row in whole["rows"]:
        for change in row["changes"]:
            change["metric"] = change["metric"]["name"]
    valid: dict[str, Any] = json.loads(json.dumps(whole), parse_constant=lambda _: None)
    return valid


def _table(rows: Sequence[Compared]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("backend", overflow="fold")
    table.add_column("")
    table.add_column("measure", no_wrap=True)
    for heading in ("before", "after", "ratio (95%)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for n, row in enumerate(rows):
        if n:
            table.add_row()
        lines = [_line(change, row) for change in row.changes]
        table.add_row(_name(row), *(Text("\n").join(cells) for cells in zip(*lines)))
    return table


def _name(row: Compared) -> Text:
    paired = "paired" if row.changes[0].paired else "unpaired"
    size = f"{_both(*row.repeats, 'repeat')}, {paired}\n{_both(*row.threads, 'thread')}"
    return Text.assemble(row.backend, (f"\n{size}", "dim"))


def _both(before: int, after: int, what: str) -> str:
    number = f"{before}" if before == after else f"{before} and {after}"
    return f"{number} {what}{'' if number == '1' else 's'}"


def _line(change: Change, row: Compared) -> Iterator[Text]:
    style = STYLES[change.mark]
    values = zip((change.before, change.after), change.reached, row.repeats)
    cells = [_value(change, *value) for value in values]
    for cell in (change.mark, change.metric.title, *cells, _ratio(change)):
        yield Text(cell, style)


def _value(change: Change, value: float, reached: int, repeats: int) -> str:
    if value == math.inf:
        return "not reached"
    part = f" ({reached} of {repeats})" if 0 < reached < repeats else ""
    return change.metric.say(value) + part


def _ratio(change: Change) -> str:
    ratio, say = change.ratio, change.metric.ratio
    interval = f" ({say(ratio.low)}-{say(ratio.high)})" if ratio.low < ratio.high else ""
    return say(ratio.mid) + interval


def _faults(rows: Iterable[Compared]) -> Iterator[Text]:
    for row in rows:
        for side, faults in zip(("before", "after"), row.faults):
            for fault in faults:
                yield Text(f"{row.verdict} {row.backend} {side}, {fault}", "yellow")


def _differing(lead: str, found: Iterable[Difference], style: str) -> Iterator[Text]:
    # Each fact once, whatever backends it holds for.
    for name, before, after in dict.fromkeys((d.field, d.before, d.after) for d in found):
        yield Text(f"{lead}{name}, {before} before and {after} after.", style)


def _sum(rows: Iterable[Compared]) -> Text:
    marks = [change.mark for row in rows for change in row.changes]
    said = [f"{mark} {MEANINGS[mark]}: {marks.count(mark)}" for mark in MEANINGS if mark in marks]
    return Text("   ".join(said), "bold")
