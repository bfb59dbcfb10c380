"""Findings and sections, and the numbers, intervals and lists that their sentences hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.row import Row
from bench.stats import Interval
from bench.tables import times
from bench.verdict.contest import Contest, Lead


@dataclass(frozen=True, slots=True)
class Finding:
    """What one contest says of one question: a sentence, and a clause for the answer about its
    `subject`, a backend. `known` is False where the sentence only says why nothing is known.
    """

    contest: Contest
    sentence: str
    clause: str = ""
    subject: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Section:
    """One question: the answer in a sentence or two, and its evidence."""

    topic: str
    question: str
    answer: str
    findings: Sequence[Finding] = ()
    table: str = ""  # Markdown

    @property
    def measured(self) -> bool:
        """Whether any record says something."""
        return bool(self.table) or any(finding.known for finding in self.findings)

    @property
    def short(self) -> str:
        """The answer as a bullet."""
        return f"- **{self.topic}**: {self.answer}"

    @property
    def evidence(self) -> list[str]:
        """One bullet for each finding; contests that say nothing share one for each reason, but for
        those on a data set of which another run says something.
        """
        bullets = [f"- {name(f.contest.name)}: {f.sentence}" for f in self.findings if f.known]
        said: dict[str, set[str]] = {}
        for finding in known(self.findings):
            said.setdefault(finding.contest.dataset, set()).add(finding.contest.run)
        silent: dict[str, dict[str, None]] = {}
        for finding in self.findings:
            runs = said.get(finding.contest.dataset)
            if not finding.known and (not runs or finding.contest.run in runs):
                silent.setdefault(finding.sentence, {})[name(finding.contest.name)] = None
        return bullets + [f"- Not measured on {listed([*on])}: {why}" for why, on in silent.items()]


def missing(contest: Contest, why: str) -> Finding:
    """A contest that can't answer, and why not."""
    return Finding(contest, why, known=False)


def known(findings: Iterable[Finding]) -> list[Finding]:
    """Those that say something."""
    return [finding for finding in findings if finding.known]


def name(text: str) -> str:
    """As code, so that brackets and underscores stay what they are."""
    return f"`{text}`"


def listed(parts: Sequence[str]) -> str:
    """a, b and c; empty for nothing."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def factor(ratio: Interval) -> str:
    """2.31 times (95%: 2.10 to 2.63); a reason where there is no interval."""
    return f"{times(ratio.mid)} times ({interval(ratio)})"


def interval(ratio: Interval) -> str:
    if math.isnan(ratio.low):
        return "too few repeats for an interval"
    if ratio.low == ratio.high:
        return "the same in every repeat"
    return f"95%: {times(ratio.low)} to {times(ratio.high)}"


def sooner(found: Lead, other: Row, what: str = "") -> str:
    """66 times (95%: 63 to 69) sooner than `torch_sgd`; or later, or more than so much. `what`
    says which one that is.
    """
    who = f"{what} ({name(other.backend)})" if what else name(other.backend)
    if found.at_least:
        least = math.floor(found.ratio.mid * (10 if found.ratio.mid < 10 else 1))
        much = least / 10 if found.ratio.mid < 10 else least
        return f"more than {much:g} times sooner than {who} (which never met it)"
    met = f" (in the {other.reached} of {other.repeats} repeats that met it)"
    part = met if other.reached < other.repeats else ""
    if found.ratio.mid < 1:
        return f"{factor(inverse(found.ratio))} later than {who}{part}"
    return f"{factor(found.ratio)} sooner than {who}{part}"


def inverse(ratio: Interval) -> Interval:
    """The other side over this one."""
    return Interval(1 / ratio.mid, 1 / ratio.high, 1 / ratio.low, ratio.p)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A Markdown table; all but the first columns are numbers."""
    marks = [*["---"] * words, *["---:"] * (len(head) - words)]
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], marks, *lines[1:]))
