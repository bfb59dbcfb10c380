"""What many tests share. Thread counts come first: they must be set before a library loads."""

import os

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "4")  # the most that a test may then ask for

WORKERS = 2  # tests that start processes of their own take more cores than one


def pytest_xdist_auto_num_workers(config):
    """Benchmarks run alone, one after another; so does a session told to stop in the debugger."""
    return 0 if config.option.benchmark_only else min(WORKERS, os.cpu_count() or 1)


@pytest.fixture
def problem():
    from made import random_problem

    return random_problem()


@pytest.fixture
def hyper():
    from mfimpls.contract import Hyper

    return Hyper(rank=3, reg=0.2, reg_bias=0.3, dtype="float64")
