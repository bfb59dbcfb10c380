"""Surprise's SVD: textbook SGD user by user, seen by the judge as by itself. Slow: only .ci/run
installs it.
"""

import numpy as np
import pytest
from peers_held import hold, judged, seen, trained

from mfimpls.conformance import setting
from mfimpls.peers import surprise_svd

pytestmark = pytest.mark.slow
surprise = pytest.importorskip("surprise", reason="pip install scikit-surprise")


def test_it_passes_every_check_that_its_capabilities_allow():
    failed, left_out = hold("surprise_svd")
    assert not failed
    assert "reaches a stationary point" not in left_out


def test_the_judge_sees_what_surprise_itself_predicts_unclipped():
    problem, hyper, _, found = trained("surprise_svd", 5)
    score, part = judged(problem, found)
    trainset = surprise_svd.trainset_of(problem, True)
    model = surprise.SVD(
        n_factors=hyper.rank, n_epochs=5, init_std_dev=hyper.init_std, lr_all=hyper.lr,
        reg_pu=hyper.reg, reg_qi=hyper.reg, reg_bu=hyper.reg_bias, reg_bi=hyper.reg_bias,
        random_state=hyper.seed,
    ).fit(trainset)  # fmt: skip
    users, items, ratings = (column.tolist() for column in part.columns)
    own = [model.predict(u, i, clip=False).est for u, i in zip(users, items)]
    assert score == pytest.approx(np.sqrt(np.mean(np.square(np.subtract(own, ratings)))), rel=1e-9)


def test_ids_of_another_type_would_be_unknown_and_silently_the_mean():
    # Why the adapter reads factors by Surprise's own numbers, and predicts nothing with it.
    problem, *_ = trained("surprise_svd", 1)
    trainset = surprise_svd.trainset_of(problem, True)
    model = surprise.SVD(n_factors=3, n_epochs=5, random_state=0).fit(trainset)
    user, item = (int(column[seen(problem)][0]) for column in problem.test.columns[:2])
    assert model.predict(str(user), str(item)).est == pytest.approx(problem.mean)
    assert model.predict(user, item).est != pytest.approx(problem.mean)


def test_without_biases_the_mean_is_still_there():
    problem, _, _, found = trained("surprise_svd", 20, biases=False)
    assert not found.b.any()
    centred = surprise_svd.trainset_of(problem, False).global_mean
    assert centred == pytest.approx(0, abs=1e-6)


def test_two_runs_have_the_same_bits():
    first, second = (trained("surprise_svd", 3)[3] for _ in range(2))
    assert setting.same_bits(first, second)
