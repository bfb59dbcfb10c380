"""Carry the study out: choose on validation ratings, then run both backends on the test split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench import environment
from bench.lines import charge
from bench.problems import canonical, load_problem, open_problem
from bench.study import declared
from bench.study.declared import ADDITIONS, BY_HAND, EPOCHS, PATIENCE, Addition, backends
from bench.study.rows import Row, identity
from bench.study.walks import choose, final
from bench.tune.validation import cut
from mfimpls import registry
from mfimpls.contract import Hyper, Problem


@dataclass(frozen=True, slots=True)
class Study:
    """One data set's study: the ratings to choose on and those to end on."""

    dataset: str
    seeds: int
    validation: Problem
    whole: Problem
    additions: Sequence[Addition] = ADDITIONS
    epochs: int = EPOCHS

    @classmethod
    def of(cls, dataset: str, seeds: int) -> Study:
        """Make the data. Raises DataError."""
        name = canonical(dataset)
        return cls(name, seeds, open_problem(cut(name, seed=0)), load_problem(name))

    def identity(self, addition: Addition) -> str:
        """Of all that a row follows from: its declaration, the data, the backends' sources."""
        return identity(
            {
                "data": [self.validation.sha256, self.whole.sha256],
                "runs": [self.seeds, self.epochs, PATIENCE],
                "grid": list(addition.grid()), "lines": addition.lines,
                "code": [registry.code_sha256(name) for name in backends()],
            }
        )  # fmt: skip

    def provenance(self, command: str) -> dict[str, Any]:
        """Data, settings, machine, versions and commit."""
        return {
            "dataset": self.dataset, "data_sha256": self.whole.sha256,
            "validation_sha256": self.validation.sha256, "seeds": self.seeds,
            "epochs_at_most": self.epochs, "patience": PATIENCE, "base": dict(declared.BASE),
            "reg_bias_with_penalty": declared.REG_BIAS,
            "env": asdict(environment.describe(command)),
        }  # fmt: skip


def rows(study: Study, done: Sequence[Row], tried: Callable[[], None]) -> Iterator[Row]:
    """A row per addition, those that are done as they are. `tried` hears of each run's end."""
    stored = {row.identity: row for row in done}
    for addition in study.additions:
        yield stored.get(study.identity(addition)) or _row(study, addition, tried)


def _row(study: Study, addition: Addition, tried: Callable[[], None]) -> Row:
    loaded = {name: registry.load(name) for name in backends()}
    grid, limits = list(addition.grid()), (study.epochs, PATIENCE)
    best = choose(loaded[BY_HAND], study.validation, grid, limits, tried)
    hyper = Hyper(**best.settings)
    found: dict[str, list[float]] = {}
    for name, backend in loaded.items():
        found[name] = [
            final(backend, study.whole, replace(hyper, seed=seed), best.epochs)
            for seed in range(study.seeds)
        ]
        tried()
    return Row(
        name=addition.name,
        identity=study.identity(addition),
        tried=len(grid),
        settings=dict(best.settings),
        epochs=best.epochs,
        validation_rmse=best.validation_rmse,
        test_rmse=found,
        lines=lines_of(addition),
    )


def lines_of(addition: Addition) -> dict[str, tuple[int, int]]:
    """Logical lines of an addition in each backend: own, shared; none where another row tells."""
    if addition.pattern is None:
        return {}
    charges = {name: charge(registry.source_file(name), addition.pattern) for name in backends()}
    return {name: (found.own, found.shared) for name, found in charges.items()}


def total(study: Study) -> int:
    """How many times `tried` will be called."""
    return sum(len(list(a.grid())) + len(backends()) for a in study.additions)
