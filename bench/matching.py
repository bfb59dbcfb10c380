"""Which records of two runs belong together, and in what their conditions differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.leaderboard import latest
from bench.records import Record, ResultsError
from bench.stats import pair

DIGITS = 12  # of a hash
Facts = Iterator[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Match:
    """One backend on one data set, before and after; neither side is empty."""

    dataset: str
    backend: str
    before: Sequence[Record]
    after: Sequence[Record]

    @property
    def alternates(self) -> bool:
        """Whether the two runs of each shared repeat followed one another, so that what disturbed
        one is likely to have disturbed the other.
        """
        shared = {pair(r) for r in self.before} & {pair(r) for r in self.after}
        both = [r for r in (*self.before, *self.after) if pair(r) in shared]
        both.sort(key=lambda record: record.started)
        return all(pair(a) == pair(b) for a, b in zip(both[::2], both[1::2]))


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of one backend's records in which two runs differ, with its values on each side."""

    dataset: str
    backend: str
    field: str
    before: str
    after: str

    @property
    def refusal(self) -> str:
        return (
            f"{self.backend} on {self.dataset} differs in {self.field} ({self.before} before, "
            f"{self.after} after), so its runs can't be compared; run both alike, or add --force "
            "to compare them all the same."
        )


def matches(before: Iterable[Record], after: Iterable[Record]) -> list[Match]:
    """All that both runs hold, in the order of the first: the same backend, data set, number of
    threads and seeds. Where no number of threads or no seed is shared, what there is.
    """
    first, second = _grouped(before), _grouped(after)
    found = []
    for (dataset, backend), ours in first.items():
        theirs = second.get((dataset, backend), {})
        for n, m in [(n, n) for n in ours if n in theirs] or zip(ours, theirs):
            found.append(Match(dataset, backend, *_of_shared_seeds(ours[n], theirs[m])))
    return found


def unmatched(before: Iterable[Record], after: Iterable[Record]) -> tuple[list[str], list[str]]:
    """What only one run holds, as `backend on data set`: of the first, of the second."""
    first, second = _grouped(before), _grouped(after)
    return (
        [
            f"{backend} on {dataset}"
            for dataset, backend in first
            if (dataset, backend) not in second
        ],
        [
            f"{backend} on {dataset}"
            for dataset, backend in second
            if (dataset, backend) not in first
        ],
    )


Groups = dict[tuple[str, str], dict[int, list[Record]]]


def _grouped(records: Iterable[Record]) -> Groups:
    # data set, backend -> threads -> records
    groups: Groups = {}
    for record in latest(records):
        case = record.case
        dataset = ", ".join(filter(None, (case.dataset, record.place)))
        by_threads = groups.setdefault((dataset, case.backend), {})
        by_threads.setdefault(case.threads, []).append(record)
    return groups


def _of_shared_seeds(
    before: Sequence[Record], after: Sequence[Record]
) -> tuple[Sequence[Record], Sequence[Record]]:
    shared = {pair(r)[0] for r in before} & {pair(r)[0] for r in after}
    if not shared:
        return before, after
    return [r for r in before if pair(r)[0] in shared], [r for r in after if pair(r)[0] in shared]


def conditions(match: Match) -> list[Difference]:
    """Where what has to be equal in a fair comparison is not: machine, data, settings, start."""
    return _differences(match, _conditions)


def versions(found: Sequence[Match]) -> list[Difference]:
    """Where commit, Python or packages differ: what may explain a change."""
    before = [record for match in found for record in match.before]
    after = [record for match in found for record in match.after]
    return _differences(Match("every data set", "every backend", before, after), _versions)


def _differences(match: Match, facts: Callable[[Record], Facts]) -> list[Difference]:
    # A fact that one side does not state is not held against it.
    before, after = _values(match.before, facts), _values(match.after, facts)
    return [
        Difference(match.dataset, match.backend, name, *map(" and ".join, (ours, theirs)))
        for name, ours in before.items()
        if (theirs := after.get(name)) and (ours != theirs or (len(ours) > 1 and name != "seed"))
    ]


def _values(records: Iterable[Record], facts: Callable[[Record], Facts]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for record in records:
        for name, value in facts(record):
            found.setdefault(name, set()).add(str(value))
    return {name: sorted(values) for name, values in found.items()}


def _conditions(record: Record) -> Facts:
    case, env = record.case, record.env
    if env:
        yield "machine", env.machine
    if env and case.hyper.get("device", "cpu") != "cpu":
        yield "GPU", env.gpu
    if record.problem:
        yield "data sha256", record.problem["sha256"][:DIGITS]
    yield "threads", case.threads
    yield from case.hyper.items()
    yield "epochs", case.epochs
    yield "budget_s", case.budget_s
    seed = pair(record)[0]
    for name, sha in (("start", record.init_sha256), ("sample order", record.order_sha256)):
        if sha:
            yield f"{name} sha256 of seed {seed}", sha[:DIGITS]


def _versions(record: Record) -> Facts:
    if env := record.env:
        yield "commit", f"{(env.commit or 'unknown')[:DIGITS]}{' (changed)' if env.dirty else ''}"
        yield "python", env.python
        yield from env.packages.items()


def refuse(found: Iterable[Difference]) -> None:
    """Raise ResultsError for the first, naming its field and both values."""
    for difference in found:
        raise ResultsError(difference.refusal)
