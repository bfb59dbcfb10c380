"""Adapters against their libraries: what the judge is shown is what the library's users would get.

Each library is optional: where it is not installed, its tests are skipped.
"""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from made import random_problem

from mfimpls import load, objective
from mfimpls.conformance import reference, refuses_ratings, verdicts
from mfimpls.conformance.seeds import limited
from mfimpls.conformance.setting import difference, settings, small_problem, start, walk, watch
from mfimpls.conformance.suspects import file_order
from mfimpls.contract import Hyper, Predictions, Ratings, Unsupported
from mfimpls.orders import initial_factors

FLOAT32 = 1e-5


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with limited(1):
        yield


@pytest.fixture
def problem():
    return small_problem()


def peer(name, library):
    pytest.importorskip(library)
    return load(name)


def predictions(problem, factors):
    return objective.predict(problem.mean, factors, problem.test.users, problem.test.items)


# Cornac, two backends of one class.


@pytest.fixture
def cornac_mf():
    return peer("cornac_mf", "cornac")


@pytest.fixture
def cornac_mf_torch():
    return peer("cornac_mf_torch", "cornac")


def cornac_data(problem, seed=None):
    """Ratings as a user of Cornac has them: triplets of names, in the file's order."""
    from cornac.data import Dataset

    users = {f"user {k}": k for k in range(problem.n_users)}
    items = {f"item {k}": k for k in range(problem.n_items)}
    triplets = [(f"user {u}", f"item {i}", float(r)) for u, i, r in zip(*problem.train.columns)]
    return Dataset.build(triplets, global_uid_map=users, global_iid_map=items, seed=seed)


def cornac_own(problem, hyper, epochs, **options):
    """Cornac's own model, trained in one call from the same start."""
    from cornac.models import MF

    P, Q, b, c = start(problem, hyper).copy("float32").arrays
    model = MF(
        k=hyper.rank, max_iter=epochs, learning_rate=hyper.lr, lambda_reg=hyper.reg,
        init_params={"U": P, "V": Q, "Bu": b, "Bi": c}, num_threads=1, **options,
    )  # fmt: skip
    return model.fit(cornac_data(problem, seed=hyper.seed))


def test_three_steps_of_cornac_are_three_epochs_of_cornac(problem, cornac_mf):
    hyper = settings(cornac_mf)
    found = walk(cornac_mf.fit, problem, hyper, 3)[-1]
    theirs = cornac_own(problem, hyper, 3)
    ours = [found.P, found.Q, found.b, found.c]
    for a, b in zip(ours, (theirs.u_factors, theirs.i_factors, theirs.u_biases, theirs.i_biases)):
        assert np.array_equal(a[: len(b)], b)
    scores = [theirs.score(u, i) for u, i in zip(problem.test.users, problem.test.items) if u != 7]
    known = problem.test.users != 7
    assert predictions(problem, found)[known] == pytest.approx(scores, rel=FLOAT32)


@pytest.mark.parametrize("biases", [True, False])
def test_cornac_walks_the_written_path_but_in_file_order_with_one_penalty(
    problem, cornac_mf, biases
):
    hyper = settings(cornac_mf, biases=biases)
    found = walk(cornac_mf.fit, problem, hyper, 2)
    written = replace(hyper, reg_bias=hyper.reg, dtype="float64", batch=1)

    def in_file_order(problem, hyper, init):
        return reference.sgd(problem, hyper, init, orders=file_order)

    init = start(problem, hyper)
    expected = walk(in_file_order, problem, written, 2, init)
    for one, other in zip(found, expected):
        assert difference(one, other)[1] < FLOAT32


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_steps_of_cornac_on_torch_are_epochs_of_one_fit_with_the_optimizers_state_kept(
    problem, cornac_mf_torch, solver
):
    hyper = settings(cornac_mf_torch, options={"solver": solver})
    found = walk(cornac_mf_torch.fit, problem, hyper, 3)[-1]
    theirs = cornac_own(
        problem, hyper, 3, backend="pytorch", optimizer=solver, batch_size=hyper.batch,
    )  # fmt: skip
    assert np.abs(found.P - theirs.u_factors).max() < FLOAT32
    assert np.abs(found.c - theirs.i_biases).max() < FLOAT32


