"""Optuna's tree-structured Parzen estimator, asked for settings and told their scores.

A search is a function of its seed and of what it was told, so one that was cut off is gone on with
by asking and telling again what is stored: the rest is what an uninterrupted search would have
tried. No database is needed for that.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bench.specs import SpecError
from bench.tune.space import MODEL, Choice, Dimension, Settings, dimensions, first, tidy
from mfimpls.contract import Caps

if TYPE_CHECKING:
    import optuna

STARTUP = 8  # random trials, those given first included, before the estimator speaks
Draw = Callable[["optuna.Trial"], Settings]


class Search:
    """One search: ask, then tell, by turns."""

    def __init__(self, draw: Draw, given: Iterable[Mapping[str, Any]], seed: int) -> None:
        optuna = needed()
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)
        self.study = optuna.create_study(sampler=sampler)
        for settings in given:
            self.study.enqueue_trial(dict(settings))
        self.draw = draw

    def ask(self) -> Settings:
        """The next settings to try."""
        self.trial = self.study.ask()
        return self.draw(self.trial)

    def tell(self, score: float) -> None:
        """What they scored; less is better."""
        self.study.tell(self.trial, score)


def of_model(seed: int) -> Search:
    """The search for what defines J."""
    return Search(
        lambda trial: {name: _draw(trial, name, range_) for name, range_ in MODEL.items()}, (), seed
    )


def of_walk(caps: Caps, seed: int) -> Search:
    """The search for how a backend of these capabilities walks."""

    def draw(trial: optuna.Trial) -> Settings:
        settings: Settings = {}
        for name, unique, dimension in dimensions(caps, settings):
            settings[name] = _draw(trial, unique, dimension)
        return settings

    return Search(draw, first(caps), seed)


def _draw(trial: optuna.Trial, name: str, dimension: Dimension) -> Any:
    if isinstance(dimension, Choice):
        return trial.suggest_categorical(name, dimension.values)
    return tidy(trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log))


def needed() -> Any:
    """Optuna, imported and silent. Raises SpecError where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import optuna
    except ModuleNotFoundError:
        raise SpecError("mfbench tune needs optuna: pip install 'mfbench[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
