"""The study as data: a baseline, what is added to it one at a time, and the grid that each gets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from mfimpls import registry

BY_HAND = "numpy_sgd"  # in which the grid is run: both walk one path, so one choice serves both
BY_AUTOGRAD = ("torch_embedding_sgd", "torch_sgd")  # embeddings and backward(), by its name here
DATASET = "ml-100k"
SEEDS = 5  # of the final runs; the choice is made with seed 0
EPOCHS, PATIENCE = 150, 4  # at most, and without a better validation RMSE before a run ends
BASE: Mapping[str, Any] = {
    "rank": 16, "reg": 0.0, "reg_bias": 0.0, "batch": 4096, "optimizer": "sgd", "dropout": 0.0
}  # fmt: skip
LR: Mapping[str, tuple[float, ...]] = {
    "sgd": (0.0025, 0.005, 0.01, 0.02, 0.04),
    "adagrad": (0.025, 0.05, 0.1, 0.2, 0.4),
    "rowwise_adagrad": (0.025, 0.05, 0.1, 0.2, 0.4),
    "adam": (0.0003, 0.0006, 0.00125, 0.0025, 0.005),
}
PENALTY = {"reg": (0.03, 0.06, 0.12, 0.24)}
DROPOUT = {"dropout": (0.2, 0.4, 0.6, 0.8)}
REG_BIAS = 0.02  # wherever there is a penalty


def backends() -> tuple[str, str]:
    """By hand, and by autograd as one writes it."""
    return BY_HAND, next(name for name in BY_AUTOGRAD if name in registry.names())


@dataclass(frozen=True, slots=True)
class Addition:
    """One row: what it sets, the strengths that it may take, and the names that its lines go by."""

    name: str
    optimizer: str = "sgd"
    strengths: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    lines: str = ""  # as a regular expression; empty where another row tells

    @property
    def pattern(self) -> re.Pattern[str] | None:
        return re.compile(self.lines) if self.lines else None

    def grid(self) -> Iterator[dict[str, Any]]:
        """Every setting that is tried."""
        for lr, *values in product(LR[self.optimizer], *self.strengths.values()):
            chosen = dict(zip(self.strengths, values, strict=True))
            bias = {"reg_bias": REG_BIAS} if "reg" in chosen else {}
            yield {**BASE, "optimizer": self.optimizer, "lr": lr, **chosen, **bias}


ADDITIONS = (
    Addition("plain SGD"),
    Addition("penalty", strengths=PENALTY, lines=r"^reg(_bias)?$|penalty|^n_[ui]$"),
    Addition("Adagrad", "adagrad", lines=r"^[aA]dagrad$"),
    Addition("row-wise Adagrad", "rowwise_adagrad", lines=r"(?i)^rowwise_?adagrad$"),
    Addition("Adam", "adam", lines=r"^(Sparse)?[aA]dam$"),
    Addition(
        "dropout",
        strengths=DROPOUT,
        lines=r"dropout|^[mM]asks?$|^keep$|^kept$|^for_[pq]$|^visits$|^components$",
    ),
    Addition("penalty, Adagrad", "adagrad", PENALTY),
    Addition("penalty, row-wise Adagrad", "rowwise_adagrad", PENALTY),
    Addition("penalty, Adam", "adam", PENALTY),
    Addition("penalty, dropout", strengths=PENALTY | DROPOUT),
)
