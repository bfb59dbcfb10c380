"""How much faster is custom code, and ALS, today, to one common score?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.row import Row
from bench.verdict.contest import AUTOGRAD, Contest, base, lead
from bench.verdict.words import Finding, Section, known, listed, missing, name, sooner


def custom(contests: Sequence[Contest]) -> Section:
    """The fastest SGD with gradients by hand, whoever wrote it."""
    return _section(
        contests,
        "Custom code",
        "How much faster is custom code today?",
        "SGD by hand",
        lambda contest, row: contest.path(row) == "sgd" and base(row.backend) not in AUTOGRAD,
    )


def als(contests: Sequence[Contest]) -> Section:
    """The fastest alternating least squares, exact or not."""
    return _section(
        contests,
        "ALS",
        "And ALS?",
        "ALS",
        lambda contest, row: contest.path(row).startswith("als"),
    )


def _section(
    contests: Sequence[Contest],
    topic: str,
    question: str,
    what: str,
    belongs: Callable[[Contest, Row], bool],
) -> Section:
    findings = [_finding(contest, what, belongs) for contest in contests]
    clauses = [finding.clause for finding in known(findings)]
    said = "; ".join(clauses) + "." if clauses else f"not measured; {findings[0].sentence}"
    return Section(
        topic, question, f"the fastest {what} to the target: {said}" if clauses else said, findings
    )


def _finding(contest: Contest, what: str, belongs: Callable[[Contest, Row], bool]) -> Finding:
    rows = contest.on("cpu")
    slow = contest.of(AUTOGRAD)
    if not slow:
        return missing(contest, "there is no sound record of autograd.")
    fast = [row for row in rows if belongs(contest, row)]
    if not fast:
        return missing(contest, f"there is no sound record of {what}.")
    first = fast[0]
    compared = [(slow[0], "the fastest autograd" if len(slow) > 1 else "")]
    compared += [(row, "") for row in contest.plain if row is not slow[0]]
    leads = [(row, which, lead(contest, first, row)) for row, which in compared]
    said = listed([sooner(found, row, which) for row, which, found in leads if found])
    if not said:
        return missing(contest, f"{name(first.backend)}, the fastest {what}, missed the target.")
    return Finding(
        contest,
        f"{name(first.backend)} meets {first.target.score} in {first.outcome}: {said}"
        f"{contest.figure('timing')}.",
        f"on {name(contest.title)} {name(first.backend)}, {said}",
    )
