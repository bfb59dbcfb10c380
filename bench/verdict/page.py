"""The whole verdict as one page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.records import Record
from bench.report import answers as report
from bench.row import Row
from bench.tables import mark, ratio
from bench.units import count, digits, fixed, seconds
from bench.verdict.code import code
from bench.verdict.contest import Contest, headlines
from bench.verdict.custom import als, custom
from bench.verdict.gpu import gpu
from bench.verdict.provenance import provenance
from bench.verdict.same_rule import per_epoch, per_second
from bench.verdict.words import name, table

QUESTIONS = (per_epoch, per_second, code, custom, als, gpu)
TITLE = "# Does autograd converge faster, in fewer lines?"
INTRODUCTION = (
    "In 2017 a blog post claimed that autograd lets you write a matrix factorization that "
    '"converges faster in fewer lines of code" than hand-derived SGD, and added that custom code '
    "and ALS are still much faster. This page is what the records say.",
    "Times are training seconds, medians over repeats; ratios are paired within a repeat, with "
    "their 95% intervals in brackets (docs/statistics.md). What is compared ran in one run on one "
    "machine, on one data set with one number of threads.",
)
WRITTEN = "This page is written by `{}`; edit nothing here."
RANKING = ("", "backend", "time to target", "ratio (95% interval)", "epochs", "per epoch",
           "best test RMSE", "ratings/s", "of the machine's limit", "lines")  # fmt: skip
MARKS = (
    "~ can't be told apart from the row above; ! tripped a guard and x failed: not ranked. Of the "
    "machine's limit (docs/limits.md), and what holds an epoch back: a dash where it was not "
    "measured. Seconds of another machine or another day can't be compared with these; ratios "
    "within a run can."
)


def answers(contests: Sequence[Contest]) -> str:
    """Each question's answer as a bullet, from the first run that has one."""
    asked = [[ask(run) for run in headlines(contests)] for ask in QUESTIONS]
    found = [next((each for each in runs if each.measured), runs[0]) for runs in asked]
    return "\n".join(section.short for section in found)


def page(contests: Sequence[Contest], runs: Mapping[str, Sequence[Record]], command: str) -> str:
    """The page of all contests; `runs` are the records behind them by directory, `command` is what
    writes it.
    """
    parts = [TITLE, *INTRODUCTION, "## In short", answers(contests)]
    for section in (ask(contests) for ask in QUESTIONS):
        evidence = "\n".join(section.evidence) or section.answer[0].upper() + section.answer[1:]
        parts += [f"## {section.question}", evidence, section.table]
    parts += ["## The rankings"]
    for contest in contests:
        parts += _ranking(contest)
    parts += [MARKS, *provenance(runs), WRITTEN.format(command)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _ranking(contest: Contest) -> list[str]:
    first = contest.rows[0]
    said = [
        f"{answer.sentence} {answer.warning}".strip() for answer in report.answers(contest.rows)
    ]
    said += [f"Ratios to {name(first.baseline)}."]
    rows = (_line(row, contest) for row in contest.rows)
    figures = ", ".join(f"[{kind}]({link})" for kind, link in contest.figures.items())
    return [
        f"### `{contest.name}`",
        " ".join(said),
        table(RANKING, rows, words=2),
        f"Figures: {figures}." if figures else "",
    ]


def _line(row: Row, contest: Contest) -> list[str]:
    lines = [r.lines.get("total") for r in contest.records[row.backend] if r.lines]
    return [
        mark(row),
        name(row.backend),
        row.outcome,
        ratio(row),
        digits(row.epochs_to_target),
        seconds(row.costs.epoch_s),
        fixed(row.test_rmse),
        count(row.ratings_hz),
        f"{digits(100 * row.of_limit, 2)}%, {row.bound}" if row.bound else "-",
        str(lines[-1]) if lines else "-",
    ]
