"""Where does the GPU overtake?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.breakeven import break_even
from bench.row import Row
from bench.verdict.contest import Contest, Lead, base, lead
from bench.verdict.words import Finding, Section, listed, missing, name, sooner

TOPIC, QUESTION = "GPU", "Where does the GPU overtake?"


@dataclass(frozen=True, slots=True)
class Meeting:
    """The fastest GPU backend of a contest beside the fastest on the CPU."""

    contest: Contest
    gpu: Row
    cpu: Row
    lead: Lead

    @property
    def ahead(self) -> bool:
        """Beyond doubt, or because the CPU never got there."""
        return self.lead.at_least or self.lead.ratio.low > 1


def gpu(contests: Sequence[Contest]) -> Section:
    """On which of the data sets measured, and from a cold start, by break-even."""
    if not any(contest.device(row) == "cuda" for contest in contests for row in contest.rows):
        return Section(TOPIC, QUESTION, "not measured; no record ran on one.")
    meetings = [found for contest in contests if (found := _meeting(contest))]
    measured = [found.contest.name for found in meetings]
    silent = [
        missing(contest, "no sound record of a GPU that met the target, beside one of a CPU.")
        for contest in contests
        if contest.name not in measured
    ]
    return Section(TOPIC, QUESTION, _answer(meetings), [*map(_finding, meetings), *silent])


def _meeting(contest: Contest) -> Meeting | None:
    ours, theirs = contest.on("cuda"), contest.on("cpu")
    if not ours or not theirs or not (found := lead(contest, ours[0], theirs[0])):
        return None
    return Meeting(contest, ours[0], theirs[0], found)


def _answer(meetings: Sequence[Meeting]) -> str:
    if not meetings:
        return "not measured; no GPU met a target beside a CPU."
    sizes = sorted({m.contest.n_train for m in meetings})
    ahead = sorted({m.contest.n_train for m in meetings if m.ahead})
    tried = f"of {listed([f'{n:,}' for n in sizes])} training ratings measured"
    if not ahead:
        return f"it overtakes the fastest CPU backend nowhere, {tried}."
    return f"it overtakes the fastest CPU backend at {ahead[0]:,}, {tried}."


def _finding(found: Meeting) -> Finding:
    contest, ours = found.contest, found.gpu
    same = [r for r in contest.of([base(ours.backend)]) if r is not found.cpu]
    leads = [(row, each) for row in same if (each := lead(contest, ours, row))]
    said = [sooner(each, row) for row, each in [(found.cpu, found.lead), *leads]]
    cold = break_even(ours, found.cpu).sentence
    return Finding(
        contest,
        f"{name(ours.backend)} meets {ours.target.score} in {ours.outcome}: {listed(said)}"
        f"{contest.figure('timing')}." + (f" From a cold start: {cold}" if cold else ""),
    )
