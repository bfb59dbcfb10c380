"""One case in a process of its own: `python -m bench.worker` reads a job and writes events.

The job comes on standard input; events go, as JSON lines, to the standard output that the process
was started with, while whatever libraries print goes to standard error. The parent keeps what it
heard, so that a crash costs no more than the epoch in which it happened.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import device, environment, memory
from bench.device import Audit
from bench.measure import Clocks, Limits, Measurement, measure, warm_up
from bench.problems import open_problem
from mfimpls import registry
from mfimpls.contract import Backend, Factors, Hyper, Problem, Ratings, Snapshot, Unsupported
from mfimpls.objective import evaluate, stationarity
from mfimpls.orders import factors_sha256, initial_factors, order_sha256

Tell = Callable[..., None]
REFITS = "can't be stepped: each point is a training run of its own, from scratch"
OTHER_OBJECTIVE = "minimises {}, not J: its J is shown, and not held against it"
OWN_START = "starts where it likes: its first point is the common start, its path its own"
PREDICTS = "only predicts ({}): its predictions are judged, J is absent, its first point the mean"
NO_SHUFFLE = "visits the ratings in one order in every epoch and never shuffles them"


def main() -> None:
    tell = teller()
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    try:
        _work(job, tell)
    except Unsupported as error:
        tell(status="unsupported", reason=str(error))
    except ModuleNotFoundError as error:
        name = error.name or "a module"
        tell(status="unavailable", reason=f"{error}; pip install {name.partition('.')[0]}")
    except MemoryError:
        tell(status="error", reason="out of memory")
    except Exception as error:
        sys.excepthook(*sys.exc_info())
        tell(status="error", reason=f"{type(error).__name__}: {error}")


def teller() -> Tell:
    """What writes an event: keeps the real standard output for events alone."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(**event: Any) -> None:
        events.write(json.dumps(event) + "\n")

    return tell


def _outlive_nobody() -> None:
    # Standard input ends when the parent is gone, however it went. Nobody would hear this process.
    while os.read(0, 1):
        pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


class _Notes(logging.Handler):
    """What a backend says to the logger mfimpls.notes, each sentence once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.said[record.getMessage()] = None


def _listen() -> _Notes:
    notes, logger = _Notes(), logging.getLogger("mfimpls.notes")
    logger.addHandler(notes)
    logger.setLevel(logging.INFO)
    return notes


def _work(job: dict[str, Any], tell: Tell) -> None:
    env = environment.describe(job["command"])
    tell(env=asdict(env))  # at once: a case that crashes has a machine too
    notes = _listen()
    t = time.perf_counter()
    backend = registry.load(job["backend"])
    tell(import_s=time.perf_counter() - t)
    hyper = Hyper(**job["hyper"])
    if missing := environment.missing_device(hyper.device):
        tell(status="unavailable", reason=missing)
        return
    tiny = tiny_problem()
    t = time.perf_counter()
    warm_up(backend, tiny, hyper, initial_factors(tiny, hyper))
    tell(warmup_s=time.perf_counter() - t)

    problem = open_problem(Path(job["problem"]))
    tell(problem=_facts(problem))
    init = initial_factors(problem, hyper)
    clocks = Clocks(peak_mb=memory.peak_mb, synchronise=device.synchroniser(hyper.device))

    def steps() -> Iterator[Snapshot]:
        return backend.fit(problem, hyper, init)

    m = measure(
        steps,
        lambda shown: evaluate(problem, hyper, shown),
        Limits(job["epochs"], job["budget_s"], backend.caps.refits),
        lambda point: tell(point=asdict(point)),
        clocks,
    )
    audited = hyper.device == "cuda" and m.points[1:] and not backend.caps.refits
    audit = device.audit(steps, m, clocks) if audited else None
    judged = m.last if backend.caps.minimises_J else None
    last = stationarity(problem, hyper, judged, init) if isinstance(judged, Factors) else None
    tell(
        stationarity=last,
        init_sha256=factors_sha256(init),
        order_sha256=order_sha256(problem, hyper) if "order" in backend.caps.uses else "",
        objective=backend.caps.objective,
        refits=backend.caps.refits,
    )
    packages = dict(env.packages) | environment.versions(backend.caps.requires)
    after = replace(env, threads=environment.threads(), gpu=environment.gpu(), packages=packages)
    tell(env=asdict(after))
    _finish(backend, m, audit, list(notes.said), tell)


def _finish(
    backend: Backend, m: Measurement, audit: Audit | None, said: list[str], tell: Tell
) -> None:
    suspects = (m.suspect, audit.suspect if audit else "")
    caps = backend.caps
    declared = (
        OTHER_OBJECTIVE.format(caps.objective) * (not caps.minimises_J and not caps.predicts),
        PREDICTS.format(caps.objective) * caps.predicts,
        REFITS * caps.refits,
        OWN_START * (not caps.takes_init and not caps.predicts),
        NO_SHUFFLE * (not caps.shuffles),
    )
    notes = (*declared, audit.note if audit else "", *said)
    tell(
        status=m.status,
        reason=m.reason,
        setup_s=m.setup_s,
        effective_cores=m.effective_cores,
        flags=list(filter(None, suspects)),
        monotone=backend.caps.monotone,
        path=backend.caps.path,
        predicts=backend.caps.predicts,
        notes=list(filter(None, notes)),
        peak_mb=m.peak_mb,
        device_peak_mb=memory.device_peak_mb(),
    )


def _facts(problem: Problem) -> dict[str, Any]:
    error = problem.test.ratings - problem.mean
    return {
        "sha256": problem.sha256,
        "n_users": problem.n_users,
        "n_items": problem.n_items,
        "n_train": len(problem.train),
        "n_test": len(problem.test),
        "mean_rmse": float(np.sqrt(np.mean(error.astype(np.float64) ** 2))),
        "noise_floor": problem.noise_floor,
        "data_mb": sum(c.nbytes for p in (problem.train, problem.test) for c in p.columns) / 1e6,
    }


def tiny_problem() -> Problem:
    """48 users, 40 items and 600 ratings to warm up on, frozen like the real ones."""
    cells = np.random.default_rng(0).permutation(48 * 40)[:700]
    ratings = (1 + cells % 5).astype(np.float32)
    users, items = np.divmod(cells, 40)
    train = Ratings.of(users[:600], items[:600], ratings[:600])
    test = Ratings.of(users[600:], items[600:], ratings[600:])
    return Problem.of("warm-up", train, test, (48, 40))


if __name__ == "__main__":
    main()
