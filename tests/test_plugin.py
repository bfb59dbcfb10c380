"""Backends from outside: a package with a compiled extension, and a framework behind an extra.

The package in tests/plugin and the extra `jax` are installed into an environment of their own, and
found there by entry point and by name.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from bench.records import load

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PLUGIN = Path(__file__).parent / "plugin"
BACKENDS = ("cython_sgd", "jax_sgd")
DATA = "synthetic[users=200,items=100,ratings=6000]"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of a venv that sees this environment, this checkout and the plugin."""
    place = tmp_path_factory.mktemp("plugin")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "venv"], check=True)
    python = place / "venv/bin/python"
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(
        subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    )
    (packages / "parent.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    source = shutil.copytree(PLUGIN, place / "source")  # a build leaves files behind
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    subprocess.run([*pip, jax_requirement(), str(source)], check=True)
    return python


def jax_requirement():
    return re.search(r'^jax = \["(.*)"\]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]


@pytest.fixture
def mfbench(python, tmp_path):
    def call(*arguments):
        done = subprocess.run(
            [python, "-m", "bench", *arguments],
            cwd=tmp_path,
            env=os.environ | {"MFBENCH_DATA": str(tmp_path / "cache"), "OMP_NUM_THREADS": "4"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_an_installed_backend_is_listed_beside_those_of_the_tree(mfbench):
    names = [line for line in mfbench("list").splitlines() if not line.startswith(" ")]
    assert {"cython_sgd", "jax_sgd", "numba_sgd"} <= set(names)


@pytest.mark.parametrize("name", BACKENDS)
def test_it_passes_every_check(mfbench, name):
    assert " 0 failed" in mfbench("check", name)


def test_it_walks_the_blocks_of_numba_sgd_with_any_number_of_threads(mfbench):
    spec = "[order=blocks]"
    found = mfbench("agree", "-b", f"cython_sgd{spec}", "-b", f"numba_sgd{spec}", "-d", DATA)
    assert "All agree." in found
    assert found.count("same bits") == 2
    (line,) = re.findall(r"cython_sgd\[order=blocks\].*1 2 4.*agrees", found)[:1]
    J, factors = re.findall(r"[\d.]+e[-+]\d+|\b0\b", line)[:2]
    assert float(J) <= 1e-9
    assert float(factors) <= 1e-9


@pytest.mark.parametrize("name", BACKENDS)
def test_it_races_against_the_best_of_the_tree(mfbench, tmp_path, name):
    spec = f"{name}{dict(cython_sgd='[order=blocks]', jax_sgd='[batch=64]')[name]}"
    race = ["-b", spec, "-b", "numba_sgd", "-d", DATA, "--epochs", "3", "-r", "3"]
    assert "convergence-" in mfbench("run", *race, "--threads", "1")
    found = load(tmp_path / "results/local")
    assert {(r.case.backend, r.status) for r in found} == {(spec, "ok"), ("numba_sgd", "ok")}
