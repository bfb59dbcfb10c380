"""Walk backends of one family from one start in one order, and leave traces for bench.agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from bench import presets
from bench.agree import WRITTEN, Family, Trace
from bench.specs import BackendSpec, hyper_of, preset_options
from bench.verdicts import Conduct, Destination, Independence
from mfimpls import objective, registry
from mfimpls.conformance import learning, verdicts
from mfimpls.conformance.reference import PATHS
from mfimpls.conformance.seeds import limited
from mfimpls.conformance.setting import last, settings, small_problem, walk
from mfimpls.contract import Backend, Fit, Hyper, Problem, Ratings
from mfimpls.orders import initial_factors

EPOCHS = 5
BATCHES = (1, 32)
TINY = 100  # ratings
THREADS = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class Walker:
    """A backend as the user asked for it."""

    spec: BackendSpec
    backend: Backend

    @property
    def label(self) -> str:
        return self.spec.label


@dataclass(frozen=True, slots=True)
class Study:
    """All that is found out about one backend by itself."""

    traces: tuple[Trace, ...]
    conduct: Conduct
    destination: Destination | None  # None for one that minimises something else than J


def study(spec: BackendSpec) -> Study:
    """Walk a backend's families, run its conformance suite, run it to convergence. It is loaded
    here, so that backends can be studied in processes of their own.
    """
    walker = Walker(spec, preset_options(spec, registry.load(spec.name)))
    walked = tuple(traces(walker))
    with limited(1):
        end = destination(walker) if walker.backend.caps.minimises_J else None
        return Study(walked, conduct(walker), end)


def traces(walker: Walker) -> Iterator[Trace]:
    """Five epochs on a small problem in every family that a walker belongs to, in float64 and in
    float32.
    """
    for family, hyper in _memberships(walker):
        for dtype in walker.backend.caps.dtypes:
            for threads in _thread_counts(family, dtype):
                with limited(threads):
                    exact = replace(hyper, dtype=dtype)
                    yield _trace(family, walker.label, walker.backend.fit, exact, threads)


def definitions(walkers: Sequence[Walker]) -> Iterator[Trace]:
    """The same families as their written definition walks them."""
    families: dict[Family, Hyper] = {}
    for walker in walkers:
        families = dict(_memberships(walker)) | families
    for family, hyper in families.items():
        if family.path in PATHS:
            plain = replace(hyper, dtype="float64", device="cpu", options={})
            yield _trace(family, WRITTEN, PATHS[family.path], plain, 1)


def _memberships(walker: Walker) -> Iterator[tuple[Family, Hyper]]:
    # Every batch, optimizer and order that the backend declares and the spec leaves open.
    caps, found = walker.backend.caps, dict[Family, Hyper]()
    if not caps.walks_a_common_path:
        return
    for batch, optimizer, order in product(BATCHES, caps.optimizers, caps.orders):
        wanted = settings(walker.backend, batch=batch, optimizer=optimizer, order=order)
        base = {k: v for k, v in vars(wanted).items() if k not in ("device", "options")}
        hyper = hyper_of(walker.spec, walker.backend, {}, base)
        found.setdefault(_family(walker.backend, hyper), hyper)
    yield from found.items()


def _family(backend: Backend, hyper: Hyper) -> Family:
    if "lr" not in backend.caps.uses:
        return Family(backend.caps.path, steps=False)
    return Family(
        backend.caps.path, hyper.batch, hyper.optimizer, hyper.order, dropout=hyper.dropout
    )


def _thread_counts(family: Family, dtype: str) -> Sequence[int]:
    # Where there is work to share: independent rows, or independent blocks (one optimizer will do).
    blocks = family.order == "blocks" and family.batch == 1 and family.optimizer == "sgd"
    shared = blocks or not family.steps
    return THREADS if shared and dtype == "float64" else (1,)


def _problem(family: Family) -> Problem:
    # A framework takes a millisecond for a step, so per-rating walks have fewer ratings.
    problem = small_problem()
    few = TINY if family.steps and family.batch == 1 else len(problem.train)
    return replace(problem, train=Ratings.of(*(a[:few] for a in problem.train.columns)))


def _trace(family: Family, label: str, fit: Fit, hyper: Hyper, threads: int) -> Trace:
    problem = _problem(family)
    lost = np.full((EPOCHS + 1, (problem.n_users + problem.n_items) * (hyper.rank + 1)), np.nan)
    J, factors = lost[:, 0], lost
    # One draw for all dtypes, so that a float32 walk shows its arithmetic and not its start.
    init = initial_factors(problem, replace(hyper, dtype="float32")).copy(hyper.dtype).frozen()
    with np.errstate(all="ignore"), suppress(Exception):  # conduct() tells what was raised
        found = walk(fit, problem, hyper, EPOCHS, init)
        J = np.array([objective.J(problem, hyper, f) for f in found])
        factors = np.array([np.concatenate([a.ravel() for a in f.arrays]) for f in found])
    return Trace(
        family=family, walker=label, J=J, factors=factors, dtype=hyper.dtype, threads=threads
    )


def conduct(walker: Walker) -> Conduct:
    """Run the conformance suite."""
    found = list(verdicts(walker.backend, walker.spec.device))
    return Conduct(
        walker=walker.label,
        passed=sum(v.status == "passed" for v in found),
        not_applicable=sum(v.status == "not applicable" for v in found),
        failures=tuple((v.check, v.message) for v in found if v.status == "failed"),
    )


def destination(walker: Walker) -> Destination:
    """Run one backend to convergence."""
    found = Destination(walker=walker.label, bound=learning.STATIONARITY_BOUND)
    with np.errstate(all="ignore"), suppress(Exception):  # conduct() tells what was raised
        problem, hyper, end = learning.converged(walker.backend, walker.spec.device)
        init = initial_factors(problem, hyper)
        found = replace(
            found,
            J=objective.J(problem, hyper, end),
            stationarity=objective.stationarity(problem, hyper, end, init),
            test_rmse=objective.rmse(problem.mean, end, problem.test),
        )
    return found


def independence(walker: Walker, dataset: str, problem: Problem) -> Independence:
    """One epoch on a whole data set with its tuned settings, for each number of threads."""
    backend, bits, error = walker.backend, set(), ""
    hyper = hyper_of(walker.spec, backend, {}, presets.tuned_of(walker.spec, dataset, backend))
    try:
        for threads in THREADS:
            with limited(threads):
                factors = last(backend.fit, problem, hyper, 1)
            bits.add(b"".join(a.tobytes() for a in factors.arrays))
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    return Independence(
        dataset=dataset,
        walker=walker.label,
        threads=THREADS,
        same_bits=len(bits) == 1,
        declared=backend.caps.deterministic,
        error=error,
    )
