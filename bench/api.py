"""The commands as functions, for notebooks and scripts: the same grids, records and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from bench import leaderboard, plan, presets, records, request, results, runner
from bench.records import Record
from bench.specs import SpecError
from mfimpls.contract import Value

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

OUTPUT = "results/local"
TIMEOUT_S = 600.0


class Options(TypedDict, total=False):
    """What `run` takes beside backends, data sets and directory; the options of `mfbench run`.

    preset      grid to start from: quick, default or full
    repeats     runs per backend and data set
    epochs      passes over the training ratings
    budget_s    training seconds per run
    timeout_s   seconds after which a run is killed
    threads     per run; several for a run with each
    seed        of start, order and dropout
    settings    hyper-parameters for all backends that use them, such as {"rank": 8}
    duplicates  for files: error, last or mean
    force       run again what the directory already holds
    """

    preset: str
    repeats: int
    epochs: int
    budget_s: float
    timeout_s: float
    threads: int | Sequence[int]
    seed: int
    settings: Mapping[str, Value]
    duplicates: str
    force: bool


def run(
    backends: Sequence[str] = (),
    datasets: Sequence[str] = (),
    output: str | Path = OUTPUT,
    **options: Unpack[Options],
) -> list[Record]:
    """Race backends on data sets and return their records, those that `output` already held
    included. Specs are those of the command line; without any, the preset says what runs.

    A case that fails is a record with a status and a reason, and raises nothing. Raises SpecError,
    UnknownBackend, DataError or ResultsError for what can't be honoured, KeyboardInterrupt when
    interrupted (what is done is kept).
    """
    directory, force = Path(output), options.pop("force", False)
    grid = request.grid(**_as_command(backends, datasets, options))
    jobs = plan.jobs(grid, request.declared(grid.backends, named=bool(backends)))
    stored = {} if force else {record.case.key: record for record in records.load(directory)}
    records.ensure_writable(directory)
    waiting = [job for job in jobs if plan.why_run(job, stored)]
    if not runner.carry_out(waiting, directory, "bench.run"):
        raise KeyboardInterrupt
    results.settle_targets(directory, records.load(directory), presets.targets())
    keys = {job.case.key for job in jobs}
    return [record for record in load(directory) if record.case.key in keys]


def _as_command(
    backends: Sequence[str], datasets: Sequence[str], options: Options
) -> dict[str, Any]:
    # The arguments of request.grid, as the command line would give them.
    if unknown := set(options) - set(Options.__annotations__):
        raise TypeError(f"run() got an unexpected keyword argument {min(unknown)!r}")
    for name, specs in (("backends", backends), ("datasets", datasets)):
        if isinstance(specs, str):
            raise TypeError(f"{name} must be a list of specs; write [{specs!r}].")
    given: dict[str, Any] = {**options}
    threads = options.get("threads")
    return {
        "preset_name": given.pop("preset", "quick"),
        "backends": backends,
        "datasets": datasets,
        "settings": [f"{k}={v}" for k, v in options.get("settings", {}).items()],
        "timeout_s": given.get("timeout_s", TIMEOUT_S),
        "threads": (threads,) if isinstance(threads, int) else threads,
        **{k: given.get(k) for k in ("repeats", "epochs", "budget_s", "seed", "duplicates")},
    }


def load(directory: str | Path = OUTPUT) -> list[Record]:
    """The records of a results directory, the newest of each case, with targets and the gate's
    verdicts. Raises ResultsError.
    """
    return results.read(Path(directory))


def ranking(
    records: Iterable[Record], target: float | None = None, baseline: str | None = None
) -> pd.DataFrame:
    """One row per backend and data set, best first; seconds in columns that end in _s.

    `target` replaces each data set's own score to time to; `baseline` names the backend that ratios
    compare with, else the first. Raises ResultsError for records that can't be compared.
    """
    return leaderboard.frame(leaderboard.rows(records, target, baseline))


def plot(
    records: Iterable[Record],
    kind: str = "convergence",
    dataset: str | None = None,
    target: float | None = None,
) -> Figure:
    """One figure of those that `mfbench run` writes: of the first data set, or of the first whose
    name begins with `dataset`.

    `kind` is the first word of the figure's file name, such as convergence, timing or speed. Raises
    SpecError for a kind or data set that the records can't fill, ResultsError for records that
    can't be compared.
    """
    from bench import plots
    from bench.plots import look
    from mfimpls.contract import unknown

    with look.applied():
        drawn = plots.figures(list(records), target)
    kinds = {name.partition("-")[0] for name in drawn}
    if kind not in kinds:
        raise SpecError(unknown("kind of plot", kind, kinds))
    beginning = "-".join(filter(None, [kind, plots.slug(dataset) if dataset else ""]))
    found = next((figure for name, figure in drawn.items() if name.startswith(beginning)), None)
    if found is None:
        raise SpecError(f"No {kind} plot is about {dataset!r}; there are {', '.join(drawn)}.")
    return found
