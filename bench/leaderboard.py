"""Which backend is fastest to one common score: records in, ranked rows out.

A backend with a failure or a tripped guard is ranked last whatever its time: fast and wrong is not
fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from bench import stats
from bench.records import Point, Record, refuse_to_mix
from bench.row import AGREES, FAILED, FLAGGED, VERDICTS, Row
from bench.tables import show, table, text
from bench.target import Target, best_point, crossing, target_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Row", "frame", "rows", "show", "table", "text"]


def rows(
    records: Iterable[Record], target: float | None = None, baseline: str | None = None
) -> list[Row]:
    """Ranked rows, data set by data set. Ratios are to `baseline`, or to the first in the ranking.
    Raises ResultsError where records of one data set can't be compared.
    """
    kept = latest(records)
    refuse_to_mix(kept)
    ranked: list[Row] = []
    for backends in by_backend(kept).values():
        goal = target_of([r for group in backends.values() for r in group], target)
        found = sorted((_row(group, goal) for group in backends.values()), key=_order)
        ranked += _compared(found, baseline)
    return ranked


def latest(records: Iterable[Record]) -> list[Record]:
    """The records that share the settings of the last one written for their data set and backend:
    other settings under the same label can't be averaged with them.
    """
    records = list(records)
    last = {(r.contest, r.case.backend): _settings(r) for r in records}
    return [r for r in records if _settings(r) == last[r.contest, r.case.backend]]


def _settings(record: Record) -> object:
    case = record.case
    return {**case.hyper, "seed": None}, case.epochs, case.budget_s


def by_backend(records: Iterable[Record]) -> dict[str, dict[str, list[Record]]]:
    """Contest (data set, threads, machine) -> backend -> records, each in the order first seen."""
    groups: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        backends = groups.setdefault(record.contest, {})
        backends.setdefault(record.case.backend, []).append(record)
    return groups


def _row(group: Sequence[Record], goal: Target) -> Row:
    good = [r for r in group if r.succeeded]
    shown = good or list(group)
    reasons = [r.reason for r in group if not r.succeeded] + [f for r in group for f in r.flags]
    met = {stats.pair(r): crossing(r.points, goal) for r in good}
    best = _best(shown, goal.metric)
    costs = stats.median_costs(shown)
    n_train = float(shown[-1].problem.get("n_train", math.nan))
    return Row(
        dataset=group[0].contest,
        backend=group[0].case.backend,
        verdict=FAILED if len(good) < len(group) else FLAGGED if reasons else AGREES,
        reasons=tuple(dict.fromkeys(reasons)),
        notes=tuple(dict.fromkeys(note for r in group for note in r.notes)),
        repeats=len(group),
        target=goal,
        times_s={key: c.seconds if c else math.inf for key, c in met.items()} if best else {},
        epochs_to_target=stats.median(c.epochs for c in met.values() if c),
        best_score=stats.median(getattr(p, goal.metric) for p in best),
        best_s=stats.median(p.train_s for p in best),
        test_rmse=stats.median(p.test_rmse for p in best or _best(shown, "test_rmse")),
        J=stats.median(r.points[-1].J for r in shown if r.points),
        stationarity=stats.median(r.stationarity for r in shown),
        costs=costs,
        **_rates(shown),
        ratings_hz=n_train / costs.epoch_s if costs.epoch_s else math.nan,
        own_mb=stats.median(r.own_mb for r in shown),
        data_mb=stats.median(float(r.problem.get("data_mb", math.nan)) for r in shown),
        device_peak_mb=stats.median(r.device_peak_mb for r in shown),
    )


def _best(records: Sequence[Record], metric: str) -> list[Point]:
    return [p for r in records if (p := best_point(r.points, metric))]


def _rates(records: Sequence[Record]) -> dict[str, Any]:
    rated = [r.rate for r in records if r.rate]
    names = ("bytes_hz", "flops_hz", "of_limit")
    medians = {name: stats.median(rate[name] for rate in rated) for name in names}
    return medians | {"bound": rated[-1]["bound"] if rated else ""}


def _order(row: Row) -> tuple[float, ...]:
    # Failures and flags last; before them who has no such score; the others by time, and misses by
    # how near they came.
    met = math.isfinite(row.to_target_s)
    score = row.best_score if math.isfinite(row.best_score) else math.inf
    last = VERDICTS.index(row.verdict), not row.applicable, not met
    return *last, row.to_target_s if met else score


def _compared(ranked: Sequence[Row], baseline: str | None) -> list[Row]:
    # Places, ratios to the baseline, and the mark between neighbours.
    first = next((row for row in ranked if row.backend == baseline), ranked[0])
    done: list[Row] = []
    for place, row in enumerate(ranked, start=1):
        agrees = row.verdict == AGREES and row.applicable
        ratio = stats.paired_ratio(row.times_s, first.times_s)
        tied = place > 1 and agrees and _tied(row, ranked[place - 2])
        row = replace(row, place=place if agrees else None, tied=tied)
        done.append(replace(row, baseline=first.backend, ratio=ratio))
    return done


def _tied(row: Row, above: Row) -> bool:
    if not math.isfinite(row.to_target_s):
        return False  # a miss ranks below whoever reached; misses are not ranked by time
    return not stats.paired_ratio(row.times_s, above.times_s).excludes_one


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """The rows as a table: one column per field, seconds in columns that end in _s."""
    import pandas as pd

    flat = []
    for row in rows:
        cells = asdict(row)
        costs, ratio, goal = cells.pop("costs"), cells.pop("ratio"), cells.pop("target")
        del cells["times_s"]
        cells |= {"to_target_s": row.to_target_s, "reached": row.reached, "outcome": row.outcome}
        cells |= {"ratio": ratio["mid"], "ratio_low": ratio["low"], "ratio_high": ratio["high"]}
        flat.append(cells | costs | {"target": goal["value"], "target_metric": goal["metric"]})
    return pd.DataFrame(flat)
