"""Where a machine's limits are kept: one JSON file in the data cache, whole or absent, and a copy
beside the results that were made on it.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.limits.readings import MachineLimits, from_json, to_json
from bench.problems import cache


def path_of(machine: str, folder: Path | None = None) -> Path:
    """The file for a machine, named by its line in `mfbench doctor`, in `folder` or the cache."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", machine).strip("-").lower()
    return (folder or cache.root()) / f"limits-{slug}.json"


def load(machine: str, folder: Path | None = None) -> MachineLimits | None:
    """What was measured on a machine; None where nothing was, or by a version that differs."""
    try:
        return from_json(path_of(machine, folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def save(limits: MachineLimits, folder: Path | None = None) -> Path:
    """Put the limits in place of older ones, all or nothing. Raises DataError."""
    path = path_of(limits.machine, folder)
    with cache.scratch(path.parent) as making:
        whole = making / path.name
        whole.write_text(to_json(limits) + "\n", encoding="utf-8")
        whole.replace(path)
    return path
