"""Records with their steady epoch placed under the roof of the machine that made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from bench.limits import roofline, store
from bench.limits.readings import MachineLimits
from bench.limits.work import Work
from bench.problems import cache
from bench.records import Record
from bench.stats import costs

Known = Mapping[str, MachineLimits | None]  # by machine


def with_rates(records: Iterable[Record], *folders: Path) -> list[Record]:
    """The records, each with its `rate`: what it does per second and which share of its machine's
    limits, of the first of `folders` that holds them. Without them the share is not known.
    """
    found = list(records)
    known = {
        machine: next((limits for f in folders if (limits := store.load(machine, f))), None)
        for machine in _machines(found)
    }
    return [_rated(record, known) for record in found]


def keep_limits(records: Iterable[Record], directory: Path) -> None:
    """Copy what the cache holds of these records' machines beside them, so that their share of the
    limits can be told elsewhere. Raises DataError.
    """
    for machine in _machines(records):
        limits = store.load(machine, cache.root())
        if limits and limits != store.load(machine, directory):
            store.save(limits, directory)


def _machines(records: Iterable[Record]) -> dict[str, None]:
    return dict.fromkeys(record.env.machine for record in records if record.env)


def _rated(record: Record, known: Known) -> Record:
    if not (record.path and record.env and record.epochs) or record.case.hyper["device"] != "cpu":
        return record
    work = Work.of(record, record.path, costs(record).epoch_s)
    rate = roofline.rate(work, known[record.env.machine])
    return replace(record, rate=asdict(rate))
