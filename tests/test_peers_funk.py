"""funk-svd, or a stand-in for its kernel where it is not here, as it is in no package index.

The stand-in does what the README of funk-svd says that it does, a rating at a time.
"""

import importlib.util
import sys
from types import ModuleType

import pytest
from peers_held import trained

from mfimpls import load
from mfimpls.conformance import reference, setting
from mfimpls.contract import Unsupported
from mfimpls.objective import evaluate


def run_epoch(X, bu, bi, pu, qi, global_mean, n_factors, lr, reg):
    for u, i, r in X:
        u, i = int(u), int(i)
        e = r - global_mean - bu[u] - bi[i] - pu[u] @ qi[i]
        bu[u] += lr * (e - reg * bu[u])
        bi[i] += lr * (e - reg * bi[i])
        pu[u], qi[i] = (
            pu[u] + lr * (e * qi[i] - reg * pu[u]),
            qi[i] + lr * (e * pu[u] - reg * qi[i]),
        )
    return bu, bi, pu, qi


@pytest.fixture(autouse=True)
def here_or_stood_in_for(monkeypatch):
    if importlib.util.find_spec("funk_svd") is None:
        kernels = ModuleType("funk_svd.fast_methods")
        kernels._run_epoch = run_epoch
        monkeypatch.setitem(sys.modules, "funk_svd", ModuleType("funk_svd"))
        monkeypatch.setitem(sys.modules, "funk_svd.fast_methods", kernels)


def walks(**wanted):
    """Ours as written down, and theirs, over four epochs from one start in one order."""
    backend, problem = load("funk_svd"), setting.small_problem()
    hyper = setting.settings(backend, **wanted)
    init = setting.start(problem, hyper, bias_std=0.1)
    return [setting.walk(fit, problem, hyper, 4, init) for fit in (reference.sgd, backend.fit)]


def test_with_equal_penalties_it_walks_the_written_path():
    for expected, found in zip(*walks(reg=0.2, reg_bias=0.2)):
        assert setting.difference(found, expected)[1] < 1e-12


def test_with_others_it_walks_as_if_reg_were_for_the_biases_too():
    for expected, found in zip(walks(reg=0.2, reg_bias=0.2)[0], walks(reg=0.2, reg_bias=0.4)[1]):
        assert setting.difference(found, expected)[1] < 1e-12
    assert load("funk_svd").caps.objective == "J with reg in the place of reg_bias"


def test_it_learns():
    problem, hyper, init, found = trained("funk_svd", 20)
    before, after = (evaluate(problem, hyper, f).train_rmse for f in (init, found))
    assert after < 0.8 * before


def test_biases_cannot_be_left_out():
    with pytest.raises(Unsupported, match="funk_svd always learns biases"):
        trained("funk_svd", 1, biases=False)
