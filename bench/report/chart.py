"""The interactive convergence chart's numbers, rounded to what a screen can show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.curves import Curve, against_epochs, against_seconds, limits, shown
from bench.palette import Style
from bench.records import Record
from bench.report.sections import by_dataset
from bench.row import Row

Against = Callable[[Sequence[Record], str], Curve]
MOST = 48  # points of a curve: more than its markers show
METRICS = ("test_rmse", "train_rmse", "J")
AXES: dict[str, Against] = {"seconds": against_seconds, "epochs": against_epochs}


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
    repeats = {row.backend: found for row in rows if (found := shown(groups[row.backend]))}
    return {
        "name": first.dataset,
        "target": _target(first),
        "floor": anyone.problem.get("noise_floor"),
        "limits": {metric: _limits([*repeats.values()], metric) for metric in METRICS},
        "backends": [
            {"name": row.backend, "verdict": row.verdict, "curves": _curves(repeats[row.backend])}
            for row in rows
            if row.backend in repeats
        ],
    }


def _limits(repeats: Sequence[Sequence[Record]], metric: str) -> tuple[float, float] | None:
    curves = [against_epochs(records, metric) for records in repeats]
    return limits(curves) if any(len(curve.x) for curve in curves) else None


def _target(row: Row) -> dict[str, Any] | None:
    goal = row.target
    return {"metric": goal.metric, "value": goal.value} if math.isfinite(goal.value) else None


def _curves(repeats: Sequence[Record]) -> dict[str, dict[str, dict[str, list[float]]]]:
    return {
        metric: {
            name: _lists(against(repeats, metric).thinned(MOST)) for name, against in AXES.items()
        }
        for metric in METRICS
    }


def _lists(curve: Curve) -> dict[str, list[float]]:
    across, down = curve.band
    found = {"x": curve.x, "y": curve.y, "bandX": across, "bandY": down}
    return {name: [float(f"{value:.5g}") for value in values] for name, values in found.items()}
