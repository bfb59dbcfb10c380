"""The grammar of a data set spec, NAME[k=v,...], and options as fields of frozen dataclasses.

One data set has one spelling: options are sorted, numbers are normalised, and an option at its
default is left out unless its field is marked `shown`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_type_hints

from bench.problems.errors import DataError
from mfimpls.contract import unknown

Settings = TypeVar("Settings")
BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def option(default: Any, help: str, **limits: Any) -> Any:
    """A dataclass field that a spec can set: `least`, `most`, `choices` and `shown` are checked by
    `settings` and `changes`.
    """
    return dataclasses.field(default=default, metadata={"help": help, **limits})


def parse(spec: str) -> tuple[str, dict[str, str]]:
    """Split `NAME[k=v,...]` into its name and its options, as text."""
    text = spec.strip()
    name, _, inside = text[:-1].rpartition("[") if text.endswith("]") else (text, "", "")
    name = name.strip()
    if not name:
        raise DataError(f"{spec!r} is no data set; write NAME or NAME[option=value,...].")
    options: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in inside.split(","))):
        key, equals, value = (text.strip() for text in part.partition("="))
        if not (key and equals and value):
            raise DataError(f"{part!r} in {spec!r} is no option; write option=value.")
        if key in options:
            raise DataError(f"{spec!r} gives {key} twice; give it once.")
        options[key] = value
    return name, options


def join(name: str, options: Mapping[str, str]) -> str:
    """The inverse of `parse`, options sorted."""
    inside = ",".join(f"{key}={options[key]}" for key in sorted(options))
    return f"{name}[{inside}]" if inside else name


def settings(
    defaults: Settings, options: Mapping[str, str], others: Iterable[str] = ()
) -> Settings:
    """`defaults`, a frozen dataclass, with `options` parsed to its fields' types and put in.

    Raises DataError for a name that is no field, offering the nearest field or one of `others`.
    """
    known = dataclasses.fields(defaults)  # type: ignore[arg-type]
    fields = {field.name: field for field in known if "help" in field.metadata}
    types = get_type_hints(type(defaults))
    parsed = {}
    for key, text in options.items():
        if key not in fields:
            raise DataError(unknown("option", key, {*fields, *others}))
        parsed[key] = _value(key, text, types[key], fields[key].metadata)
    return dataclasses.replace(defaults, **parsed)  # type: ignore[type-var]


def changes(defaults: Any, chosen: Any) -> dict[str, str]:
    """The options, as text, in which `chosen` differs from `defaults`, and those always shown."""
    return {
        field.name: text_of(getattr(chosen, field.name))
        for field in dataclasses.fields(chosen)
        if "help" in field.metadata
        and (
            field.metadata.get("shown")
            or getattr(chosen, field.name) != getattr(defaults, field.name)
        )
    }


def text_of(value: object) -> str:
    """How a spec spells a value: true, 0.1, 10, text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def number(key: str, text: str, kind: type[int] | type[float]) -> Any:
    """`text` as a finite number of a kind. Raises DataError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (kind is int and not value.is_integer()):
        what = "a whole number" if kind is int else "a number"
        raise DataError(f"{key} must be {what}, not {text!r}.")
    return kind(value)


def _value(key: str, text: str, kind: type, limits: Mapping[str, Any]) -> Any:
    if kind is bool:
        if text.lower() not in BOOLEANS:
            raise DataError(f"{key} must be true or false, not {text!r}.")
        return BOOLEANS[text.lower()]
    value = number(key, text, kind) if kind in (int, float) else text
    if "choices" in limits and value not in limits["choices"]:
        choices = ", ".join(limits["choices"])
        raise DataError(f"{key} must be one of {choices}, not {text!r}.")
    if "least" in limits and value < limits["least"]:
        raise DataError(f"{key} must be at least {limits['least']}, not {text}.")
    if "most" in limits and value > limits["most"]:
        raise DataError(f"{key} must be at most {limits['most']}, not {text}.")
    return value
