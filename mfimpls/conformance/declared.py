"""Checks that the declared capabilities are the real ones: honoured if declared, refused if not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from mfimpls.conformance.setting import (
    Failed,
    fitting,
    require,
    same_bits,
    settings,
    shown_after,
    small_problem,
    start,
)
from mfimpls.contract import DTYPES, OPTIMIZERS, ORDERS, Backend, Caps, Hyper, Unsupported

OTHER: dict[str, Any] = {
    "lr": 0.013,
    "decay": 0.5,
    "batch": 7,
    "optimizer": OPTIMIZERS,
    "order": ORDERS,
    "dropout": 0.3,
}


def check_uses_what_it_declares(backend: Backend, device: str = "cpu") -> None:
    """Another value of reg where there are factors, of reg_bias where J says what it does, and of
    each declared field leads elsewhere.
    """
    known = {f.name for f in fields(Hyper)}
    for name in backend.caps.uses:
        require(name in known, f"Caps.uses names {name!r}, which is no field of Hyper.")
    problem, hyper = small_problem(), settings(backend, device)
    usual = shown_after(backend.fit, problem, hyper, 2)
    for name, value in _other_values(backend.caps, hyper):
        found = shown_after(
            backend.fit, problem, replace(hyper, **{name: value}), 2, start(problem, hyper)
        )
        require(
            not same_bits(found, usual),
            f"{name}={getattr(hyper, name)} and {name}={value} lead to the same factors: "
            f"use {name}, or take it out of the declared capabilities so that it is refused.",
        )


def _other_values(caps: Caps, hyper: Hyper) -> Iterator[tuple[str, Any]]:
    if not caps.predicts:
        yield "reg", 0.3
    if caps.takes_biases and caps.minimises_J:
        yield "reg_bias", 0.1
    able = {"optimizer": caps.optimizers, "order": caps.orders}
    for name in (name for name in OTHER if name in caps.uses):
        for value in able.get(name, (OTHER[name],)):
            if value != getattr(hyper, name):
                yield name, value


def check_starts_with_what_it_declares(backend: Backend, device: str = "cpu") -> None:
    """Every declared dtype, optimizer, order and choice of an option is taken."""
    caps = backend.caps
    for name, able in (
        ("dtype", caps.dtypes),
        ("optimizer", caps.optimizers),
        ("order", caps.orders),
    ):
        for value in able:
            _require_start(backend, settings(backend, device, **{name: value}), f"{name}={value}")
    for option in caps.options:
        for choice in option.choices or (option.default,):
            hyper = settings(backend, device, options={option.name: choice})
            _require_start(backend, hyper, f"option {option.name}={choice}")


def _require_start(backend: Backend, hyper: Hyper, what: str) -> None:
    problem = small_problem()
    try:
        with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
            next(steps)
    except Unsupported as refusal:
        raise Failed(f"{what} is declared but refused: {refusal}") from None


def refuses_ratings(backend: Backend, device: str = "cpu") -> str:
    """The sentence of a backend that takes no ratings, whatever the settings; empty for others."""
    problem, hyper = small_problem(), settings(backend, device)
    try:
        with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
            next(steps)
    except Unsupported as refusal:
        return str(refusal)
    except Exception:
        return ""  # the checks tell
    return ""


def check_refuses_before_the_first_yield(backend: Backend, device: str = "cpu") -> None:
    """What is not declared is refused with a sentence before anything is yielded, never ignored."""
    problem = small_problem()
    for hyper, what in _beyond(backend.caps, settings(backend, device)):
        try:
            with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
                next(steps)
        except Unsupported as refusal:
            require(len(str(refusal)) > 10, f"The refusal of {what} is no sentence: {refusal}")
        else:
            raise Failed(
                f"{what} is not declared, yet training started: raise Unsupported before the first "
                f"yield, as Backend.fit does."
            )


def _beyond(caps: Caps, hyper: Hyper) -> Iterator[tuple[Hyper, str]]:
    # One step outside the declared capabilities in each direction.
    outside: dict[str, tuple[Any, ...]] = {
        "dtype": tuple(set(DTYPES) - set(caps.dtypes)),
        "device": ("abacus",),
        "options": ({"no_such_option": 1},),
    }
    able = {"optimizer": caps.optimizers, "order": caps.orders}
    for name in OTHER:
        if name not in caps.uses:
            default = getattr(hyper, name)
            values = OTHER[name] if name in able else (OTHER[name],)
            outside[name] = tuple(v for v in values if v != default)
        elif name in able:
            outside[name] = tuple(set(OTHER[name]) - set(able[name]))
    for name, values in outside.items():
        for value in sorted(values, key=str):
            yield replace(hyper, **{name: value}), f"{name}={value}"
