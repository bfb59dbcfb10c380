"""Do the members of a family walk alike? Traces in, verdicts out; bench.families makes the traces.

Members of a family walk one path: same start, same order, same optimizer and batch. In float64
their losses and factors stay within TOLERANCE["float64"] of the written definition. The bound
leaves room for sums taken in another order, on another machine: here they differ by 1e-14, while
the usual mistakes move the factors by more than 1e-4. float32 rounds at 6e-8; its walks stay within
1e-6 here and are held to 1e-5."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = {"float64": 1e-9, "float32": 1e-5}
WRITTEN = "the definition"


@dataclass(frozen=True, slots=True)
class Family:
    """What must be equal for two backends to walk number by number alike."""

    path: str
    batch: int = 1
    optimizer: str = "sgd"
    order: str = "shuffle"
    steps: bool = True  # False for a path without step size, where the others mean nothing
    dropout: float = 0.0

    @property
    def label(self) -> str:
        if not self.steps:
            return self.path
        dropped = f", dropout {self.dropout:g}" if self.dropout else ""
        return f"{self.path}, batch {self.batch}, {self.optimizer}, {self.order}{dropped}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Where a walker was after 0, 1, ... epochs: J (epochs + 1,), factors (epochs + 1, size)."""

    family: Family
    walker: str
    J: NDArray[np.float64]
    factors: NDArray[Any]
    dtype: str = "float64"
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far two traces part, relative to the larger one's size; `parted` is the first epoch that
    is out of tolerance, None if none is.
    """

    J: float
    factors: float
    parted: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One walker's standing in one family, against the family's first trace."""

    family: Family
    walker: str
    against: str
    gap: Gap
    float32: Gap | None = None  # of its float32 walk, where it has one
    threads: tuple[int, ...] = ()  # thread counts that were tried
    same_bits: bool = True  # with all of them

    @property
    def agrees(self) -> bool:
        gaps = [self.gap] + ([self.float32] if self.float32 else [])
        return self.same_bits and all(gap.parted is None for gap in gaps)

    @property
    def verdict(self) -> str:
        """agrees, or what is wrong in a few words."""
        if self.gap.parted is not None:
            return f"parts in epoch {self.gap.parted}"
        if self.float32 and self.float32.parted is not None:
            return f"float32 parts in epoch {self.float32.parted}"
        return "agrees" if self.same_bits else "depends on the threads"


def gap(found: Trace, expected: Trace) -> Gap:
    """How far `found` strays from `expected`, epoch by epoch."""
    tolerance = TOLERANCE[found.dtype]
    J = _relative(found.J[:, None], expected.J[:, None])
    factors = _relative(found.factors, expected.factors)
    outside = np.flatnonzero(np.maximum(J, factors) > tolerance)
    parted = int(outside[0]) if len(outside) else None
    return Gap(J=float(J.max()), factors=float(factors.max()), parted=parted)


def _relative(found: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.float64]:
    # Largest difference in each epoch over the largest entry of that epoch; infinite for a NaN.
    with np.errstate(invalid="ignore"):
        away = np.abs(found.astype(np.float64) - expected).max(axis=1)
        scale = np.abs(expected).max(axis=1)
        ratio = away / np.where(scale > 0, scale, 1.0)
    return np.where(np.isfinite(ratio), ratio, np.inf)


def memberships(traces: Iterable[Trace]) -> Iterator[Membership]:
    """Every walker against the first float64 trace of its family, which is that of the written
    definition where there is one.
    """
    for family, members in _families(traces):
        first = min(members, key=lambda t: t.dtype != "float64")
        walkers = dict.fromkeys(t.walker for t in members)
        for walker in walkers if len(walkers) == 1 else [w for w in walkers if w != first.walker]:
            yield _membership(family, first, [t for t in members if t.walker == walker])


def _membership(family: Family, first: Trace, mine: Sequence[Trace]) -> Membership:
    exact = [t for t in mine if t.dtype == "float64"]
    coarse = [t for t in mine if t.dtype == "float32"]
    main = (exact or coarse)[0]
    alike = (exact or coarse)[1:]
    return Membership(
        family=family,
        walker=main.walker,
        against=first.walker,
        gap=gap(main, first),
        float32=gap(coarse[0], first) if exact and coarse else None,
        threads=tuple(t.threads for t in (main, *alike)),
        same_bits=all(t.factors.tobytes() == main.factors.tobytes() for t in alike),
    )


def matrix(traces: Iterable[Trace]) -> dict[Family, dict[tuple[str, str], Gap]]:
    """The gap between any two float64 members of each family, for a report."""
    return {
        family: {
            (a.walker, b.walker): gap(b, a)
            for a, b in combinations(members, 2)
            if a.dtype == b.dtype == "float64" and a.threads == b.threads
        }
        for family, members in _families(traces)
    }


def _families(traces: Iterable[Trace]) -> Iterator[tuple[Family, list[Trace]]]:
    families: dict[Family, list[Trace]] = {}
    for trace in traces:
        families.setdefault(trace.family, []).append(trace)
    for family, members in families.items():
        yield family, sorted(members, key=lambda t: t.walker != WRITTEN)
