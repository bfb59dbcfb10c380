"""One experiment to its outcome: the contract's loop, the judge's scores, no clock but the
harness's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np

from bench.measure import Limits, finish, measure
from bench.reproduce.experiment import Experiment
from bench.reproduce.outcome import Outcome, Row, judged, settings_of
from bench.reproduce.problems import Open
from bench.reproduce.scores import SCORES
from bench.reproduce.variants import backend_of
from mfimpls.contract import Factors, Problem, Snapshot
from mfimpls.objective import evaluate
from mfimpls.orders import initial_factors

Key = tuple[str, int]  # metric, epoch


def carry_out(
    experiment: Experiment, open_split: Open, hear: Callable[[], None], time: bool = False
) -> Outcome:
    """Run every sample of an experiment; `hear` is called after each pass over the ratings.

    `time` adds ratings a second where the experiment is one to time. Raises DataError.
    """
    problems: dict[str, str] = {}
    outcome = Outcome(
        experiment=experiment.name, group=experiment.group, title=experiment.title,
        source=experiment.source, dataset=experiment.dataset, settings=settings_of(experiment),
        note=experiment.note, awaited=experiment.raises, problems=problems,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )  # fmt: skip
    samples: dict[Key, list[float]] = defaultdict(list)
    error = ""
    for seed, parts in enumerate(experiment.splits):
        found = []
        for split in parts:
            problem = open_split(split)
            problems[problem.name] = problem.sha256
            scored, error = _attempt(experiment, problem, seed, hear)
            found.append(scored)
        for key in found[0]:
            samples[key].append(float(np.mean([part[key] for part in found])))
    rows = [judged(c, samples[c.metric, c.epoch]) for c in experiment.claims if samples]
    if time and experiment.timed:
        rows.append(Row(metric="ratings/s", epoch=1, samples=(ratings_hz(experiment, problem),)))
    curves = tuple(
        Row(metric=metric, epoch=epoch, samples=tuple(values))
        for (metric, epoch), values in samples.items()
        if epoch in experiment.curve
    )
    return replace(outcome, rows=tuple(rows), curves=curves, error=error)


def _attempt(
    experiment: Experiment, problem: Problem, seed: int, hear: Callable[[], None]
) -> tuple[Mapping[Key, float], str]:
    # Scores, and the error where the published code is known to raise one.
    if not experiment.raises:
        return scores(experiment, problem, seed, hear), ""
    try:
        return scores(experiment, problem, seed, hear), ""
    except RuntimeError as error:
        return {}, str(error)


def scores(
    experiment: Experiment, problem: Problem, seed: int, hear: Callable[[], None]
) -> dict[Key, float]:
    """One run: the score of each (metric, epoch) that the experiment asks for."""
    init, steps = _begun(experiment, problem, seed)
    wanted: dict[int, list[str]] = defaultdict(list)
    for metric, epoch in experiment.scores:
        wanted[epoch].append(metric)
    found = {}
    for epoch in range(experiment.epochs + 1):
        snapshot = next(steps)
        if epoch:
            hear()
        if epoch in wanted:
            factors = snapshot()
            assert isinstance(factors, Factors)  # what only predicts reproduces nothing here
            with np.errstate(all="ignore"):  # what diverged is no number, and misses
                for metric in wanted[epoch]:
                    found[metric, epoch] = SCORES[metric](problem, factors, init)
    finish(steps)
    return found


def ratings_hz(experiment: Experiment, problem: Problem) -> float:
    """Training ratings a second over one pass, by the harness's clock."""
    _, steps = _begun(experiment, problem, 0)
    m = measure(lambda: steps, partial(evaluate, problem, experiment.hyper), Limits(1))
    return len(problem.train) / m.train_s


def _begun(
    experiment: Experiment, problem: Problem, seed: int
) -> tuple[Factors, Iterator[Snapshot]]:
    # The start, and the fit that begins there.
    hyper = replace(experiment.hyper, seed=seed)
    init = initial_factors(problem, hyper)
    return init, backend_of(experiment.backend).fit(problem, hyper, init)
