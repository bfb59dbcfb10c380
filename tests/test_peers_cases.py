"""Every peer that is here runs a case like any backend: on the clock, judged, and named with its
version. Slow: only .ci/run installs them.
"""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import environment, venvs
from bench.__main__ import main
from bench.records import load
from mfimpls import registry

DATA = "synthetic[users=200,items=100,ratings=6000]"
PEERS = [
    name
    for name in registry.names()
    if registry.source_file(name).parent.name == venvs.PEERS
    and "pyspark" not in registry.declared(name).caps.requires  # tests/test_spark.py
]


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_is_a_case_like_any_other(name, tmp_path, monkeypatch):
    backend = registry.declared(name)
    spec, library = name, os.environ.get("LIBMF_OBJ")
    if "library" in backend.caps.instead:  # that of PyPI hangs now and then: docs/peers.md
        if not library:
            pytest.skip("set LIBMF_OBJ to a libmf.so that was built here")
        spec = f"{name}[library={library}]"
    elif backend.missing:
        pytest.skip(f"{name} needs {' '.join(backend.missing)}")
    monkeypatch.chdir(tmp_path)
    biases = [] if backend.caps.takes_biases else ["-s", "biases=false"]
    arguments = ["-b", spec, "-d", DATA, "--epochs", "3", "-r", "1", "-s", "rank=4", *biases]
    done = CliRunner().invoke(main, ["run", *arguments, "--threads", "1"])
    assert done.exit_code == 0, done.output
    (record,) = load(Path("results/local"))
    assert record.status == "ok"
    assert record.points[-1].train_rmse < record.points[0].train_rmse
    assert environment.versions(backend.caps.requires).items() <= record.env.packages.items()
    for declared, word in ((backend.caps.refits, "from scratch"), (not backend.caps.minimises_J,
                           "minimises")):  # fmt: skip
        assert any(word in note for note in record.notes) == declared


def test_what_brings_a_peer_is_said_by_its_packages_name():
    surprise, funk = (registry.declared(name) for name in ("surprise_svd", "funk_svd"))
    assert venvs.pip_line(surprise, ["surprise"]) == "pip install 'scikit-surprise>=1.1.4'"
    assert venvs.pip_line(funk, ["funk_svd"]) == "docs/peers.md says how to get it"


def test_versions_are_those_of_the_distributions_behind_modules():
    assert environment.versions(["numpy", "no_such_module"]).keys() == {"numpy"}
