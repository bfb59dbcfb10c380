"""What this machine offers, as the libraries themselves report it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def facts() -> Iterator[tuple[str, str]]:
    """(name, value) in the order shown. Loads NumPy, SciPy, Numba and PyTorch."""
    import platform

    from bench import environment
    from bench.problems.cache import root

    yield "machine", environment.machine()
    yield "cores to use", str(environment.available_cores())
    yield "python", f"{platform.python_version()} at {sys.executable}"
    yield from environment.packages().items()
    yield from _numba()
    yield from _torch()
    yield from _pools()
    commit, dirty = environment.revision()
    yield "commit", f"{commit}{' with changes' if dirty else ''}" if commit else "not a checkout"
    yield "data cache", str(root())


def _numba() -> Iterator[tuple[str, str]]:
    import llvmlite.binding as llvm
    import numba
    import numpy as np

    def touch(x: Any) -> None:
        for i in numba.prange(len(x)):
            x[i] = i

    numba.njit(parallel=True)(touch)(np.zeros(8))
    yield "numba threading layer", numba.threading_layer()
    yield "numba threads", str(numba.get_num_threads())
    yield "numba cpu", str(llvm.get_host_cpu_name())


def _torch() -> Iterator[tuple[str, str]]:
    import torch

    yield "torch threads", str(torch.get_num_threads())
    yield "torch vector unit", str(torch.backends.cpu.get_cpu_capability())
    if torch.cuda.is_available():
        yield "cuda", f"{torch.version.cuda}, {torch.cuda.get_device_name(0)}"
    else:
        yield "cuda", "no device"


def _pools() -> Iterator[tuple[str, str]]:
    import scipy.linalg  # noqa: F401 (loads the BLAS that SciPy ships)
    import threadpoolctl

    for pool in threadpoolctl.threadpool_info():
        name = pool.get("internal_api", "?")
        what = [f"{pool['num_threads']} threads"]
        what += [f"{pool['architecture']} kernels"] if "architecture" in pool else []
        what += [f"version {pool['version']}"] if pool.get("version") else []
        yield f"{name} pool", f"{', '.join(what)}, {Path(pool['filepath']).name}"
