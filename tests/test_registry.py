"""Every way in to a backend, and a sentence for every way that leads nowhere."""

import importlib.metadata
import subprocess
import sys

import pytest

from mfimpls import registry
from mfimpls.registry import UnknownBackend

ONE = """
from mfimpls.contract import backend

@backend("{name}", path="sgd")
def {name}(problem, hyper, init):
    yield init.copy
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a file of one backend and a file of two, on the import path."""
    (tmp_path / "lone_backend.py").write_text(ONE.format(name="lonely"))
    (tmp_path / "twin_backends.py").write_text(ONE.format(name="left") + ONE.format(name="right"))
    (tmp_path / "named_pair.py").write_text(
        ONE.format(name="helper") + ONE.format(name="named_pair")
    )
    (tmp_path / "no_backend.py").write_text("answer = 42\n")
    (tmp_path / "broken_backend.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    modules = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_names_are_found_without_importing_anything(monkeypatch):
    def refuse(*_):
        raise AssertionError("imported")

    monkeypatch.setattr(registry.importlib, "import_module", refuse)
    found = registry.names()
    assert found == sorted(found)
    assert {"numpy_sgd", "numpy_als", "numba_sgd", "numba_als", "torch_sgd"} <= set(found)


def test_private_files_are_no_backends():
    assert not [name for name in registry.names() if name.startswith("_")]


def test_a_name_loads_the_backend_of_that_name():
    assert registry.load("numpy_sgd").name == "numpy_sgd"


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("{}/lone_backend.py", "lonely"),
        ("{}/twin_backends.py:right", "right"),
        ("{}/named_pair.py", "named_pair"),
        ("lone_backend:lonely", "lonely"),
        ("twin_backends:left", "left"),
    ],
)
def test_files_and_modules_lead_to_backends(folder, place, name):
    assert registry.load(place.format(folder)).name == name


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("numpy_sdg", r"Unknown backend 'numpy_sdg'; did you mean numpy_sgd\?"),
        ("{}/absent.py", r"There is no backend file .*absent\.py; check the path\."),
        ("{}/twin_backends.py", r"holds 2 backends \(left, right\); name one as .*:NAME\."),
        ("{}/no_backend.py", r"holds 0 backends \(no @backend\)"),
        ("{}/twin_backends.py:rigth", r"Unknown backend 'rigth'; did you mean right\?"),
        ("absent_module:thing", "There is no module absent_module; is its package installed"),
        ("mfimpls.absent:thing", r"There is no module mfimpls\.absent"),
        (":thing", "Unknown backend ':thing'"),
        ("twin_backends:rigth", r"did you mean right\?"),
    ],
)
def test_ways_that_lead_nowhere_end_in_a_sentence(folder, place, sentence):
    with pytest.raises(UnknownBackend, match=sentence):
        registry.load(place.format(folder))


def test_a_missing_library_of_a_backend_is_not_disguised(folder):
    for place in (f"{folder}/broken_backend.py", "broken_backend:thing"):
        with pytest.raises(ModuleNotFoundError, match="surely_not_installed"):
            registry.load(place)


def test_a_file_never_takes_the_name_of_a_loaded_library(folder):
    import json

    (folder / "json.py").write_text(ONE.format(name="impostor"))
    assert registry.load(f"{folder}/json.py").name == "impostor"
    assert sys.modules["json"] is json


def test_a_file_that_fails_leaves_no_module_behind(folder):
    with pytest.raises(ModuleNotFoundError):
        registry.load(f"{folder}/broken_backend.py")
    assert "broken_backend" not in sys.modules


def point(name, value):
    return importlib.metadata.EntryPoint(name, value, registry.GROUP)


def test_an_installed_entry_point_is_a_backend(folder, monkeypatch):
    points = [point("theirs", "lone_backend:lonely"), point("whole_module", "named_pair")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert {"theirs", "whole_module"} <= set(registry.names())
    assert registry.load("theirs").name == "lonely"
    assert registry.load("whole_module").name == "named_pair"


def test_an_entry_point_may_not_take_a_taken_name(monkeypatch):
    points = [point("numpy_sgd", "elsewhere:thing")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    with pytest.raises(UnknownBackend, match="Two backends are called numpy_sgd"):
        registry.names()


WAYS = ["numpy_sgd", "torch_sgd", "numba_als", "{}/lone_backend.py", "{}/named_pair.py"]
WAYS += ["{}/twin_backends.py:right", "lone_backend:lonely"]


@pytest.mark.parametrize("way", WAYS)
def test_what_the_source_declares_is_what_loading_gives(folder, way):
    read, loaded = registry.declared(way.format(folder)), registry.load(way.format(folder))
    assert (read.name, read.caps, read.summary) == (loaded.name, loaded.caps, loaded.summary)


def test_declarations_of_the_tree_are_read_without_importing_them():
    asked = "from mfimpls import registry; import sys; "
    asked += "[registry.declared(name) for name in registry.names()]; "
    asked += "print([name for name in ('numba', 'torch') if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_a_declaration_that_has_to_be_computed_is_loaded(tmp_path):
    file = tmp_path / "computed.py"
    file.write_text(ONE.format(name="computed").replace('"sgd"', '"".join(["a", "ls"])'))
    assert registry.declared(str(file)).caps.path == "als"


def test_a_file_that_is_no_python_is_one_sentence_with_its_line(tmp_path):
    (tmp_path / "typo.py").write_text("x = 1\ndef broken(:\n")
    with pytest.raises(UnknownBackend, match=r"typo\.py:2 is no Python"):
        registry.declared(str(tmp_path / "typo.py"))


def test_what_a_backend_requires_and_lacks_is_named(tmp_path):
    file = tmp_path / "needy.py"
    requires = 'path="sgd", requires=("numpy", "surely_not_installed")'
    file.write_text(ONE.format(name="needy").replace('path="sgd"', requires))
    assert registry.declared(str(file)).missing == ["surely_not_installed"]
