"""How long each backend of the house takes to set up and for an epoch, tuned as `mfbench run`."""

from pathlib import Path

import pytest

from bench import presets
from bench.specs import hyper_of, parse_backend
from mfimpls import backends, registry
from mfimpls.objective import evaluate
from mfimpls.orders import block_grid, initial_factors, shuffle

HOUSE = sorted(path.stem for path in Path(backends.__path__[0]).glob("[!_]*.py"))
SPECS = (
    *HOUSE,
    "numba_sgd[optimizer=sgd]",
    "numba_sgd[order=shuffle]",
    "numba_sgd[optimizer=adagrad,batch=4096,order=shuffle]",
    "numpy_sgd[optimizer=sgd,batch=1]",
)


def load(spec):
    """A backend, and what it runs with; skips where a library or device of it is missing."""
    parsed = parse_backend(spec)
    try:
        backend = registry.load(parsed.name)
    except ImportError as error:
        pytest.skip(str(error))
    if parsed.device not in backend.caps.devices:
        pytest.skip(f"{parsed.name} runs on {', '.join(backend.caps.devices)} alone")
    return backend, hyper_of(parsed, backend, {}, presets.tuned("synthetic", backend))


@pytest.mark.parametrize("spec", SPECS)
def test_epoch(repeat, problem, spec):
    backend, hyper = load(spec)
    steps = backend.fit(problem, hyper, initial_factors(problem, hyper))
    next(steps)
    repeat(lambda: next(steps), f"epoch, {backend.caps.path}")


@pytest.mark.parametrize("spec", SPECS)
def test_setup(repeat, problem, spec):
    backend, hyper = load(spec)
    init = initial_factors(problem, hyper)
    repeat(lambda: next(backend.fit(problem, hyper, init)), f"set-up, {backend.caps.path}")


@pytest.mark.parametrize("rank", [16, 128])
def test_judge(repeat, problem, rank):
    _, hyper = load(f"numpy_als[rank={rank}]")
    factors = initial_factors(problem, hyper)
    repeat(lambda: evaluate(problem, hyper, factors), "judge")


@pytest.mark.parametrize("order", ["shuffle", "blocks"])
def test_order(repeat, problem, order):
    _, hyper = load(f"numba_sgd[order={order}]")
    n = len(problem.train)
    orders = {"shuffle": lambda: shuffle(n, 0, 0), "blocks": lambda: block_grid(problem, hyper)}
    repeat(orders[order], "order")
