"""Backend specs, NAME[@DEVICE][k=v,...], and the hyper-parameters that they and presets make."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.problems.specs import BOOLEANS
from mfimpls.contract import EVERYONE_USES, Backend, Caps, Hyper, Value, unknown

AS = "as"
FORM = re.compile(r"(?P<name>[^\[\]@]+)(@(?P<device>[^\[\]@]+))?(\[(?P<settings>[^\[\]]*)\])?")


class SpecError(ValueError):
    """A spec that can't be read or honoured; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """What a user wrote after -b; `label` names its row and its curve."""

    name: str
    device: str = "cpu"
    settings: Mapping[str, str] = field(default_factory=dict)
    walks_as: str = ""  # the backend whose tuned settings it takes, to walk the same path

    @property
    def label(self) -> str:
        device = "" if self.device == "cpu" else f"@{self.device}"
        said = {**self.settings, AS: self.walks_as} if self.walks_as else self.settings
        settings = ",".join(f"{k}={v}" for k, v in sorted(said.items()))
        return f"{self.name}{device}" + (f"[{settings}]" if settings else "")


def parse_backend(text: str) -> BackendSpec:
    """Read one spec. Raises SpecError."""
    match = FORM.fullmatch(text.strip())
    if not match:
        raise SpecError(f"{text!r} is no backend; write NAME, NAME@cuda or NAME[lr=0.05,batch=64].")
    settings = parse_settings(match["settings"] or "")
    walks_as = settings.pop(AS, "")
    return BackendSpec(match["name"].strip(), match["device"] or "cpu", settings, walks_as)


def parse_settings(text: str | Iterable[str]) -> dict[str, str]:
    """`k=v,k=v` or several `k=v`, as text. Raises SpecError."""
    parts = text.split(",") if isinstance(text, str) else text
    settings: dict[str, str] = {}
    for part in filter(None, map(str.strip, parts)):
        key, equals, value = map(str.strip, part.partition("="))
        if not equals or not key or not value:
            raise SpecError(f"{part!r} is no setting; write name=value.")
        if key in settings:
            raise SpecError(f"{key} is set twice; set it once.")
        settings[key] = value
    return settings


def hyper_of(
    spec: BackendSpec,
    backend: Backend,
    shared: Mapping[str, str],
    tuned: Mapping[str, Any],
) -> Hyper:
    """What a backend runs with: tuned values, overridden by shared settings, then by its own.

    A tuned or shared value that the backend does not use is left out; one that it was given by name
    is refused. Raises SpecError.
    """
    fields: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(Hyper)}
    options = {option.name: option for option in backend.caps.options}
    settable = set(fields) - {"device", "options"}
    used = (EVERYONE_USES | set(backend.caps.uses)) & settable
    for key in shared:
        if key not in settable:
            raise SpecError(unknown("hyper-parameter", key, settable))
    chosen: dict[str, Any] = {k: v for k, v in tuned.items() if k in used or k in options}
    chosen |= {k: _value(k, v, fields[k]) for k, v in shared.items() if k in used}
    for key, text in spec.settings.items():
        if key in options:
            chosen[key] = _value(key, text, options[key].default)
        elif key in settable:
            chosen[key] = _value(key, text, fields[key])
        else:
            raise SpecError(f"{spec.name}: {unknown('setting', key, settable | set(options))}")
    try:
        hyper = _assemble(chosen, backend.caps, spec.device)
    except ValueError as error:
        raise SpecError(f"{spec.label}: {error}") from None
    if sentence := backend.refusal(hyper):
        raise SpecError(sentence)
    return hyper


def preset_options(spec: BackendSpec, backend: Backend) -> Backend:
    """The backend with the options of its spec for defaults, for checks that set none. Raises
    SpecError.
    """
    given = spec.settings
    options = [
        dataclasses.replace(o, default=_value(o.name, given[o.name], o.default))
        if o.name in given
        else o
        for o in backend.caps.options
    ]
    caps = dataclasses.replace(backend.caps, options=tuple(options))
    return dataclasses.replace(backend, caps=caps)


def _assemble(chosen: Mapping[str, Any], caps: Caps, device: str) -> Hyper:
    options = [option.name for option in caps.options]
    plain = {k: v for k, v in chosen.items() if k not in options}
    if Hyper.dtype not in caps.dtypes:
        plain = {"dtype": caps.dtypes[0]} | plain  # there is no choice to be asked for
    return Hyper(**plain, device=device, options={k: chosen[k] for k in options if k in chosen})


def _value(key: str, text: str, default: Value) -> Value:
    # Text as the type of the default.
    if isinstance(default, bool):
        if text.lower() not in BOOLEANS:
            raise SpecError(f"{key} must be true or false, not {text!r}.")
        return BOOLEANS[text.lower()]
    if isinstance(default, str):
        return text
    try:
        return type(default)(text)
    except ValueError:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise SpecError(f"{key} must be {kind}, not {text!r}.") from None
