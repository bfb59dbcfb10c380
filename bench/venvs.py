"""A virtual environment for one peer, in the cache: its library and what a case needs.

Two peers that can't live in one environment then run side by side, each with its own interpreter.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from bench import interpreters
from bench.interpreters import CORE
from bench.problems.cache import root
from bench.specs import SpecError
from mfimpls import registry
from mfimpls.contract import Backend, unknown

PROJECT = "mfbench"
PEERS = "peers"  # the folder of mfimpls that holds adapters to other people's libraries
MADE = "mfbench.json"  # written last: an environment without it is half made


def folder_of(name: str) -> Path:
    """Where the environment of a backend is, or would be."""
    return root() / "peers" / name


def installed(name: str) -> str:
    """The interpreter of a backend's environment; empty where there is none."""
    folder = folder_of(name)
    return str(folder / "bin" / "python") if (folder / MADE).is_file() else ""


def chosen(texts: Sequence[str], names: Iterable[str]) -> dict[str, str]:
    """Which backends run with another interpreter: as asked by NAME=PYTHON, else in the environment
    that `mfbench peers install` made. Raises SpecError.
    """
    names = list(dict.fromkeys(names))
    asked = interpreters.parse(texts)
    for name in asked:
        if name not in names:
            raise SpecError(f"--env: {unknown('backend of this run', name, names)}")
    own = {name: installed(name) for name in names}
    found = {name: asked.get(name) or own[name] for name in names}
    return {name: python for name, python in found.items() if interpreters.is_other(python)}


def extra_of(name: str) -> str | None:
    """The extra of this project that brings a backend's library: the one named as the backend is,
    or as its name begins (spark_als: spark).
    """
    words, known = name.split("_"), _extras()
    tried = ("-".join(words[:n]) for n in range(len(words), 0, -1))
    return next((extra for extra in tried if extra in known), None)


def pip_line(backend: Backend, absent: Iterable[str], python: str = "") -> str:
    """What to type for the modules that a backend lacks: packages may go by other names than their
    modules. Of a peer that no extra brings, where to read on.
    """
    pip, extra = f"{python} -m pip" if python else "pip", extra_of(backend.name)
    if extra:
        return f"{pip} install {shlex.join(_extras()[extra])}"
    if backend.name in registry.names() and registry.source_file(backend.name).parent.name == PEERS:
        return "docs/peers.md says how to get it"
    return f"{pip} install {' '.join(absent)}"


def requirements(name: str) -> list[str]:
    """What a case of a backend needs beside Python. Raises SpecError where no extra brings it."""
    extra = extra_of(name)
    if extra is None:
        raise SpecError(
            f"{name} has no extra to install; make an environment with what it needs and name it "
            f"with --env {name}=PYTHON."
        )
    core = [text for text in _dependencies() if Requirement(text).name in CORE]
    return core + _extras()[extra]


def install(name: str, python: str = sys.executable) -> Path:
    """Make the environment of a backend, anew where there is one; returns its folder. Raises
    UnknownBackend, and SpecError where pip or `python` fails.
    """
    registry.source_file(name)
    needed, folder = requirements(name), folder_of(name)
    shutil.rmtree(folder, ignore_errors=True)
    _call([python, "-m", "venv", str(folder)], name)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    _call([*pip, "install", "--quiet", *needed], name)
    (folder / MADE).write_text(json.dumps({"name": name, "requirements": needed}) + "\n")
    return folder


def _call(command: Sequence[str], name: str) -> None:
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise SpecError(f"Cannot run {command[0]}: {error.strerror}.") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line or "rror:" in line]
        why = (said or done.stderr.splitlines() or ["no reason given"])[-1]
        raise SpecError(f"{name} could not be installed: {why.removeprefix('ERROR: ')}")


def _dependencies() -> list[str]:
    project = _pyproject()
    if project:
        return list(project["dependencies"])
    return [text for text, extra in _published() if not extra]


def _extras() -> dict[str, list[str]]:
    project = _pyproject()
    if project:
        return dict(project["optional-dependencies"])
    found: dict[str, list[str]] = {}
    for text, extra in _published():
        if extra:
            found.setdefault(extra, []).append(text)
    return found


def _pyproject() -> dict[str, Any]:
    # A checkout says it itself: metadata of an editable install are as old as the install.
    path = Path(__file__).resolve().parents[1] / "pyproject.toml"
    project: dict[str, Any] = tomllib.loads(path.read_text())["project"] if path.is_file() else {}
    return project if project.get("name") == PROJECT else {}


def _published() -> Iterable[tuple[str, str]]:
    # Each requirement of the installed package without its extra, and that extra.
    extras = metadata.metadata(PROJECT).get_all("Provides-Extra") or []
    for text in metadata.requires(PROJECT) or []:
        needed = Requirement(text)
        marker = str(needed.marker or "")
        extra = next((name for name in extras if f'extra == "{name}"' in marker), "")
        yield text.partition(";")[0].strip(), extra
