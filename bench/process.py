"""Run one case in a process of its own; whatever happens to it, a record comes back."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from bench import interpreters
from bench.environment import THREAD_VARIABLES
from bench.guards import guards
from bench.plan import Job
from bench.records import Env, Point, Record


@dataclass
class _Heard:
    """What a child process has told so far."""

    facts: dict[str, Any] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)

    def take(self, line: str, on_point: Callable[[Point], None]) -> None:
        event = json.loads(line)
        if "point" in event:
            self.points.append(Point(**event["point"]))
            on_point(self.points[-1])
        else:
            self.facts |= event


Stop = Callable[[], None]


def execute(
    job: Job,
    log: Path,
    command: str,
    on_point: Callable[[Point], None] = lambda point: None,
    on_start: Callable[[Stop], None] = lambda stop: None,
) -> Record:
    """Run one case in a child process. Whatever happens to the child, a Record comes back.

    The child's standard error goes to `log`, which is kept only where the case failed. Interrupts
    (KeyboardInterrupt) kill the child and pass on; `on_start` hears how another thread can kill it.
    """
    heard, started, t = _Heard(), datetime.now(UTC), time.perf_counter()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        hear = functools.partial(heard.take, on_point=on_point)
        code = _converse(job, command, errors, hear, on_start)
    wall_s = time.perf_counter() - t
    status, reason = _ending(code, heard.facts, job.case.timeout_s, log)
    if status not in ("error", "timeout"):
        log.unlink()
    record = _record(job, heard, wall_s)
    record = replace(
        record, status=status, reason=reason, started=started.isoformat(timespec="seconds")
    )
    tripped = guards(record, monotone=heard.facts.get("monotone", False))
    return replace(record, flags=record.flags + tripped)


def _converse(
    job: Job,
    command: str,
    errors: IO[bytes],
    hear: Callable[[str], None],
    on_start: Callable[[Stop], None],
) -> int | None:
    # The child's exit code; None where it was killed at the time limit.
    with subprocess.Popen(
        [job.python or sys.executable, "-P", "-m", "bench.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env=_environment(job),
        start_new_session=True,
    ) as child:
        timer = threading.Timer(job.case.timeout_s, _kill, (child,))
        timer.start()
        on_start(functools.partial(_kill, child))
        try:
            _tell(child, _order(job, command))
            assert child.stdout is not None
            for line in child.stdout:
                if line.endswith("\n"):
                    hear(line)
            code = child.wait()
            return code if timer.is_alive() else None
        finally:
            timer.cancel()
            _kill(child)


def _tell(child: subprocess.Popen[str], order: Mapping[str, Any]) -> None:
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # dead before it read: its exit code says how
        child.stdin.write(json.dumps(order) + "\n")
        child.stdin.flush()  # and stays open: its end tells the child that this process is gone


def _environment(job: Job) -> dict[str, str]:
    # Threads are set before anything loads.
    threads = dict.fromkeys(THREAD_VARIABLES, str(job.case.threads))
    return {**interpreters.environment(job.python), **threads}


def _order(job: Job, command: str) -> dict[str, Any]:
    case = job.case
    return {
        "backend": job.name,
        "hyper": case.hyper,
        "problem": str(job.problem),
        "epochs": case.epochs,
        "budget_s": case.budget_s,
        "command": command,
    }


def _kill(child: subprocess.Popen[str]) -> None:
    # The whole session, so that nothing it started stays behind.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _ending(
    code: int | None, facts: Mapping[str, Any], timeout_s: float, log: Path
) -> tuple[str, str]:
    # Status and reason.
    if code is None:
        return "timeout", f"killed after {timeout_s:g} s; allow more with --timeout"
    if "status" in facts:
        reason = facts["reason"]
        return facts["status"], reason + (f" (see {log})" if facts["status"] == "error" else "")
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
        return "error", f"its process was killed by {name}{hint} (see {log})"
    return "error", f"its process ended with exit code {code} and no result (see {log})"


TOLD = (
    "problem",
    "init_sha256",
    "order_sha256",
    "import_s",
    "warmup_s",
    "setup_s",
    "stationarity",
    "effective_cores",
    "peak_mb",
    "device_peak_mb",
    "path",
    "objective",
    "predicts",
    "refits",
)


def _record(job: Job, heard: _Heard, wall_s: float) -> Record:
    facts = heard.facts
    env = Env(**facts["env"] | {"interpreter": job.python}) if "env" in facts else None
    return Record(
        case=job.case,
        status="",
        env=env,
        code_sha256=job.code_sha256,
        lines=job.lines,
        capabilities=job.capabilities,
        wall_s=wall_s,
        points=tuple(heard.points),
        flags=tuple(facts.get("flags", ())),
        notes=tuple(facts.get("notes", ())),
        **{name: facts[name] for name in TOLD if facts.get(name) is not None},
    )
