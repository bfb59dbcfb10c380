"""Records with their steady epoch placed under the roof of the machine that made them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace

from bench.limits import roofline, store
from bench.limits.work import Work
from bench.records import Record
from bench.stats import costs


def with_rates(records: Iterable[Record]) -> list[Record]:
    """The records, each with its `rate`: what it does per second and which share of the limits that
    `mfbench doctor --limits` stored for its machine. Without them the share is not known.
    """
    return [_rated(record) for record in records]


def _rated(record: Record) -> Record:
    if not (record.path and record.env and record.epochs) or record.case.hyper["device"] != "cpu":
        return record
    work = Work.of(record, record.path, costs(record).epoch_s)
    rate = roofline.rate(work, store.load(record.env.machine))
    return replace(record, rate=asdict(rate))
