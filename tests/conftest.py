"""What many tests share. Thread counts come first: they must be set before a library loads."""

import os

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "4")  # the most that a test may then ask for


@pytest.fixture
def problem():
    from made import random_problem

    return random_problem()


@pytest.fixture
def hyper():
    from mfimpls.contract import Hyper

    return Hyper(rank=3, reg=0.2, reg_bias=0.3, dtype="float64")
