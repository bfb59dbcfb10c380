"""A backend that takes a known time and learns nothing: what `mfbench doctor --clock` measures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from mfimpls.contract import Factors, Hyper, Option, Problem, Snapshot, backend


def _spin(clock: Callable[[], float], seconds: float) -> None:
    until = clock() + seconds
    while clock() < until:
        pass


WAYS: dict[str, Callable[[float], None]] = {
    "sleep": time.sleep,
    "wall": lambda seconds: _spin(time.perf_counter, seconds),
    "cpu": lambda seconds: _spin(time.process_time, seconds),
}


@backend(
    "known",
    path="known",
    options=(
        Option("how", "sleep", "asleep, or busy until wall or CPU time is up", tuple(WAYS)),
        Option("setup_ms", 0.0, "milliseconds of set-up"),
        Option("epoch_ms", 0.0, "milliseconds of an epoch"),
        Option("snapshot_ms", 0.0, "milliseconds of a snapshot"),
    ),
)
def known(problem: Problem, hyper: Hyper, init: Factors) -> Iterator[Snapshot]:
    """Nothing, for as long as it is told."""
    way, options = WAYS[str(hyper.options["how"])], hyper.options

    def spend(part: str) -> None:
        if milliseconds := float(options[f"{part}_ms"]):
            way(milliseconds / 1e3)

    def snapshot() -> Factors:
        spend("snapshot")
        return init.copy()

    spend("setup")
    yield snapshot
    while True:
        spend("epoch")
        yield snapshot
