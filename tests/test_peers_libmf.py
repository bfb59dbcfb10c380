"""LIBMF: which one is used, what is read of its files, and the same J as ours.

What needs LIBMF itself is skipped where LIBMF_OBJ names no library: docs/peers.md says why that of
PyPI will not do.
"""

import importlib.util
import os
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from peers_held import hold, judged, trained

from bench.__main__ import main
from mfimpls import Hyper, load
from mfimpls.conformance import setting
from mfimpls.contract import Unsupported
from mfimpls.peers import _libmf, libmf_residuals

LIBRARY = os.environ.get("LIBMF_OBJ", "")
built = pytest.mark.skipif(not LIBRARY, reason="set LIBMF_OBJ to a libmf.so that was built here")
OWN = {"library": LIBRARY, "bins": 20}
NAMES = ("libmf", "libmf_residuals")

STAND_IN = """#!{python}
# Writes the model that LIBMF's README describes: factors of ones, and F for what was never seen.
import sys

rank, (ratings, model) = int(sys.argv[sys.argv.index("-k") + 1]), sys.argv[-2:]
rows = [line.split() for line in open(ratings)]
with open(model, "w") as out:
    print("f 0", "m 0", "n 0", f"k {{rank}}", "b 0", sep="\\n", file=out)
    for side, prefix in enumerate("pq"):
        ids = {{int(row[side]) for row in rows}}
        for i in range(max(ids) + 1):
            print(f"{{prefix}}{{i}}", "FT"[i in ids], *["01"[i in ids]] * rank, file=out)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A stand-in for mf-train alone on the path, and no package."""
    path = tmp_path / "bin" / "mf-train"
    path.parent.mkdir()
    path.write_text(STAND_IN.format(python=sys.executable))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent))
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == "libmf" else found(n))
    return path


def test_a_library_of_ones_own_goes_first_then_the_package_then_the_program(program, monkeypatch):
    assert _libmf.find("my.so") == (_libmf.Path("my.so"), "my.so")
    assert _libmf.find("") == (program, "mf-train")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ModuleNotFoundError, match="no program mf-train"):
        _libmf.find("")


@pytest.mark.parametrize(
    ("machine", "code", "says"),
    [
        ("x86_64", b"\x90\xc5\xfc\x52\xc0" * 3, "built with AVX"),
        ("x86_64", b"\xc4\xc1\x7c\x52\x00" * 3, "built with AVX"),
        ("x86_64", b"\xc5\xfc\x52\xc0" + b"\x0f\x52\xc0" * 9, "built without AVX"),
        ("aarch64", b"\xc5\xfc\x52\xc0" * 3, "AVX unknown"),
    ],
)
def test_avx_is_read_from_the_machine_code(tmp_path, monkeypatch, machine, code, says):
    monkeypatch.setattr(_libmf.platform, "machine", lambda: machine)
    (tmp_path / "libmf.so").write_bytes(bytes(40) + code)
    assert _libmf.instructions(tmp_path / "libmf.so") == says


@pytest.mark.parametrize("name", NAMES)
def test_the_programs_factors_come_back_and_unseen_rows_keep_their_start(program, name):
    problem, _, init, found = trained(name, 2)
    rated = np.unique(problem.train.users), np.unique(problem.train.items)
    for table, start, rows in zip((found.P, found.Q), (init.P, init.Q), rated):
        others = np.setdiff1d(np.arange(len(table)), rows)
        assert (table[rows] == 1).all()
        assert np.array_equal(table[others], start[others])
        assert setting.EMPTY_USER in others or setting.EMPTY_ITEM in others


def test_the_program_gets_the_threads_of_the_case_and_enough_blocks(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "16")
    chosen = _libmf.settings(Hyper(lr=0.2, options={"bins": 20}))
    assert (chosen["nr_threads"], chosen["nr_bins"]) == (16, 33)


