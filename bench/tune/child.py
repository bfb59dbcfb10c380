"""The process that carries out one backend's trials, seen from outside.

One process for all trials of a backend, not one for each: PyTorch takes seconds to import and Numba
to compile, twenty times over. A trial that kills it, or keeps silent for too long, is a trial with
a state, and the next one gets a new process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from bench.environment import THREAD_VARIABLES
from bench.records import Point

START_S = 300.0  # to import, and to compile before the first epoch
GRACE_S = 2.0  # on top of twice the budget, for an epoch and its evaluation


@dataclass(slots=True)
class Outcome:
    """What a trial came to: status as of records, or error or timeout of the process."""

    status: str = ""
    reason: str = ""
    points: list[Point] = field(default_factory=list)


class Child:
    """Started when it is first needed, and again after it died; a context manager."""

    def __init__(self, backend: str, problem: Path, threads: int, command: str, log: Path) -> None:
        self.order = {"backend": backend, "problem": str(problem), "command": command}
        self.threads, self.log = threads, log
        self.process: subprocess.Popen[str] | None = None
        self.env: Mapping[str, Any] = {}  # as the process described itself when it started
        self.late = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def run(
        self,
        hyper: Mapping[str, Any],
        epochs: int,
        budget_s: float,
        target: float | None,
        on_point: Callable[[Point], None] = lambda point: None,
    ) -> Outcome:
        """One trial. Whatever happens to the process, an outcome comes back."""
        if self.process is None:
            self.process = self._start()
        trial = {"hyper": dict(hyper), "epochs": epochs, "budget_s": budget_s, "target": target}
        self._tell(trial)
        patience_s, found = START_S, Outcome()
        while not found.status:
            event = self._hear(patience_s)
            if event is None:
                self._bury(found, patience_s)
            elif "point" in event:
                found.points.append(Point(**event["point"]))
                on_point(found.points[-1])
            elif "env" in event:
                self.env = event["env"]
            elif "warm" in event:
                patience_s = 2 * budget_s + GRACE_S
            else:
                found.status, found.reason = event["status"], event["reason"]
        return found

    def _start(self) -> subprocess.Popen[str]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.errors: IO[bytes] = self.log.open("ab")
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.tune.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(self.threads))},
            start_new_session=True,
        )
        self.process = child
        self._tell(self.order)
        return child

    def _tell(self, order: Mapping[str, Any]) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died: what is heard next says so
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()

    def _hear(self, patience_s: float) -> dict[str, Any] | None:
        # The next event; None where the process died, or was killed for its silence.
        assert self.process is not None
        assert self.process.stdout is not None
        self.late = False
        timer = threading.Timer(patience_s, self._give_up)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        return json.loads(line) if line.endswith("\n") else None

    def _give_up(self) -> None:
        self.late = True
        self._kill()

    def _kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _bury(self, found: Outcome, patience_s: float) -> None:
        assert self.process is not None
        late, code = self.late, self.process.wait()
        found.status = "timeout" if late else "error"
        found.reason = (
            f"killed after {patience_s:g} s without an epoch"
            if late
            else f"its process ended with code {code} (see {self.log})"
        )
        self.end()

    def end(self) -> None:
        """Kill the process and all that it started."""
        if self.process is None:
            return
        self._kill()
        with self.process:  # closes its pipes and waits
            pass
        self.errors.close()
        self.process = None
        if self.log.exists() and self.log.stat().st_size == 0:
            self.log.unlink()
