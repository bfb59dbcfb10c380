"""Other interpreters for cases: whether one can run a case, and how it finds this very code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from bench.problems.cache import root
from bench.specs import SpecError

CORE = ("numpy", "scipy", "psutil", "threadpoolctl", "platformdirs")  # what bench.worker imports
OLDEST = (3, 11)
PROBE = """
import importlib.util, json, sys
absent = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
print(json.dumps({"version": sys.version_info[:2], "absent": absent}))
"""


def parse(texts: Sequence[str]) -> dict[str, str]:
    """NAME=PYTHON, each an interpreter or a virtual environment, as name -> path. Raises SpecError
    for what is no interpreter that can run a case.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, place = map(str.strip, text.rpartition("="))
        if not equals or not name or not place:
            raise SpecError(f"{text!r} names no interpreter; write BACKEND=PYTHON.")
        if name in found:
            raise SpecError(f"--env is given twice for {name}; give it once.")
        found[name] = _python(Path(place).expanduser())
        if absent := lacking(found[name], CORE):
            raise SpecError(
                f"{place} can't run a case: it lacks {' '.join(absent)}; "
                f"{found[name]} -m pip install {' '.join(absent)}"
            )
    return found


def _python(place: Path) -> str:
    inside = place / "bin" / "python"
    return os.path.abspath(inside if place.is_dir() else place)  # links stay: a venv lives by its


def is_other(python: str) -> bool:
    """Whether a path is another interpreter than this one."""
    return bool(python) and Path(python) != Path(sys.executable)


@cache
def lacking(python: str, modules: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the modules that an interpreter can't find. Raises SpecError where it is none, or
    too old.
    """
    asked = [python, "-c", PROBE, *modules]
    variables = {**environment(python), "PYTHONSAFEPATH": "1"}  # as -P, which old ones don't know
    try:
        done = subprocess.run(asked, capture_output=True, text=True, env=variables)
        told = json.loads(done.stdout)
    except OSError as error:
        raise SpecError(f"There is no interpreter {python}: {error.strerror}.") from None
    except ValueError:
        raise SpecError(f"{python} is no Python that starts; name another with --env.") from None
    if tuple(told["version"]) < OLDEST:
        got, oldest = (".".join(map(str, v)) for v in (told["version"], OLDEST))
        raise SpecError(f"{python} is Python {got}; a case needs {oldest} or newer.")
    return tuple(told["absent"])


def environment(python: str) -> Mapping[str, str]:
    """This process's environment, in which `python` finds this very code, wherever it starts."""
    here = Path(__file__).resolve().parents[1]
    code = str(_code_alone(here) if is_other(python) else here)
    path = os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path}


def _code_alone(here: Path) -> Path:
    # Where the suite is installed, `here` is site-packages: the other interpreter must not see all
    # that this one has, or their versions mix.
    folder = root() / "code" / here.as_posix().strip("/").replace("/", "-")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for package in ("bench", "mfimpls"):
            link = folder / package
            if not link.is_symlink():
                making = folder / f".{package}.{os.getpid()}"
                making.symlink_to(here / package, target_is_directory=True)
                making.replace(link)
    except OSError as error:
        raise SpecError(f"Cannot write the cache {root()}: {error.strerror}.") from None
    return folder
