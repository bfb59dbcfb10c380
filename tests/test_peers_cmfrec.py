"""cmfrec's ALS, exact and with conjugate gradients: the same J as ours. Slow: only .ci/run
installs it.
"""

import numpy as np
import pytest
from peers_held import hold, judged, trained

from mfimpls import load, objective
from mfimpls.conformance import learning, setting

pytestmark = pytest.mark.slow
cmfrec = pytest.importorskip("cmfrec")
NAMES = ("cmfrec", "cmfrec_cg")
OF_A_COMMON_START = {"float64 is float64", "step follows the judge", "follows its path"}


@pytest.mark.parametrize("name", NAMES)
def test_it_passes_every_check_that_its_capabilities_allow(name):
    failed, left_out = hold(name)
    assert not failed
    assert left_out >= OF_A_COMMON_START
    assert not left_out & {"reaches a stationary point", "mean is constant", "repeats"}


def test_it_ends_in_a_minimum_of_J_as_deep_as_that_of_our_als():
    problem, hyper, init, found = trained("cmfrec", 400)
    assert objective.stationarity(problem, hyper, found, init) < 1e-4
    ours = setting.last(load("numpy_als").fit, problem, hyper, 400, init)
    loss, least = (objective.J(problem, hyper, f) for f in (found, ours))
    assert loss == pytest.approx(least, rel=0.01)  # minima are several


def test_without_scale_lam_it_would_minimise_another_loss(monkeypatch):
    kept = cmfrec.CMF
    monkeypatch.setattr(cmfrec, "CMF", lambda scale_lam, **rest: kept(scale_lam=False, **rest))
    problem, hyper, init, found = trained("cmfrec", learning.CONVERGED_EPOCHS)
    wrong = objective.stationarity(problem, hyper, found, init)
    assert wrong > 3 * learning.STATIONARITY_BOUND


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_judge_sees_what_cmfrec_itself_predicts(monkeypatch, dtype):
    models = []
    fit = cmfrec.CMF.fit

    def fitted(self, *arguments, **keywords):
        models.append(fit(self, *arguments, **keywords))
        return models[-1]

    monkeypatch.setattr(cmfrec.CMF, "fit", fitted)
    problem, *_, found = trained("cmfrec", 5, dtype=dtype)
    score, part = judged(problem, found)
    assert models[-1].glob_mean_ == pytest.approx(problem.mean, rel=1e-6)
    own = models[-1].predict(part.users, part.items) - part.ratings
    assert score == pytest.approx(float(np.sqrt(np.square(own).mean())), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_one_and_two_threads_have_the_same_bits(monkeypatch, name):
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        found.append(trained(name, 3, dtype="float32")[3])
    assert setting.same_bits(*found)
