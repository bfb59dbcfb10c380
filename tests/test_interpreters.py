"""Cases with another interpreter: asked for or installed, checked before anything runs."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import interpreters, venvs
from bench.__main__ import main
from bench.records import load
from bench.specs import SpecError

RUN = ["run", "-d", "synthetic[users=40,items=30,ratings=500]", "-s", "rank=3", "--epochs", "2",
       "--threads", "1", "-r", "1"]  # fmt: skip
MODULE = "only_in_the_venv"
BACKEND = f'''"""A backend whose library lives in an environment of its own."""
from mfimpls import Factors, backend


@backend("housed", path="still", requires=("{MODULE}",))
def housed(problem, hyper, init):
    """Asks its library, and stays where it started."""
    import {MODULE}

    assert {MODULE}.ANSWER == 42
    while True:
        yield init.copy
'''


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Path("housed.py").write_text(BACKEND)


@pytest.fixture(scope="session")
def venv(tmp_path_factory):
    """An environment with this one's packages, and one module more."""
    folder = tmp_path_factory.mktemp("venvs") / "peer"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "core.pth").write_text(sysconfig.get_path("purelib"))
    (packages / f"{MODULE}.py").write_text("ANSWER = 42\n")
    return folder


def mfbench(*arguments):
    return CliRunner().invoke(main, list(arguments), prog_name="mfbench")


def test_a_case_runs_with_the_interpreter_that_was_named_and_its_record_says_so(venv):
    result = mfbench(*RUN, "-b", "housed.py", "-b", "numpy_als", "--env", f"housed.py={venv}")
    assert f"housed.py runs with {venv}/bin/python" in result.output
    first, second = sorted(load(Path("results/local")), key=lambda r: r.case.backend)
    assert (first.status, first.env.interpreter) == ("ok", f"{venv}/bin/python")
    assert (second.status, second.env.interpreter) == ("ok", "")


def test_an_installed_environment_is_used_unless_told_otherwise(venv, tmp_path):
    folder = venvs.folder_of("housed.py")
    folder.parent.mkdir(parents=True)
    folder.symlink_to(venv)
    assert venvs.installed("housed.py") == ""  # half made
    (folder / venvs.MADE).write_text("{}")
    try:
        assert "1 new" in mfbench(*RUN, "-b", "housed.py").output
        assert load(Path("results/local"))[0].env.interpreter == f"{folder}/bin/python"
        told = mfbench(*RUN, "-b", "housed.py", "--env", f"housed.py={sys.executable}")
    finally:
        (folder / venvs.MADE).unlink()
    assert told.exit_code == 2
    assert f"needs {MODULE}" in told.output


def test_another_interpreter_makes_a_stored_result_stale(venv):
    run = [*RUN, "-b", "numpy_als"]
    mfbench(*run)
    assert "0 of 1 cases" in mfbench(*run, "-n").output
    assert "its interpreter changed" in mfbench(*run, "-n", "--env", f"numpy_als={venv}").output


def test_the_other_interpreter_sees_this_code_and_not_this_ones_packages(venv, monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (folder,) = interpreters.environment(f"{venv}/bin/python")["PYTHONPATH"].split(os.pathsep)
    assert sorted(path.name for path in Path(folder).iterdir()) == ["bench", "mfimpls"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("numpy_als", "'numpy_als' names no interpreter; write BACKEND=PYTHON."),
        ("numpy_sgd={python}", "Unknown backend of this run 'numpy_sgd'; did you mean numpy_als?"),
        ("numpy_als=/nowhere/python", "There is no interpreter /nowhere/python"),
        ("numpy_als=/bin/true", "/bin/true is no Python that starts"),
        ("numpy_als={bare}", "can't run a case: it lacks numpy"),
    ],
)
def test_a_bad_interpreter_is_one_sentence_and_exit_code_2(tmp_path, text, sentence):
    if "{bare}" in text:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", "bare"], check=True)
    asked = text.format(python=sys.executable, bare=tmp_path / "bare")
    result = mfbench(*RUN, "-b", "numpy_als", "--env", asked)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output
    assert not Path("results").exists()


def test_what_is_needed_to_run_a_case_is_all_that_the_worker_imports():
    script = "import sys, bench.worker; print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          check=True, env={**interpreters.environment("")})  # fmt: skip
    loaded = set(done.stdout.split())
    assert set(interpreters.CORE) <= loaded
    assert not loaded & {"torch", "numba", "pandas", "click", "rich", "matplotlib", "packaging"}


def test_a_peers_environment_holds_its_extra_and_what_a_case_needs():
    needed = venvs.requirements("spark_als")
    names = {text.partition(">")[0].partition("[")[0] for text in needed}
    assert names == {"pyspark", *interpreters.CORE}
    assert venvs.requirements("jax_sgd")[-1].startswith("jax")
    with pytest.raises(SpecError, match="numpy_als has no extra to install"):
        venvs.requirements("numpy_als")


def test_a_failed_install_is_one_sentence_and_leaves_nothing_in_use(monkeypatch):
    monkeypatch.setattr(venvs, "requirements", lambda name: ["./no-such-folder"])
    result = mfbench("peers", "install", "numpy_als")
    assert result.exit_code == 2
    assert "numpy_als could not be installed" in result.output
    assert venvs.installed("numpy_als") == ""


def test_what_is_installed_where_is_listed():
    result = mfbench("peers", "list")
    assert result.exit_code == 0
    assert "spark_als" in result.output
    assert "numpy_als" not in result.output


@pytest.mark.slow
@pytest.mark.network
def test_a_peer_is_installed_for_real_and_runs():
    made = mfbench("peers", "install", "jax_sgd")
    assert made.exit_code == 0, made.output
    meta = json.loads((venvs.folder_of("jax_sgd") / venvs.MADE).read_text())
    assert any(text.startswith("jax") for text in meta["requirements"])
    result = mfbench(*RUN, "-b", "jax_sgd")
    assert result.exit_code == 0, result.output
    (record,) = load(Path("results/local"))
    assert record.env.interpreter == venvs.installed("jax_sgd")
