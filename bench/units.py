"""Numbers as people read them: seconds, counts and scores in three digits and a unit."""

from __future__ import annotations

import math

NOTHING = "-"


def seconds(value: float, significant: int = 3) -> str:
    """12.3 ms, 1.53 s, 4.20 min; a dash for NaN."""
    for limit, unit, name in ((1e-3, 1e-6, "µs"), (1.0, 1e-3, "ms"), (120.0, 1.0, "s")):
        if 0 < abs(value) < limit * 0.9995:
            return f"{digits(value / unit, significant)} {name}"
    if value == 0 or not math.isfinite(value):
        return "0 s" if value == 0 else NOTHING
    return f"{digits(value / 60)} min" if value < 7200 else f"{digits(value / 3600)} h"


def count(value: float, significant: int = 3) -> str:
    """1.23 M, 45.6 k, 789; a dash for NaN."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if unit * 0.9995 <= value < math.inf:
            return f"{digits(value / unit, significant)}{name}"
    return f"{value:.0f}" if value == round(value, 6) // 1 else digits(value)


def digits(value: float, significant: int = 3) -> str:
    """Plain decimal notation, rounded to so many significant digits; a dash for NaN."""
    if not math.isfinite(value):
        return NOTHING
    rounded = float(f"{value:.{significant - 1}e}")
    exponent = math.floor(math.log10(abs(rounded))) if rounded else 0
    return f"{rounded:.{max(0, significant - 1 - exponent)}f}"


def fixed(value: float, places: int = 4) -> str:
    """A score with so many decimals; a dash for NaN."""
    return f"{value:.{places}f}" if math.isfinite(value) else NOTHING
