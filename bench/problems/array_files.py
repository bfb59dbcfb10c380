"""Parquet and NPZ: typed columns with names."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from bench.problems.columns import Columns, choose
from bench.problems.errors import DataError


def _row(row: int) -> str:
    return f"row {row + 1}"


def read_parquet(path: Path, wanted: Mapping[str, str]) -> Columns:
    """Read the wanted columns of a Parquet file. Raises DataError."""
    try:
        names = pyarrow.parquet.read_schema(path).names
        roles = choose(names, len(names), wanted, str(path))
        table = pyarrow.parquet.read_table(path, columns=[names[k] for k in roles.values()])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} can't be read as Parquet: {str(error).rstrip('.')}.") from None
    return Columns.pick(roles, lambda index: table[names[index]], _row)


def read_npz(path: Path, wanted: Mapping[str, str]) -> Columns:
    """Read the wanted arrays of an NPZ file, never its pickles. Raises DataError."""
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path} is no NPZ file; write one with numpy.savez.")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = list(arrays)
            roles = choose(names, len(names), wanted, str(path))
            picked = {index: arrays[names[index]] for index in roles.values()}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} can't be read as NPZ without pickles: {str(error).rstrip('.')}."
        ) from None
    lengths = {names[index]: array.shape for index, array in picked.items()}
    if any(array.ndim != 1 for array in picked.values()) or len(set(lengths.values())) > 1:
        shapes = ", ".join(f"{name} {shape}" for name, shape in lengths.items())
        raise DataError(f"{path}: the arrays must be flat and of one length, not {shapes}.")
    return Columns.pick(roles, lambda index: _arrow(path, names[index], picked[index]), _row)


def _arrow(path: Path, name: str, array: Any) -> Any:
    try:
        return pa.array(array)
    except pa.ArrowException:
        raise DataError(f"{path}: {name} holds {array.dtype}, no numbers or text.") from None
