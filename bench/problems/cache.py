"""The data cache: a folder of archives and of problems as plain arrays, each whole or absent.

A problem is written to a temporary folder beside its place and renamed into it, so a half-written
one never counts, and of two processes that make the same problem at once the first to end wins.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import platformdirs

from bench.problems.errors import DataError
from bench.problems.table import Array
from mfimpls import Problem
from mfimpls.contract import Ratings

VARIABLE = "MFBENCH_DATA"
FORMAT = 1
META = "meta.json"
COLUMNS = ("users", "items", "ratings")


def root() -> Path:
    """The cache's folder: MFBENCH_DATA, or the platform's cache directory. It need not exist."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_cache_path("mfbench")


def folder_of(spec: str, fingerprint: str) -> Path:
    """Where the problem of a canonical spec is or will be; it counts when it holds a meta.json."""
    digest = hashlib.sha256(json.dumps([FORMAT, spec, fingerprint]).encode()).hexdigest()[:16]
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", Path(spec.partition("[")[0]).name).strip("-")
    return root() / "problems" / f"{slug}-{digest}"


def is_complete(folder: Path) -> bool:
    return (folder / META).is_file()


def store(problem: Problem, folder: Path) -> Path:
    """Write a problem, whole or not at all. Raises DataError for a full or read-only disk."""
    with scratch(folder.parent) as making:
        whole = making / folder.name
        whole.mkdir()
        _write(problem, whole)
        if folder.exists() and not is_complete(folder):
            shutil.rmtree(folder)  # someone took files out of it
        try:
            whole.rename(folder)
        except OSError:
            if not is_complete(folder):  # else another process was first
                raise
    return folder


def _write(problem: Problem, folder: Path) -> None:
    for part in ("train", "test"):
        for name, column in zip(COLUMNS, getattr(problem, part).columns):
            _save(folder / f"{part}_{name}.npy", column)
    meta = {
        "name": problem.name,
        "n_users": problem.n_users,
        "n_items": problem.n_items,
        "mean": problem.mean,
        "sha256": problem.sha256,
        "noise_floor": problem.noise_floor,
    }
    (folder / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")


def _save(path: Path, column: Array) -> None:
    # As np.save does, which keeps silent when a full disk cuts off the last few kilobytes.
    with path.open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(column)
        np.lib.format.write_array_header_1_0(file, header)
        file.write(column.data)


def open_problem(folder: Path) -> Problem:
    """Memory-map a stored problem: plain read-only arrays, one copy in memory for all processes.

    The hash is the stored one; nothing is read until it is used. Raises DataError.
    """
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        train, test = (_map(folder, part) for part in ("train", "test"))
        return Problem(train=train, test=test, **meta)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{folder} holds no readable problem ({error}); delete it and run again."
        ) from None


def open_training(folder: Path) -> Problem:
    """The training part of a stored problem with no test ratings: their files are not opened.

    Its hash is of that part alone. Raises DataError.
    """
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        shape = meta["n_users"], meta["n_items"]
        return Problem.of(meta["name"], _map(folder, "train"), Ratings.of([], [], []), shape)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{folder} holds no readable problem ({error}); delete it and run again."
        ) from None


def _map(folder: Path, part: str) -> Ratings:
    # asarray turns memmap into its base class: Numba and torch know ndarray alone.
    files = (folder / f"{part}_{name}.npy" for name in COLUMNS)
    return Ratings(*(np.asarray(np.load(f, mmap_mode="r", allow_pickle=False)) for f in files))


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A temporary folder inside a folder of the cache, to make something whole before it is moved
    to its place. Raises DataError for what the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as name:
            yield Path(name)
    except OSError as error:
        raise DataError(
            f"Cannot write the data cache {root()}: {error.strerror or error}; make room, or name "
            f"another directory with {VARIABLE}."
        ) from None
