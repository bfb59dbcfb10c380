"""Where backends come from: the folder mfimpls/backends, installed entry points, module:object,
file.py:object.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Collection, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from mfimpls import declarations
from mfimpls.contract import Backend, Factors, Hyper, Problem, Snapshot, unknown

FOLDERS = ("backends", "peers")
GROUP = "mfimpls.backends"


class UnknownBackend(LookupError):
    """No backend goes by that name; the message offers the nearest."""


def names() -> list[str]:
    """Names of the backends at hand, found by looking at file names and package metadata: nothing
    is imported.
    """
    return sorted(_sources())


def _sources() -> dict[str, str]:
    # name -> module or module:object
    here = Path(__file__).parent
    pairs = [
        (path.stem, f"mfimpls.{folder}.{path.stem}")
        for folder in FOLDERS
        for path in sorted((here / folder).glob("[!_]*.py"))
    ]
    pairs += [(point.name, point.value) for point in entry_points(group=GROUP)]
    found: dict[str, str] = {}
    for name, place in pairs:
        if found.setdefault(name, place) != place:
            raise UnknownBackend(
                f"Two backends are called {name}: {found[name]} and {place}; "
                f"uninstall or rename one."
            )
    return found


def load(name: str) -> Backend:
    """Import one backend by its name, `module:object`, `file.py` or `file.py:object`.

    Raises UnknownBackend for a name that leads nowhere, and lets whatever the import raises pass.
    """
    place, _, attribute = name.partition(":")
    if place.endswith(".py"):
        return _pick(_import_file(Path(place)), attribute, name)
    if attribute and _is_module_name(place):
        return _pick(_import_module(place), attribute, name)
    sources = _sources()
    if name not in sources:
        raise UnknownBackend(unknown("backend", name, sources))
    place, _, attribute = sources[name].partition(":")
    return _pick(importlib.import_module(place), attribute, name)


def declared(name: str) -> Backend:
    """What `load(name)` would give, read from the source where it says all: its libraries are
    imported when it is first run. Raises UnknownBackend; a file that can't be parsed does too.
    """
    path = source_file(name)
    attribute = _sources().get(name, name).partition(":")[2]
    try:
        found = {each.attribute: each for each in declarations.read(path)}
    except SyntaxError as error:
        raise UnknownBackend(f"{path}:{error.lineno} is no Python: {error.msg}.") from None
    chosen = found.get(attribute or _only(found, path.stem))
    if chosen is None or chosen.caps is None:
        return load(name)

    def run_later(problem: Problem, hyper: Hyper, init: Factors) -> Iterator[Snapshot]:
        return load(name).generator(problem, hyper, init)

    run_later.__doc__ = chosen.doc
    return Backend(chosen.name, chosen.caps, run_later)


def _only(found: Collection[str], stem: str) -> str:
    # The one that a file means when none is named.
    return next(iter(found)) if len(found) == 1 else stem


def code_sha256(name: str) -> str:
    """Hash of the source that `load(name)` would run: its file, the private helpers beside it, the
    sample orders. Nothing but parent packages is imported. Raises UnknownBackend.
    """
    path = source_file(name)
    files = [path, *sorted(path.parent.glob("_*.py")), Path(__file__).with_name("orders.py")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def source_file(name: str) -> Path:
    """The file that `load(name)` would run; nothing but parent packages is imported. Raises
    UnknownBackend.
    """
    place, _, attribute = name.partition(":")
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise UnknownBackend(f"There is no backend file {place}; check the path.")
        return Path(place)
    if not (attribute and _is_module_name(place)):
        sources = _sources()
        if name not in sources:
            raise UnknownBackend(unknown("backend", name, sources))
        place = sources[name].partition(":")[0]
    try:
        spec = importlib.util.find_spec(place)
    except ModuleNotFoundError:
        spec = None
    except Exception as error:
        raise UnknownBackend(
            f"The package of {place} raised {type(error).__name__} when it was imported: {error}"
        ) from None
    if spec is None or spec.origin is None:
        raise UnknownBackend(f"There is no module {place}; is its package installed here?")
    return Path(spec.origin)


def _is_module_name(place: str) -> bool:
    return all(part.isidentifier() for part in place.split("."))


def _import_module(place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if f"{place}.".startswith(f"{error.name}."):
            raise UnknownBackend(
                f"There is no module {place}; is its package installed here?"
            ) from None
        raise


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UnknownBackend(f"There is no backend file {path}; check the path.")
    name = f"mfimpls.files.{path.stem}"  # a name of its own, so that json.py replaces no library
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Numba's cache and pickle look a function's module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _pick(module: ModuleType, attribute: str, name: str) -> Backend:
    found = {k: v for k, v in vars(module).items() if isinstance(v, Backend)}
    if attribute and attribute not in found:
        raise UnknownBackend(f"{name}: {unknown('backend', attribute, found)}")
    chosen = attribute or _only(found, module.__name__.rpartition(".")[2])
    if chosen in found:
        return found[chosen]
    raise UnknownBackend(
        f"{name} holds {len(found)} backends ({', '.join(found) or 'no @backend'}); "
        f"name one as {name}:NAME."
    )
