"""The limits of one machine as data: readings, and the lookup between them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

FORMAT = 1
UNITS = {
    "stream": "byte/s",
    "gather": "byte/s",
    "update": "byte/s",
    "sgd": "rating/s",
    "fma": "flop/s",
    "blas": "flop/s",
    "call": "call/s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One limit, float32: rates in the unit of its kind, over `repeats` timed runs.

    row_bytes    of one row of P or Q: 4 rank
    table_bytes  of all rows visited, cut among the threads
    """

    kind: str
    threads: int = 1
    row_bytes: int = 0
    table_bytes: int = 0
    best: float
    median: float
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLimits:
    """All readings of one machine.

    `measured` is ISO 8601 in UTC, `took_s` what measuring took, `busy_cores` how many cores other
    programs kept busy meanwhile.
    """

    machine: str
    measured: str
    took_s: float
    busy_cores: float
    packages: Mapping[str, str]
    readings: tuple[Reading, ...]
    format: int = FORMAT

    def of(self, kind: str, **where: int) -> tuple[Reading, ...]:
        """The readings of a kind whose fields have the given values."""
        return tuple(
            reading
            for reading in self.readings
            if reading.kind == kind and all(getattr(reading, k) == v for k, v in where.items())
        )

    def rate(self, kind: str, **where: float) -> float:
        """The best rate at any `threads`, `row_bytes` or `table_bytes`, between what was measured.

        Interpolates in logarithms, field by field, and keeps the last value beyond the ends. NaN
        for more threads than were measured.
        """
        readings = self.of(kind)
        if where.get("threads", 0) > max((r.threads for r in readings), default=0):
            return math.nan
        return _between(readings, list(where.items()))


def better(new: MachineLimits, old: MachineLimits | None) -> MachineLimits:
    """The new limits, with what the old ones reached beyond: a limit is the best ever seen.

    Older ones of other libraries do not count.
    """
    if old is None or old.packages != new.packages:
        return new
    reached = {_place(reading): reading for reading in old.readings}
    readings = (max(r, reached.get(_place(r), r), key=lambda r: r.best) for r in new.readings)
    return replace(new, readings=tuple(readings), busy_cores=min(new.busy_cores, old.busy_cores))


def _place(reading: Reading) -> tuple[str, int, int, int]:
    return reading.kind, reading.threads, reading.row_bytes, reading.table_bytes


def _between(readings: Sequence[Reading], where: Sequence[tuple[str, float]]) -> float:
    if not where or not readings:
        return readings[0].best if readings else math.nan
    (field, x), *rest = where
    at = sorted({getattr(reading, field) for reading in readings})
    rates = [_between(_only(readings, field, value), rest) for value in at]
    return float(np.exp(np.interp(np.log(x), np.log(at), np.log(rates))))


def _only(readings: Iterable[Reading], field: str, value: int) -> list[Reading]:
    return [reading for reading in readings if getattr(reading, field) == value]


def to_json(limits: MachineLimits) -> str:
    return json.dumps(asdict(limits), indent=1)


def from_json(text: str) -> MachineLimits:
    """The inverse of to_json. Raises ValueError for another format or what is no limits at all."""
    try:
        raw = json.loads(text)
        if raw["format"] != FORMAT:
            raise ValueError(f"format {raw['format']} where this version reads format {FORMAT}")
        return MachineLimits(**raw | {"readings": tuple(Reading(**r) for r in raw["readings"])})
    except (TypeError, KeyError) as error:
        raise ValueError(f"these are no limits ({error})") from None
