"""Peak memory of this process between two readings, and of its CUDA device."""

from __future__ import annotations

import contextlib
import math
import resource
import sys
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_mb() -> float:
    """Highest resident memory since the last call, in MB (10^6 bytes); then start anew.

    Linux alone can start anew; elsewhere it is the highest since the process began.
    """
    peak = _high_water_mb()
    with contextlib.suppress(OSError):
        CLEAR.write_text("5")  # proc(5): resets the high-water mark
    return peak


def _high_water_mb() -> float:
    with contextlib.suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def device_peak_mb() -> float:
    """Highest memory that PyTorch allocated on the CUDA device, in MB; NaN without one."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return math.nan
    return float(torch.cuda.max_memory_allocated() / 1e6)