def test_cornacs_two_backends_minimise_two_objectives(problem, cornac_mf, cornac_mf_torch):
    both = [cornac_mf, cornac_mf_torch]
    assert len({backend.caps.objective for backend in both}) == 2
    empty = [walk(b.fit, problem, settings(b), 3)[-1].P[7] for b in both]
    began = start(problem, settings(cornac_mf)).P[7]
    assert np.array_equal(empty[0], began.astype("float32"))
    assert np.linalg.norm(empty[1]) < 0.99 * np.linalg.norm(began)  # weight_decay moves every row


# LensKit.


@pytest.fixture
def lenskit_als():
    return peer("lenskit_als", "lenskit")


def test_without_biases_lenskit_walks_the_written_als(problem, lenskit_als):
    hyper = settings(lenskit_als, biases=False)
    found = walk(lenskit_als.fit, problem, hyper, 4)
    expected = walk(reference.als, problem, replace(hyper, dtype="float64"), 4, found[0])
    for factors in (*found[1:], *expected[1:]):  # rows without ratings are its own affair
        factors.P[7], factors.Q[5] = 0, 0
    assert max(difference(a, b)[1] for a, b in zip(found, expected)) < FLOAT32


def test_run_long_without_biases_lenskit_ends_in_a_minimum_of_J(problem, lenskit_als):
    hyper = settings(lenskit_als, biases=False)
    first, *_, end = walk(lenskit_als.fit, problem, hyper, 150)
    assert objective.stationarity(problem, hyper, end, first) < 1e-3


def test_lenskit_predicts_what_the_judge_does(problem, lenskit_als):
    from lenskit.als import BiasedMFScorer
    from lenskit.data import ItemList
    from lenskit.training import TrainingOptions

    from mfimpls.peers.lenskit_als import dataset

    hyper = settings(lenskit_als)
    found = walk(lenskit_als.fit, problem, hyper, 3)[-1]
    theirs = BiasedMFScorer(embedding_size=hyper.rank, regularization=hyper.reg)
    trainer = theirs.create_trainer(dataset(problem), TrainingOptions())
    init = start(problem, hyper).copy("float32")
    trainer.load_parameters({"user_embeddings": init.P, "item_embeddings": init.Q})
    for _ in range(3):
        trainer.train_epoch()
    scores = [
        theirs(int(u), ItemList([int(i)])).scores()[0]
        for u, i in zip(problem.test.users, problem.test.items)
    ]
    assert predictions(problem, found) == pytest.approx(scores, rel=FLOAT32)


def test_lenskit_shrinks_its_means_as_it_is_told(problem, lenskit_als):
    few, many = (
        walk(lenskit_als.fit, problem, settings(lenskit_als, options={"damping": d}), 1)[-1].c
        for d in (1.0, 100.0)
    )
    assert np.abs(many).max() < 0.5 * np.abs(few).max()


def test_lenskit_refuses_a_reg_of_zero(problem, lenskit_als):
    hyper = settings(lenskit_als, reg=0.0)
    with pytest.raises(Unsupported, match="lenskit_als needs a reg above 0; numba_als takes 0"):
        next(lenskit_als.fit(problem, hyper, initial_factors(problem, hyper)))


# myFM.


@pytest.fixture
def myfm():
    try:
        return peer("myfm", "myfm")
    except ModuleNotFoundError as error:  # its 0.4 needs an old setuptools
        pytest.skip(str(error))


@pytest.mark.parametrize("sweeps", [1, 4, 7, 10, 14])
def test_the_mean_after_k_sweeps_is_that_of_myfm_trained_for_k(problem, myfm, sweeps):
    from myfm import MyFMGibbsRegressor

    from mfimpls.peers.myfm import one_hot

    hyper = settings(myfm)
    found = watch(myfm.fit, problem, hyper, sweeps)[-1]
    theirs = MyFMGibbsRegressor(hyper.rank, hyper.init_std, random_seed=hyper.seed)
    shapes = [problem.n_users, problem.n_items]
    train, test = (one_hot(problem, part) for part in (problem.train, problem.test))
    theirs.fit(train, problem.train.ratings, n_iter=sweeps, group_shapes=shapes)
    assert found.test == pytest.approx(theirs.predict(test), rel=1e-12)


