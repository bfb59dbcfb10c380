"""All experiments, and those that a name means."""

from __future__ import annotations

from collections.abc import Sequence

from bench.reproduce import rosenthal, tables
from bench.reproduce.experiment import Experiment
from bench.specs import SpecError
from mfimpls.contract import unknown

EXPERIMENTS = rosenthal.EXPERIMENTS + tables.EXPERIMENTS
ALL = "all"


def groups() -> tuple[str, ...]:
    """Who published, in the order of the experiments."""
    return tuple(dict.fromkeys(experiment.group for experiment in EXPERIMENTS))


def chosen(names: Sequence[str]) -> list[Experiment]:
    """The experiments that names of experiments or groups mean, each once, in their own order.

    Raises SpecError for an unknown name, offering the nearest.
    """
    known = {ALL, *groups(), *(experiment.name for experiment in EXPERIMENTS)}
    for name in names:
        if name not in known:
            raise SpecError(unknown("experiment", name, known))
    wanted = set(names)
    return [e for e in EXPERIMENTS if {ALL, e.group, e.name} & wanted]
