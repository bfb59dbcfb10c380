"""Outcomes as JSON files, one an experiment, each whole or absent."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.records import ResultsError, unwritable
from bench.reproduce.outcome import Outcome, Row

SCHEMA = 1
SUFFIX = ".json"


def write(path: Path, text: str) -> None:
    """Write one file, whole or not at all. Raises ResultsError."""
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        making.write_text(text, encoding="utf-8")
        making.replace(path)
    except OSError as error:
        making.unlink(missing_ok=True)
        raise unwritable(path, error) from None


def save(directory: Path, outcome: Outcome) -> Path:
    """Store one outcome in the file of its experiment. Raises ResultsError."""
    path = directory / f"{outcome.experiment}{SUFFIX}"
    content = {"schema": SCHEMA, "verdict": outcome.verdict, **asdict(outcome)}
    content["rows"] = [_told(row) for row in outcome.rows]
    write(path, json.dumps(_plain(content), indent=1, allow_nan=False) + "\n")
    return path


def _told(row: Row) -> dict[str, Any]:
    # What the samples come to, for who reads the file without this code.
    return asdict(row) | {"median": row.median, "band": row.band, "verdict": row.verdict}


def _plain(value: Any) -> Any:
    # JSON has no NaN.
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def load(directory: Path, names: Iterable[str]) -> list[Outcome]:
    """The stored outcomes of those experiments, in their order. Raises ResultsError for a file that
    holds none.
    """
    paths = (directory / f"{name}{SUFFIX}" for name in names)
    return [_read(path) for path in paths if path.exists()]


def _read(path: Path) -> Outcome:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw.pop("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        raw.pop("verdict")
        return Outcome(**raw | {part: tuple(map(_row, raw[part])) for part in ("rows", "curves")})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ResultsError(f"{path} holds no outcome ({error}); delete it and run again.") from None


def _row(raw: Mapping[str, Any]) -> Row:
    published = raw["published"]
    return Row(
        metric=raw["metric"],
        epoch=raw["epoch"],
        samples=tuple(math.nan if value is None else value for value in raw["samples"]),
        published=None if published is None else (published[0], published[1]),
        tolerance=raw["tolerance"],
    )
