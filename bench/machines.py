"""Runs of several machines told apart: seconds of two machines are never ranked together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.records import Record

UNKNOWN = "unknown machine"


def apart(*runs: Sequence[Record]) -> list[list[Record]]:
    """The runs, each contest that one of them held on several machines divided by machine: its
    records say their `place`. Runs of one machine each stay as they are.
    """
    several = {contest for run in runs for contest in _on_several(run)}
    names = short(_machine(record) for run in runs for record in run)
    return [
        [replace(r, place=names[_machine(r)] if r.case.contest in several else "") for r in run]
        for run in runs
    ]


def _machine(record: Record) -> str:
    return record.env.machine if record.env else UNKNOWN


def _on_several(run: Iterable[Record]) -> set[str]:
    machines: dict[str, set[str]] = {}
    for record in run:
        machines.setdefault(record.case.contest, set()).add(_machine(record))
    return {contest for contest, found in machines.items() if len(found - {UNKNOWN}) > 1}


def short(machines: Iterable[str]) -> Mapping[str, str]:
    """Each machine's line -> those of its parts, between commas, that tell it from the others."""
    parts = {machine: machine.split(", ") for machine in machines}
    if len({len(found) for machine, found in parts.items() if machine != UNKNOWN}) != 1:
        return {machine: machine for machine in parts}
    known = [found for machine, found in parts.items() if machine != UNKNOWN]
    differs = [len(set(column)) > 1 for column in zip(*known)]
    return {
        machine: ", ".join(part for part, telling in zip(found, differs) if telling) or machine
        for machine, found in parts.items()
    } | {UNKNOWN: UNKNOWN}
