"""What only the compiled backends promise: bits that no thread count changes, a layout equal to the
written order, exact small solves, kernels that are compiled once.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made import random_problem

from mfimpls.backends import _numba_visits as visits
from mfimpls.backends._cholesky import add_gram, back_substitute, factor
from mfimpls.backends._vector import CACHE_LINE, LANES, aligned_zeros, padded
from mfimpls.backends.numba_als import numba_als
from mfimpls.backends.numba_sgd import numba_sgd
from mfimpls.contract import OPTIMIZERS, Hyper
from mfimpls.orders import block_grid, epoch_orders, initial_factors

numba = pytest.importorskip("numba")
THREADS = (1, 2, 4)
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def many():
    return random_problem(n_users=120, n_items=80, n=4000, seed=3)


@pytest.fixture
def on_threads():
    """Call a function with a number of Numba threads; the number before comes back."""
    before = numba.get_num_threads()

    def call(threads, function, *args):
        if threads > numba.config.NUMBA_NUM_THREADS:
            pytest.skip(f"NUMBA_NUM_THREADS is below {threads}")
        numba.set_num_threads(threads)
        return function(*args)

    yield call
    numba.set_num_threads(before)


def after_epochs(backend, problem, hyper, epochs=3):
    steps = backend.fit(problem, hyper, initial_factors(problem, hyper))
    for _ in range(epochs):
        next(steps)
    return next(steps)()


def same_bits(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.arrays, other.arrays))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_blocks_give_the_same_bits_on_any_number_of_threads(many, on_threads, optimizer):
    hyper = Hyper(rank=16, order="blocks", optimizer=optimizer)
    runs = [on_threads(threads, after_epochs, numba_sgd, many, hyper) for threads in THREADS]
    assert all(same_bits(run, runs[0]) for run in runs[1:])


def test_als_gives_the_same_bits_on_any_number_of_threads(many, on_threads):
    runs = [on_threads(threads, after_epochs, numba_als, many, Hyper()) for threads in THREADS]
    assert all(same_bits(run, runs[0]) for run in runs[1:])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_blocks_in_parallel_equal_their_order_in_sequence(many, on_threads, monkeypatch, optimizer):
    """The same kernel, given the whole order as one block, leaves the same bits."""
    hyper = Hyper(rank=16, order="blocks", optimizer=optimizer)
    in_parallel = on_threads(2, after_epochs, numba_sgd, many, hyper)
    written = epoch_orders(many, hyper)
    monkeypatch.setattr(visits, "epoch_orders", lambda problem, hyper: written)
    in_sequence = after_epochs(numba_sgd, many, Hyper(rank=16, optimizer=optimizer))
    assert same_bits(in_parallel, in_sequence)


@pytest.mark.parametrize("threads", THREADS)
def test_layout_is_the_block_grid(many, on_threads, threads):
    hyper = Hyper(order="blocks", seed=5)
    laid_out = on_threads(threads, next, visits.epochs(many, hyper))
    grid, train = block_grid(many, hyper), many.train
    assert np.array_equal(laid_out.starts, grid.starts)
    assert np.array_equal(laid_out.ratings["user"], train.users[grid.order])
    assert np.array_equal(laid_out.ratings["item"], train.items[grid.order])
    residuals = (train.ratings.astype(np.float64) - many.mean).astype(np.float32)
    assert np.array_equal(laid_out.ratings["rating"], residuals[grid.order])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 1e-4)])
@pytest.mark.parametrize("tiles", [1, 2, 5])
def test_cholesky_solves_a_gram_system(tiles, dtype, tolerance):
    size, rng = tiles * LANES, np.random.default_rng(tiles)
    X = aligned_zeros((200, size), dtype)
    X[:] = rng.normal(size=X.shape)
    S, v = aligned_zeros((size, size), dtype), aligned_zeros((1, size), dtype)
    v[:] = rng.normal(size=size)
    one = np.dtype(dtype).type(1)
    expected = np.linalg.solve(X.T.astype(float) @ X, v[0].astype(float))
    add_gram(S, X, (0, len(X)), one, 0)
    factor(S, v, one * 0)
    back_substitute(S, v)
    assert np.abs(v[0] - expected).max() <= tolerance * np.abs(expected).max()


def test_als_without_penalty_still_fits_a_row_with_fewer_ratings_than_factors(many):
    after = after_epochs(numba_als, many, Hyper(rank=48, reg=0.0, reg_bias=0.0, dtype="float64"))
    assert all(np.isfinite(a).all() for a in after.arrays)


def test_rows_start_on_a_cache_line_and_end_in_zeros():
    table = padded(np.ones((3, 5)), "float32")
    assert table.ctypes.data % CACHE_LINE == 0
    assert table.shape == (3, LANES)
    assert not table[:, 5:].any()


FITS_AND_COUNTS_COMPILATIONS = """
import sys
sys.path.append("tests")
from made import random_problem
from mfimpls import registry
from mfimpls.contract import Hyper
from mfimpls.orders import initial_factors

problem = random_problem()
for name in ("numba_sgd", "numba_als", "numba_als_cg"):
    backend = registry.load(name)
    hyper = Hyper(rank=2, order=backend.caps.orders[-1])
    steps = backend.fit(problem, hyper, initial_factors(problem, hyper))
    next(steps), next(steps)
kernels = {
    id(each): each
    for name, module in list(sys.modules.items()) if name.startswith("mfimpls.backends.")
    for each in vars(module).values() if hasattr(each, "stats")
}
stats = [each.stats for each in kernels.values()]
print(*(sum(sum(kind.values()) for kind in kinds) for kinds in
    ([s.cache_misses for s in stats], [s.cache_hits for s in stats])))
"""


def compiled_and_read(packages, **variables):
    """Kernels that a process of its own compiles, and those that it reads from the cache."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", FITS_AND_COUNTS_COMPILATIONS],
        env=os.environ | {"PYTHONPATH": str(packages)} | variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return tuple(map(int, done.stdout.split()))


@pytest.mark.slow
@pytest.mark.parametrize("place", ["named", "read-only"])
def test_a_second_process_compiles_nothing(place, tmp_path):
    """Kernels are kept where NUMBA_CACHE_DIR says; else beside their source; where that can't be
    written, in the user's cache.
    """
    packages = ROOT
    if place == "read-only":
        packages = tmp_path / "site-packages"
        shutil.copytree(
            ROOT / "mfimpls", packages / "mfimpls", ignore=shutil.ignore_patterns("__pycache__")
        )
        (packages / "mfimpls" / "backends" / "__pycache__").write_text("no folder, even for root")
        variables = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    else:
        variables = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    compiled, read = compiled_and_read(packages, **variables)
    assert compiled > 0
    assert read == 0
    kept = len(list((tmp_path / "cache").rglob("*.nbc")))
    assert kept > 0
    assert compiled_and_read(packages, **variables) == (0, kept)
