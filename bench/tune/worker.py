"""All trials of one backend in a process of its own: `python -m bench.tune.worker`.

The first line on standard input names the backend and the problem, each later one a trial; events
go back as JSON lines. Importing and compiling are paid once, and a trial meets a process that is as
warm as the last one's. The clock, the warm-up and the judge are those of every case.
"""

from __future__ import annotations

import gc
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import device, environment
from bench.measure import Clocks, Limits, measure, warm_up
from bench.problems import open_problem
from bench.worker import Tell, teller, tiny_problem
from mfimpls import registry
from mfimpls.contract import Backend, Hyper, Problem, Unsupported
from mfimpls.objective import evaluate
from mfimpls.orders import initial_factors


def main() -> None:
    tell = teller()
    orders = _orders()
    given = next(orders)
    backend = registry.load(given["backend"])
    problem = open_problem(Path(given["problem"]))
    tell(env=asdict(environment.describe(given["command"])))
    for order in orders:
        try:
            _try(backend, problem, order, tell)
        except Unsupported as error:
            tell(status="unsupported", reason=str(error))
        except Exception as error:
            sys.excepthook(*sys.exc_info())
            tell(status="error", reason=f"{type(error).__name__}: {error}")
        gc.collect()  # what a trial leaves behind is no part of the next one's first epoch


def _orders() -> Iterator[dict[str, Any]]:
    # Read in a thread that ends the process with its parent, however busy the backend is.
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield json.loads(lines.get())


def _try(backend: Backend, problem: Problem, order: dict[str, Any], tell: Tell) -> None:
    hyper = Hyper(**order["hyper"])
    tiny = tiny_problem()
    warm_up(backend, tiny, hyper, initial_factors(tiny, hyper))
    init = initial_factors(problem, hyper)
    tell(warm=True)
    target = order["target"]
    m = measure(
        lambda: backend.fit(problem, hyper, init),
        lambda factors: evaluate(problem, hyper, factors),
        Limits(
            order["epochs"],
            order["budget_s"],
            backend.caps.refits,
            enough=lambda point: target is not None and point.test_rmse <= target,
        ),
        lambda point: tell(point=asdict(point)),
        Clocks(synchronise=device.synchroniser(hyper.device)),
    )
    tell(status=m.status, reason=m.reason)


if __name__ == "__main__":
    main()
