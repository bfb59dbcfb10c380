"""The interactive convergence chart's numbers, rounded to what a screen can show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.curves import Curve, Vector, against_epochs, against_seconds, shown
from bench.palette import Style
from bench.records import Record
from bench.report.sections import by_dataset
from bench.row import Row

METRICS = ("test_rmse", "train_rmse", "J")
AXES = {"seconds": against_seconds, "epochs": against_epochs}


def data(
    rows: Sequence[Row],
    groups: Mapping[str, Mapping[str, Sequence[Record]]],
    styles: Mapping[str, Style],
) -> dict[str, Any]:
    """JSON for the page's script: styles by backend, then data sets in order."""
    datasets = [_dataset(found, groups[found[0].dataset]) for found in by_dataset(rows)]
    drawn = dict.fromkeys(backend["name"] for found in datasets for backend in found["backends"])
    return {"styles": {name: _style(styles[name]) for name in drawn}, "datasets": datasets}


def _style(style: Style) -> dict[str, str]:
    return {"light": style.color, "dark": style.dark, "symbol": style.symbol}


def _dataset(rows: Sequence[Row], groups: Mapping[str, Sequence[Record]]) -> dict[str, Any]:
    first, anyone = rows[0], groups[rows[0].backend][0]
    lines = [(row, shown(groups[row.backend])) for row in rows]
    return {
        "name": first.dataset,
        "target": _target(first),
        "floor": anyone.problem.get("noise_floor"),
        "backends": [
            {"name": row.backend, "verdict": row.verdict, "curves": _curves(repeats)}
            for row, repeats in lines
            if repeats
        ],
    }


def _target(row: Row) -> dict[str, Any] | None:
    goal = row.target
    return {"metric": goal.metric, "value": goal.value} if math.isfinite(goal.value) else None


def _curves(repeats: Sequence[Record]) -> dict[str, dict[str, dict[str, list[float]]]]:
    return {
        metric: {name: _lists(against(repeats, metric)) for name, against in AXES.items()}
        for metric in METRICS
    }


def _lists(curve: Curve) -> dict[str, list[float]]:
    # A band only where the repeats differ.
    found = {"x": _rounded(curve.x), "y": _rounded(curve.mid)}
    if np.allclose(curve.low, curve.high, rtol=1e-5, atol=0):
        return found
    return found | {"low": _rounded(curve.low), "high": _rounded(curve.high)}


def _rounded(values: Vector) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