@pytest.mark.parametrize("library", ["nowhere.so", "libm.so.6"])
def test_a_library_that_is_no_libmf_is_refused_with_a_sentence(library):
    with pytest.raises(Unsupported, match=f"{library} is no LIBMF that can be used"):
        trained("libmf", 1, options={"library": library, "bins": 20})


def test_the_program_or_a_library_will_do_where_the_package_is_not(program, monkeypatch, tmp_path):
    assert load("libmf").missing == []
    monkeypatch.setenv("PATH", "")
    assert load("libmf").missing == ["libmf"]
    monkeypatch.chdir(tmp_path)
    data = ["-d", "synthetic[users=60,items=40,ratings=1500]", "-s", "biases=false", "-n"]
    done = CliRunner().invoke(main, ["run", "-b", "libmf", *data])
    assert done.exit_code == 2
    assert "it needs libmf: pip install 'libmf>=0.9'" in done.output
    done = CliRunner().invoke(main, ["run", "-b", "libmf[library=my.so]", *data])
    assert done.exit_code == 0, done.output


def test_a_damped_mean_is_a_sum_over_a_count_and_the_damping():
    ids, values = np.array([0, 0, 2]), np.array([1.0, 2.0, 6.0])
    found = libmf_residuals.damped_means(ids, values, 1.0, np.full(4, 9.0))
    assert found == pytest.approx([1.0, 9.0, 3.0, 9.0])
    assert found.dtype == np.float32


@pytest.mark.slow
@built
@pytest.mark.parametrize("name", NAMES)
def test_it_passes_every_check_that_its_capabilities_allow(name):
    failed, left_out = hold(name, library=LIBRARY)
    assert not failed
    judged_by_J = {"reaches a stationary point", "mean is constant"}
    assert judged_by_J & left_out == (judged_by_J if name == "libmf_residuals" else set())


@pytest.mark.slow
@built
def test_the_judge_sees_what_libmf_itself_predicts(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # with more, two runs differ
    problem, hyper, _, found = trained("libmf", 5, options=OWN)
    score, part = judged(problem, found)
    library = _libmf.opened(LIBRARY)
    library.mf_predict.restype = _libmf.ctypes.c_float
    nodes = np.empty(len(problem.train), _libmf.NODE)
    nodes["user"], nodes["item"] = problem.train.users, problem.train.items
    nodes["rating"] = problem.train.ratings - np.float32(problem.mean)
    given = _libmf.Problem(problem.n_users, problem.n_items, len(nodes), nodes.ctypes.data)
    kind = library.mf_train.argtypes[1]
    chosen = kind(**_libmf.settings(hyper), nr_iters=5, quiet=True, copy_data=True)
    model = library.mf_train(given, chosen)
    users, items, ratings = (column.tolist() for column in part.columns)
    own = [problem.mean + library.mf_predict(model, u, i) for u, i in zip(users, items)]
    library.mf_destroy_model(model)
    assert score == pytest.approx(np.sqrt(np.mean(np.square(np.subtract(own, ratings)))), rel=1e-6)


@pytest.mark.slow
@built
def test_without_biases_the_residuals_are_the_ratings(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    *_, plain = trained("libmf", 3, options=OWN)
    *_, residual = trained("libmf_residuals", 3, biases=False, options=OWN | {"damping": 5.0})
    assert setting.same_bits(plain, residual)


@pytest.mark.slow
@built
def test_the_first_epoch_trains_eight_factors_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    after = {
        (lr, epochs): trained("libmf", epochs, rank=12, lr=lr, options=OWN)[3].P
        for lr in (0.1, 0.2)
        for epochs in (1, 2)
    }
    for epochs, late_ones_differ in ((1, False), (2, True)):
        one, other = after[0.1, epochs], after[0.2, epochs]
        assert not np.array_equal(one[:, :8], other[:, :8])
        assert np.array_equal(one[:, 8:], other[:, 8:]) != late_ones_differ
