"""Trials: what was tried, what came of it, and which is better. Kept as JSON lines."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.records import ResultsError, unwritable
from bench.stats import median

FILE_NAME = "trials.jsonl"
STATES = {
    "hit": "reached the target",
    "missed": "ended above the target, by its epochs or its budget",
    "scored": "of the model: ran all its sweeps",
    "diverged": "the loss left the finite numbers",
    "unsupported": "the backend refused the settings",
    "timeout": "killed: an epoch took longer than the budget allows",
    "error": "raised, crashed or was killed",
}
MISS = 1e6  # s: behind every hit
LOST = 10.0  # as many times the target as a trial without a score counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One setting tried once on the validation part. `stage` is model (scored by RMSE), search or
    again (the best of a search repeated); `seconds` and `epochs` are those to the target, of
    training alone; `rmse` is the lowest reached, or of the model the last.
    """

    stage: str
    backend: str  # label of its spec
    number: int  # in its stage
    settings: Mapping[str, Any]
    state: str
    reason: str = ""
    target: float | None = None  # validation RMSE that a walk was timed to
    code_sha256: str = ""  # of the backend's source files
    seconds: float | None = None
    epochs: float | None = None
    rmse: float | None = None
    trained_s: float | None = None
    trained_epochs: int = 0
    env: Mapping[str, Any] = field(default_factory=dict)  # of the first trial of a process

    def score(self, target: float) -> float:
        """What a search minimises: seconds for a hit; for a miss MISS and more, by how far above
        the target it stayed; for what has no score, behind all misses.
        """
        if self.state == "scored" and self.rmse is not None:
            return self.rmse
        if self.state == "hit" and self.seconds is not None:
            return self.seconds
        if self.state == "missed" and self.rmse is not None:
            return MISS * min(self.rmse / target, LOST)
        return MISS * LOST


def median_score(trials: Iterable[Trial], target: float) -> float:
    """Of repeats of one setting: a miss is infinite, so most of them must hit."""
    return median(t.seconds if t.state == "hit" and t.seconds else math.inf for t in trials)


def load(directory: Path) -> list[Trial]:
    """The trials of a directory in the order run; a torn last line is cut off. Raises
    ResultsError.
    """
    path = directory / FILE_NAME
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ResultsError(f"Cannot read {path}: {error.strerror}.") from None
    kept = whole[: whole.rfind(b"\n") + 1]
    if len(kept) < len(whole):
        os.truncate(path, len(kept))
    try:
        return [Trial(**json.loads(line)) for line in kept.splitlines()]
    except (ValueError, TypeError) as error:
        raise ResultsError(f"{path} holds no trials ({error}); -f starts anew.") from None


def append(directory: Path, trial: Trial) -> None:
    """Add one trial. Raises ResultsError."""
    path = directory / FILE_NAME
    try:
        with path.open("ab") as file:
            file.write(json.dumps(asdict(trial), allow_nan=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from None


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How one backend's search went: its trials from best to worst, and the winner."""

    backend: str
    ranked: Sequence[Trial]
    winner: Trial
    again: Sequence[Trial]  # the winner's repeats, its trial in the search included

    @property
    def hits(self) -> int:
        return sum(trial.state == "hit" for trial in self.ranked)

    @property
    def failed(self) -> bool:
        """No trial came to a score, so there is no winner to speak of."""
        return self.winner.state not in ("hit", "missed")

    @property
    def winner_s(self) -> float:
        """Seconds of the winner: the median of its runs, or its one hit where most of them missed;
        NaN for a miss.
        """
        hits = [t.seconds for t in self.again if t.state == "hit" and t.seconds is not None]
        if 2 * len(hits) > len(self.again):
            return median([*hits, *[math.inf] * (len(self.again) - len(hits))])
        return hits[0] if hits else math.nan

    @property
    def middle(self) -> Trial:
        """The trial at the median place, of two the worse."""
        return self.ranked[len(self.ranked) // 2]


def sensitivities(trials: Iterable[Trial], target: float) -> list[Sensitivity]:
    """One for each backend that has been searched, the fastest winner first."""
    searched: dict[str, list[Trial]] = {}
    repeats: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.stage in ("search", "again"):
            home = searched if trial.stage == "search" else repeats
            home.setdefault(trial.backend, []).append(trial)
    found = [
        _sensitivity(name, tried, repeats.get(name, []), target) for name, tried in searched.items()
    ]
    return sorted(found, key=lambda s: (median_score(s.again, target), s.winner.score(target)))


def _sensitivity(
    name: str, tried: Sequence[Trial], repeats: Sequence[Trial], target: float
) -> Sensitivity:
    ranked = sorted(tried, key=lambda t: t.score(target))
    runs = [[t, *(r for r in repeats if r.settings == t.settings)] for t in ranked]
    finalists = [run for run in runs if len(run) > 1] or runs[:1]
    best = min(finalists, key=lambda run: (median_score(run, target), run[0].score(target)))
    return Sensitivity(name, ranked, best[0], best)