def test_myfm_has_no_factors_to_show_and_says_so(problem, myfm):
    assert myfm.caps.predicts
    judged = objective.evaluate(problem, Hyper(), watch(myfm.fit, problem, settings(myfm), 1)[-1])
    assert np.isnan(judged.J)


def test_myfm_runs_where_there_is_nothing_to_predict(problem, myfm):
    blind = replace(problem, test=Ratings.of([], [], []))
    found = watch(myfm.fit, blind, settings(myfm), 2)
    assert all(isinstance(shown, Predictions) and len(shown.test) == 0 for shown in found)


# implicit.


@pytest.fixture
def implicit_als():
    return peer("implicit_als", "implicit")


def test_implicit_refuses_ratings_in_a_sentence_that_says_what_to_use(implicit_als):
    sentence = refuses_ratings(implicit_als)
    assert "fits which items were rated, not how" in sentence
    assert "use numba_als or lenskit_als" in sentence


def test_no_weight_makes_implicit_fit_the_ratings(implicit_als):
    """Why it is refused: it fits all rated cells to 1, whatever they were rated."""
    problem = random_problem(n_users=20, n_items=15, n=220, seed=3)
    hyper = settings(implicit_als, biases=False, reg=1e-3, rank=8, options={"sweeps": True})
    for alpha in (1, 1e4):
        train = Ratings.of(*problem.train.columns[:2], (problem.train.ratings + 6) * alpha)
        weighted = replace(problem, train=train)
        end = walk(implicit_als.fit, weighted, hyper, 40)[-1]
        fitted = np.einsum("nk,nk->n", end.P[train.users], end.Q[train.items])
        assert abs(np.median(fitted) - 1) < 0.1
        assert abs(np.corrcoef(fitted, train.ratings)[0, 1]) < 0.9


@pytest.mark.parametrize("solver", ["cg", "exact"])
def test_sweeps_of_implicit_are_iterations_of_its_fit(problem, implicit_als, solver):
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy import sparse

    options = {"sweeps": True, "solver": solver}
    hyper = settings(implicit_als, biases=False, options=options, dtype="float32")
    first, *_, found = walk(implicit_als.fit, problem, hyper, 3)
    theirs = AlternatingLeastSquares(
        hyper.rank, hyper.reg, use_cg=solver == "cg", iterations=3, num_threads=1
    )
    theirs.user_factors, theirs.item_factors = first.P.copy(), first.Q.copy()
    users, items, ratings = problem.train.columns
    shape = (problem.n_users, problem.n_items)
    theirs.fit(sparse.csr_matrix((ratings, (users, items)), shape), show_progress=False)
    assert np.abs(found.P - theirs.user_factors).max() < FLOAT32
    assert np.abs(found.Q - theirs.item_factors).max() < FLOAT32


def test_no_blas_thread_runs_inside_the_threads_of_implicit(problem, implicit_als, monkeypatch):
    import threadpoolctl
    from implicit.cpu.als import AlternatingLeastSquares

    seen = []

    def spy(*arguments, **options):
        seen.append({p["num_threads"] for p in threadpoolctl.threadpool_info()
                     if p["user_api"] == "blas"})  # fmt: skip

    monkeypatch.setattr(AlternatingLeastSquares, "solver", property(lambda self: spy))
    hyper = settings(implicit_als, biases=False, options={"sweeps": True})
    with threadpoolctl.threadpool_limits(4, "blas"):
        steps = implicit_als.fit(problem, hyper, initial_factors(problem, hyper))
        list(islice(steps, 3))
        after = {p["num_threads"] for p in threadpoolctl.threadpool_info()
                 if p["user_api"] == "blas"}  # fmt: skip
    assert seen == [{1}] * 4
    assert 4 in after  # and the caller's setting is the caller's again


# All of them.


@pytest.mark.filterwarnings("ignore:Using a target size")  # Cornac, of a batch of one rating
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("cornac_mf", "cornac"),
        ("cornac_mf_torch", "cornac"),
        ("lenskit_als", "lenskit"),
        ("myfm", "myfm"),
    ],
)
def test_a_peer_keeps_the_contract(name, library):
    backend = peer(name, library)
    assert not [(v.check, v.message) for v in verdicts(backend) if v.status == "failed"]
