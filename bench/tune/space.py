"""What a search may set, as data, and in which range; a backend's own space follows from its caps.

The model (what defines J) is searched once for all backends of a data set; a walk (how a backend
goes down J) is searched for each backend, over those fields of WALK that its caps declare. A range
of lr belongs to its optimizer. Options that one backend alone has stay at their defaults: nobody
gets a dimension that its family lacks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mfimpls.contract import Caps

VERSION = 2  # of all below: trials of another space are not gone on with
Settings = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Range:
    """A number between low and high, uniform, or with `log` uniform in its logarithm."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]


Dimension = Range | Choice

MODEL: Mapping[str, Dimension] = {
    "reg": Range(0.01, 0.5, log=True),
    "reg_bias": Range(0.002, 0.2, log=True),
}
LR: Mapping[str, Range] = {
    "sgd": Range(1e-4, 0.2, log=True),
    "adagrad": Range(0.02, 1.0, log=True),
    "rowwise_adagrad": Range(0.02, 1.0, log=True),
    "adam": Range(1e-3, 0.1, log=True),
}
WALK: Mapping[str, Dimension] = {
    "decay": Range(0.8, 1.0),
    "batch": Choice((1, 1024, 4096, 16384, 65536)),
}
FIRST: tuple[Settings, ...] = (  # known to be good before any search; tried by all that have them
    {"optimizer": "rowwise_adagrad", "lr": 0.2, "decay": 1.0, "batch": 1, "order": "blocks"},
    {"optimizer": "adagrad", "lr": 0.2, "decay": 1.0, "batch": 4096, "order": "shuffle"},
    {"optimizer": "adagrad", "lr": 0.2, "decay": 1.0, "batch": 16384, "order": "shuffle"},
)


def dimensions(caps: Caps, settings: Settings) -> Iterator[tuple[str, str, Dimension]]:
    """The fields that a walk of these capabilities sets: name, a name that is unique to the range,
    range. `settings` holds those already drawn, of which later ones may depend.
    """
    if "optimizer" in caps.uses:
        yield "optimizer", "optimizer", Choice(caps.optimizers)
    if "lr" in caps.uses:
        optimizer = settings.get("optimizer", "sgd")
        yield "lr", f"lr of {optimizer}", LR[optimizer]
    for name, dimension in WALK.items():
        if name in caps.uses:
            yield name, name, dimension
    if "order" in caps.uses:
        yield "order", "order", Choice(caps.orders)


def first(caps: Caps) -> Iterator[dict[str, Any]]:
    """The settings of FIRST that these capabilities have, by the names unique to their ranges."""
    for settings in FIRST:
        drawn: Settings = {}
        unique: dict[str, Any] = {}
        for name, key, dimension in dimensions(caps, drawn):
            drawn[name] = unique[key] = settings[name]
            if isinstance(dimension, Choice) and settings[name] not in dimension.values:
                break
        else:
            if drawn:
                yield unique


def tidy(value: Any) -> Any:
    """A drawn number in three digits, so that a winner can be read and typed."""
    return float(f"{value:.3g}") if isinstance(value, float) and math.isfinite(value) else value


def described(caps: Caps) -> str:
    """The space of a walk in one line, for people."""
    if not caps.uses or not any(True for _ in dimensions(caps, {})):
        return "nothing to search"
    names = [name for name, _, _ in dimensions(caps, {"optimizer": caps.optimizers[0]})]
    return ", ".join(names)
