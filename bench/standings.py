"""Stored records side by side: where each ended, what is off about it, and who parts from whom.

Records are long float32 walks over many ratings, in which rounding grows. So their losses alone are
compared, and only to TOLERANCE.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.records import Record

TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A record beside the others on its data set; `faults` has a sentence per thing that is off."""

    dataset: str
    walker: str
    epochs: int
    J: float
    stationarity: float
    test_rmse: float
    faults: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return not self.faults


def standings(records: Iterable[Record]) -> list[Standing]:
    """One row per record: where it ended, its guards, and whether records that share start, order
    and settings have the same losses.
    """
    records = list(records)
    parted = dict(_partings(records))
    return [
        Standing(
            dataset=r.case.dataset,
            walker=r.case.backend,
            epochs=r.epochs,
            J=r.points[-1].J if r.points else math.nan,
            stationarity=r.stationarity,
            test_rmse=r.points[-1].test_rmse if r.points else math.nan,
            faults=(() if r.succeeded else (r.reason,))
            + r.flags
            + ((parted[r.case.key],) if r.case.key in parted else ()),
        )
        for r in records
    ]


def _partings(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    # (case key, sentence) for each record that leaves the first one on the same path.
    first: dict[tuple[object, ...], Record] = {}
    for record in records:
        if not record.succeeded or not record.order_sha256:
            continue
        if record.objective != "J":
            continue
        other = first.setdefault(walk_of(record), record)
        for a, b in zip(other.points, record.points):
            if not abs(a.J - b.J) <= TOLERANCE * abs(a.J):
                yield (
                    record.case.key,
                    f"J is {b.J:.6g} after epoch {b.epoch} where {other.case.backend}, from the "
                    f"same start in the same order, has {a.J:.6g}",
                )
                break


def walk_of(record: Record) -> tuple[object, ...]:
    """What makes two records walk one path: data, start, order and settings. The device and what
    only one backend has may differ.
    """
    hyper: Mapping[str, Any] = record.case.hyper
    settings = tuple((k, hyper[k]) for k in sorted(hyper) if k not in ("device", "options"))
    return record.problem.get("sha256"), record.init_sha256, record.order_sha256, settings
