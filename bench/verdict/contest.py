"""What may be compared: the backends that ran on one data set, in one run, on one machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench import leaderboard
from bench.plots import slug
from bench.records import Record
from bench.row import AGREES, Row
from bench.stats import Interval, median, paired_ratio

# The question is about these programs; which of them can be compared is read from the records.
AUTOGRAD = ("torch_embedding_sgd", "torch_sgd", "jax_sgd")
PLAIN = ("torch_embedding_sgd", "torch_sgd")  # as the blog writes it: the first of these that ran
BY_HAND = "numpy_sgd"  # the same rule, its gradient derived by hand
TWINS = ("torch_sgd", "torch_manual_sgd")  # one library and one form, with autograd and by hand


@dataclass(frozen=True, slots=True)
class Contest:
    """One contest of one results directory: its ranking, its repeats and its figures."""

    name: str
    title: str  # shorter: the data set alone, where that tells it from the others of the run
    rows: Sequence[Row]
    records: Mapping[str, Sequence[Record]]  # label -> repeats
    run: str = ""  # the directory, where there are several
    figures: Mapping[str, str] = field(default_factory=dict)  # kind -> link from the page

    @property
    def dataset(self) -> str:
        return self._any.case.dataset

    @property
    def threads(self) -> int:
        return self._any.case.threads

    @property
    def n_train(self) -> int:
        sizes = [r.problem.get("n_train", 0) for found in self.records.values() for r in found]
        return int(max(sizes))

    @property
    def _any(self) -> Record:
        return next(iter(self.records.values()))[0]

    @property
    def sound(self) -> list[Row]:
        """The rows that count, best first: those without a failure or a flag."""
        return [row for row in self.rows if row.verdict == AGREES]

    def on(self, device: str) -> list[Row]:
        """The sound rows that ran on one device."""
        return [row for row in self.sound if self.device(row) == device]

    def device(self, row: Row) -> str:
        return str(self.records[row.backend][0].case.hyper.get("device", "cpu"))

    def path(self, row: Row) -> str:
        """The update-rule family that the backend declared; empty where no repeat told."""
        return next((r.path for r in self.records[row.backend] if r.path), "")

    def of(self, names: Sequence[str]) -> list[Row]:
        """The sound rows of these backends on the CPU, whatever their settings."""
        return [row for row in self.on("cpu") if base(row.backend) in names]

    @property
    def plain(self) -> list[Row]:
        """Autograd as the blog writes it, the best row of it; empty where it did not run."""
        return next(filter(None, (self.of([name]) for name in PLAIN)), [])[:1]

    def unsound(self, names: Sequence[str]) -> str:
        """Why one of these backends ran here and does not count; empty where none did."""
        for row in self.rows:
            if base(row.backend) in names and row.verdict != AGREES:
                return f"`{row.backend}` {row.verdict}: {row.reasons[0]}"
        return ""

    def figure(self, kind: str) -> str:
        """A link in brackets, to end a sentence with; empty where none was drawn."""
        return f" ([figure]({self.figures[kind]}))" if kind in self.figures else ""


def base(label: str) -> str:
    """torch_sgd of torch_sgd@cuda[batch=64]."""
    return label.partition("[")[0].partition("@")[0]


def contests(records: Iterable[Record], figures: Mapping[str, str], run: str = "") -> list[Contest]:
    """The contests of one directory's records. `figures` are links by file name without suffix;
    `run` is added to their names where there are several directories. Raises ResultsError.
    """
    kept = leaderboard.latest(records)
    rows = leaderboard.rows(kept)
    groups = leaderboard.by_backend(kept)
    names = {record.contest: record.case.dataset for record in kept}
    where = f" ({run})" if run else ""
    found = []
    for name, backends in groups.items():
        ranked = [row for row in rows if row.dataset == name]
        alone = [*names.values()].count(names[name]) == 1
        title = names[name] if alone else name
        links = _of_contest(name, figures)
        found.append(Contest(name + where, title + where, ranked, backends, run, links))
    return found


def headlines(contests: Sequence[Contest]) -> list[list[Contest]]:
    """What short answers are about, run by run: on each data set, the most threads."""
    most: dict[tuple[str, str], int] = {}
    for c in contests:
        most[c.run, c.dataset] = max(c.threads, most.get((c.run, c.dataset), 0))
    kept = [c for c in contests if c.threads == most[c.run, c.dataset]]
    return [[c for c in kept if c.run == run] for run in dict.fromkeys(c.run for c in kept)]


def _of_contest(name: str, figures: Mapping[str, str]) -> dict[str, str]:
    # Kind -> link: figures are called KIND-CONTEST, as bench.plots names them.
    kinds = {stem.removesuffix(f"-{slug(name)}"): link for stem, link in figures.items()}
    return {kind: link for kind, link in kinds.items() if f"{kind}-{slug(name)}" in figures}


@dataclass(frozen=True, slots=True)
class Lead:
    """How many times sooner one backend meets the target than another; `at_least` where the other
    never met it, and has been given so much time.
    """

    ratio: Interval
    at_least: bool = False


def lead(contest: Contest, ahead: Row, behind: Row) -> Lead | None:
    """None where `ahead` missed the target, or `behind` was stopped before it could be late."""
    if not math.isfinite(ahead.to_target_s):
        return None
    if math.isfinite(behind.to_target_s):
        return Lead(paired_ratio(behind.times_s, ahead.times_s))
    spent_s = median(r.train_s for r in contest.records[behind.backend])
    late = spent_s > ahead.to_target_s
    return Lead(Interval(spent_s / ahead.to_target_s), at_least=True) if late else None
