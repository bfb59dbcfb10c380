"""The short form: one table and a few sentences, kept between two marks in another page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.records import ResultsError
from bench.row import Row
from bench.tables import ratio
from bench.units import digits, seconds
from bench.verdict.contest import Contest, headlines
from bench.verdict.page import answers
from bench.verdict.words import listed, name, table

BEGIN, END = "<!-- verdict: written by mfbench verdict -->", "<!-- end of verdict -->"
SHOWN = ("convergence", "timing")
CAPTIONS = {
    "convergence": "Test RMSE and J against training time and epochs",
    "timing": "Time to the target, as epochs needed times seconds per epoch",
}


def short(contests: Sequence[Contest]) -> str:
    """A table of the first run, the answers, and the figures of its first data set."""
    shown = headlines(contests)[0]
    figures = [
        f"![{CAPTIONS[kind]}]({shown[0].figures[kind]})"
        for kind in SHOWN
        if kind in shown[0].figures
    ]
    return "\n\n".join([_setting(shown), _table(shown), answers(contests), *figures])


def _setting(contests: Sequence[Contest]) -> str:
    goals = listed(
        [
            f"on {name(c.title)} ({c.n_train:,} training ratings) to {c.rows[0].target.sentence}"
            for c in contests
        ]
    )
    threads = sorted({c.threads for c in contests})
    plural = "s" * (threads != [1])
    return f"One such run, {listed([f'{n}' for n in threads])} thread{plural}, {goals}:"


def _table(contests: Sequence[Contest]) -> str:
    labels = dict.fromkeys(row.backend for contest in contests for row in contest.rows)
    head = ["backend"]
    for contest in contests:
        head += [f"{name(contest.title)}: time to target", "ratio (95% interval)"]
    rows = [[name(label), *_cells(label, contests)] for label in labels]
    return table(head, rows)


def _cells(label: str, contests: Sequence[Contest]) -> list[str]:
    cells: list[str] = []
    for contest in contests:
        row = next((row for row in contest.rows if row.backend == label), None)
        cells += _cell(row) if row else ["not run", ""]
    return cells


def _cell(row: Row) -> list[str]:
    if row.place is None:
        return [row.verdict, ""]
    if not math.isfinite(row.to_target_s):
        return ["not reached", ""]
    epochs = digits(row.epochs_to_target)
    return [f"{seconds(row.to_target_s)} in {epochs} epochs", ratio(row)]


def put(block: str, text: str, where: str) -> str:
    """`text` with `block` between its marks. Raises ResultsError, naming `where`, without them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ResultsError(
            f"{where} has no place for the verdict; write {BEGIN} and {END} into it."
        )
    return f"{before}{BEGIN}\n{block}\n{END}{after}"
