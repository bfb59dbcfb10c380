"""All that `mfbench agree` finds, as rows that know whether they agree."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from bench.agree import Membership
from bench.standings import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How one backend fared in the conformance suite; failures are check and message."""

    walker: str
    passed: int
    not_applicable: int
    failures: tuple[tuple[str, str], ...]

    @property
    def agrees(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a backend ends up when it is run to convergence on a small problem; NaN where it
    raised.
    """

    walker: str
    bound: float  # of stationarity
    J: float = math.nan
    stationarity: float = math.nan
    test_rmse: float = math.nan

    @property
    def agrees(self) -> bool:
        return self.stationarity <= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Independence:
    """Whether an epoch on a data set gives the same bits for every number of threads."""

    dataset: str
    walker: str
    threads: tuple[int, ...]
    same_bits: bool
    declared: bool  # deterministic=True
    error: str = ""  # what it raised

    @property
    def agrees(self) -> bool:
        return not self.error and (self.same_bits or not self.declared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """All that `mfbench agree` found."""

    memberships: tuple[Membership, ...] = ()
    conducts: tuple[Conduct, ...] = ()
    destinations: tuple[Destination, ...] = ()
    independences: tuple[Independence, ...] = ()
    standings: tuple[Standing, ...] = ()

    @property
    def off(self) -> tuple[str, ...]:
        """Names of the backends that fail anything, each once."""
        rows: list[Membership | Conduct | Destination | Independence | Standing] = []
        for f in fields(self):
            rows += getattr(self, f.name)
        names = [row.walker for row in rows if not row.agrees]
        return tuple(dict.fromkeys(names))


def gate(found: Agreement, walker: str) -> dict[str, Any]:
    """What the gate says of one backend, to be kept beside its records: agrees, a sentence where it
    does not, and its row in every family.
    """
    member = [row for row in found.memberships if row.walker == walker]
    faults = [f"{row.family.label}: {row.verdict}" for row in member if not row.agrees]
    faults += [
        message for row in found.conducts if row.walker == walker for _, message in row.failures
    ]
    if any(row.walker == walker and not row.agrees for row in found.destinations):
        faults.append("run to convergence, it stops at no minimum of J")
    if any(row.walker == walker and not row.agrees for row in found.independences):
        faults.append("its result depends on the number of threads")
    families = [
        {
            "family": row.family.label,
            "J": row.gap.J,
            "factors": row.gap.factors,
            "float32_factors": row.float32.factors if row.float32 else math.nan,
            "threads": list(row.threads),
            "verdict": row.verdict,
        }
        for row in member
    ]
    sentence = faults[0] if faults else ""
    return {"agrees": not faults, "sentence": sentence, "families": _finite(families)}


def plain(found: Agreement) -> dict[str, Any]:
    """For JSON: every row with its verdict, and NaN and infinity as null."""
    rows = {
        f.name: [asdict(row) | {"agrees": row.agrees} for row in getattr(found, f.name)]
        for f in fields(found)
    }
    return {"off": found.off} | {name: [_finite(row) for row in rows[name]] for name in rows}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
