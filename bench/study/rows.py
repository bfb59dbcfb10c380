"""The study's rows: made one by one, kept as they are done, read for table and figure."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.records import ResultsError, unwritable

FILE_NAME = "study.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One addition: what was chosen on the validation ratings, the test RMSE of each backend by
    seed, and the logical lines that it takes in each: own, shared.
    """

    name: str
    identity: str  # of all that it follows from
    tried: int
    settings: Mapping[str, Any]
    epochs: int
    validation_rmse: float
    test_rmse: Mapping[str, Sequence[float]]
    lines: Mapping[str, Sequence[int]]

    def mean(self, backend: str) -> float:
        """Test RMSE, mean over the seeds."""
        return fmean(self.test_rmse[backend])


def identity(declared: Mapping[str, Any]) -> str:
    """What must be equal for stored rows to stand: the declaration, the data, the sources."""
    canonical = json.dumps(declared, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def load(directory: Path) -> list[Row]:
    """The rows in a directory. Raises ResultsError."""
    path = directory / FILE_NAME
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return [Row(**row) for row in stored["rows"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ResultsError(f"{path} holds no study ({error}); delete it and run again.") from None


def store(directory: Path, provenance: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Write the rows done so far, all or nothing. Raises ResultsError."""
    path = directory / FILE_NAME
    content = {"provenance": provenance, "rows": [asdict(row) for row in rows]}
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        making.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        making.replace(path)
    except OSError as error:
        making.unlink(missing_ok=True)
        raise unwritable(path, error) from None


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows as lines of text: lines of code own + shared, test RMSE and its change."""
    base = rows[0]
    backends = list(base.test_rmse)
    width = 8 + max(map(len, backends))
    heads = "".join(f"{name + ' lines':>{width}}{'RMSE':>9}" for name in backends)
    yield f"{'':<26}{heads}{'change':>9}  chosen"
    for row in rows:
        cells = "".join(
            f"{_lines(row.lines.get(name)):>{width}}{row.mean(name):>9.4f}" for name in backends
        )
        change = row.mean(backends[0]) - base.mean(backends[0])
        yield f"{row.name:<26}{cells}{change:>+9.4f}  {chosen(row)}"


def _lines(charge: Sequence[int] | None) -> str:
    return f"{charge[0]} + {charge[1]}" if charge else "-"


def chosen(row: Row) -> str:
    """What the validation ratings chose: step size, strengths and epochs."""
    shown = {k: v for k, v in row.settings.items() if k in ("lr", "reg", "dropout") and v}
    return ", ".join([*(f"{k}={v:g}" for k, v in shown.items()), f"{row.epochs} epochs"])
