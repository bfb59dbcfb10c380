"""Which machine, which versions, which commit, and how many threads each library really uses."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
import threadpoolctl

from bench.records import Env

PACKAGES = (
    *("mfbench", "numpy", "scipy", "numba", "llvmlite", "torch", "pandas", "pyspark"),
    *("cornac", "implicit", "lenskit", "myfm"),
)
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "NPROC",  # XLA's
    "LK_NUM_THREADS",  # LensKit's own and those of what it calls
    "LK_NUM_BACKEND_THREADS",
)


def describe(command: str) -> Env:
    """This process as it is now: call it after the backend has loaded and run."""
    commit, dirty = revision()
    return Env(
        machine=machine(),
        threads=threads(),
        packages=packages(),
        python=platform.python_version(),
        gpu=gpu(),
        commit=commit,
        dirty=dirty,
        command=command,
    )


def machine() -> str:
    """Processor, cores, memory and system in one line; records compare within one machine."""
    gib = psutil.virtual_memory().total / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{processor()}, {psutil.cpu_count()} cores, {gib:.0f} GiB, {system}"


def processor() -> str:
    """The processor's name as the system gives it."""
    try:
        if sys.platform == "darwin":
            asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return str(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
        found = {}
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            found[key.strip()] = value.strip()
        return f"{found['model name']} family {found['cpu family']} model {found['model']}"
    except (OSError, KeyError, subprocess.CalledProcessError):
        return platform.processor() or "unknown processor"


def packages() -> dict[str, str]:
    """Versions of what is installed among the libraries that matter to timings."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Versions of the distributions that these importable modules come from."""
    owners = importlib.metadata.packages_distributions()
    names = {name for module in modules for name in owners.get(module, ())}
    return {name: importlib.metadata.version(name) for name in sorted(names)}


def threads() -> dict[str, int]:
    """Threads that each library loaded into this process reports."""
    found = {
        f"{pool['internal_api']} {Path(pool['filepath']).name}": int(pool["num_threads"])
        for pool in threadpoolctl.threadpool_info()
    }
    if "numba" in sys.modules:
        found["numba"] = int(sys.modules["numba"].get_num_threads())
    if "torch" in sys.modules:
        found["torch"] = int(sys.modules["torch"].get_num_threads())
    return found


def gpu() -> str | None:
    """Name of the first CUDA device, if PyTorch is loaded and sees one."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name(0))


def available_cores() -> int:
    """Cores that this process may use."""
    return (
        len(psutil.Process().cpu_affinity())
        if hasattr(psutil.Process, "cpu_affinity")
        else (psutil.cpu_count() or 1)
    )


def allow_threads(most: int) -> None:
    """Let Numba and BLAS use so many threads, unless the user set a number. They read it when they
    load, so call this first.
    """
    for name in ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, str(most))


def missing_device(device: str) -> str | None:
    """Why a device can't be used here, as one sentence; None if it can."""
    if device != "cuda":
        return None
    import torch

    if torch.cuda.is_available():
        return None
    build = f"PyTorch {torch.__version__}"
    return f"No CUDA device is to be had here ({build} sees none); use @cpu, or a machine with one."


def revision() -> tuple[str | None, bool | None]:
    """Commit of the checkout that this code lies in, and whether it was changed since."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        asked = ["git", "-C", str(here), *arguments]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if not git("ls-files", Path(__file__).name):
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, None
