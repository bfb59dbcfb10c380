"""Traps that others fell into, each a test: on every adapter whose library is here, on the judge.

What follows from declared capabilities is asked of all peers alike, so a new adapter is asked too.
Spark's has a process and tests of its own.
"""

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from fake_records import record

from bench import worker
from bench.guards import guards
from bench.measure import Clocks, Limits, measure
from mfimpls import objective, registry
from mfimpls.conformance.reference import sgd
from mfimpls.conformance.seeds import limited
from mfimpls.conformance.setting import difference, fitting, settings, small_problem, start, walk
from mfimpls.conformance.suspects import file_order
from mfimpls.contract import Factors, Hyper, Predictions, Problem, Ratings, Unsupported

FOLDER = Path(registry.__file__).parent / "peers"
EPOCHS = 30


def peers(wanted=lambda caps: True):
    """Names of adapters by what they declare, read without their libraries."""
    every = [registry.declared(path.stem) for path in sorted(FOLDER.glob("[!_]*.py"))]
    return [b.name for b in every if "pyspark" not in b.caps.requires and wanted(b.caps)]


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with limited(1):
        yield


@pytest.fixture
def peer(name):
    """The adapter, skipped where its library is not here or where it takes no ratings."""
    if absent := registry.declared(name).missing:
        pytest.skip(f"{' '.join(absent)} is not installed")
    try:
        backend = registry.load(name)
        problem, hyper = small_problem(), quick(backend)
        next(backend.fit(problem, hyper, start(problem, hyper)))
    except (ImportError, Unsupported) as error:
        pytest.skip(str(error))
    return backend


def quick(backend, **changes):
    """Settings under which every peer learns a small problem in EPOCHS."""
    return settings(backend, **{"reg": 0.02, "reg_bias": 0.02} | changes)


def apart(scale=1.0, n=20):
    """Friendly and stern users, good and bad items: 1, 3 or 5 stars, times `scale`. Ids come in an
    order of their own, and some have no rating.
    """
    rng = np.random.default_rng(4)
    users, items = (3 + 2 * rng.permutation(n) for _ in range(2))
    u, i = np.divmod(rng.permutation(n * n), n)
    stars = 1.0 + 2 * (u % 2) + 2 * (i % 2)
    held = rng.random(n * n) < 0.2
    parts = [Ratings.of(users[u[k]], items[i[k]], scale * stars[k]) for k in (~held, held)]
    return Problem.of("apart", *parts, (2 * n + 5, 2 * n + 5))


def end_of(backend, problem):
    """What it shows after EPOCHS; of one that refits, after a single run of so many."""
    hyper = quick(backend)
    with fitting(backend.fit, problem, hyper, start(problem, hyper)) as steps:
        next(steps)
        if backend.caps.refits:
            return steps.send(EPOCHS)()
        return list(islice(steps, EPOCHS))[-1]()


def errors(problem, shown):
    """Test RMSE, and that of the mean predictor."""
    mean = Predictions(np.full(len(problem.test), problem.mean))
    judged = (objective.evaluate(problem, Hyper(), found) for found in (shown, mean))
    return [found.test_rmse for found in judged]


def predicted(problem, shown):
    if isinstance(shown, Predictions):
        return shown.test
    return objective.predict(problem.mean, shown, problem.test.users, problem.test.items)


# Ids of the wrong type, or of another row: a silent mean, or worse.


@pytest.mark.parametrize("name", peers())
def test_a_peer_learns_under_our_ids(peer):
    problem = apart()
    found, of_the_mean = errors(problem, end_of(peer, problem))
    assert found < 0.5 * of_the_mean


def by_name(problem, hyper, init):
    """An adapter with the bug: it trained on ids that are text, and asks for numbers."""
    trained = {str(u): 1.0 for u in problem.train.users}
    yield init.copy
    while True:
        bias = np.array([trained.get(u, 0.0) for u in range(problem.n_users)])
        zeros = [np.zeros_like(a) for a in (init.P, init.Q, init.c)]
        yield Factors(zeros[0], zeros[1], bias, zeros[2]).copy


def by_first_appearance(problem, hyper, init):
    """An adapter with the other bug: rows as the library numbered them, not as we do."""
    users, items = map(first_seen, problem.train.columns[:2])
    for snapshot in sgd(problem, hyper, init):
        right, wrong = snapshot(), init.copy()
        wrong.P[: len(users)], wrong.b[: len(users)] = right.P[users], right.b[users]
        wrong.Q[: len(items)], wrong.c[: len(items)] = right.Q[items], right.c[items]
        yield wrong.copy


def first_seen(ids):
    return ids[np.sort(np.unique(ids, return_index=True)[1])]


@pytest.mark.parametrize("fit", [by_name, by_first_appearance])
def test_an_adapter_that_mixes_up_ids_is_flagged_as_no_better_than_the_mean(fit):
    problem = apart()
    hyper = Hyper(rank=3, reg=0.02, reg_bias=0.02, lr=0.02, dtype="float64")
    m = measure(
        lambda: fit(problem, hyper, start(problem, hyper)),
        lambda shown: objective.evaluate(problem, hyper, shown),
        Limits(epochs=5),
    )
    facts = worker._facts(problem)
    flags = guards(record(points=tuple(m.points), problem=facts, effective_cores=math.nan))
    assert any("no better than the mean" in flag for flag in flags)


# Unseen ids.


@pytest.mark.parametrize("name", peers())
def test_unseen_ids_are_predicted_within_the_scale(peer):
    problem = apart()
    seen = np.unique(problem.train.users), np.unique(problem.train.items)
    new_user, new_item = (np.setdiff1d(np.arange(problem.n_users), ids) for ids in seen)
    known_user, known_item = (ids[: len(new_user)] for ids in seen)
    users = np.concatenate([new_user, new_user, known_user[: len(new_item)]])
    items = np.concatenate([new_item[: len(new_user)], known_item, new_item])
    cold = replace(problem, test=Ratings.of(users, items, np.full(len(users), 3.0)))
    found = predicted(cold, end_of(peer, cold))
    assert np.isfinite(found).all()
    assert found.min() > 0
    assert found.max() < 6


# SGD that never shuffles.


@pytest.mark.parametrize(
    "name", peers(lambda caps: "lr" in caps.uses and caps.takes_init and "order" not in caps.uses)
)
def test_a_peer_whose_steps_depend_on_no_seed_declares_one_order(peer):
    problem, hyper = small_problem(), quick(peer)
    init = start(problem, hyper)
    one, other = (
        walk(peer.fit, problem, replace(hyper, seed=seed), 2, init)[-1] for seed in (5, 6)
    )
    assert peer.caps.shuffles == (difference(one, other)[1] > 1e-4)


@pytest.mark.parametrize("name", peers(lambda caps: not caps.shuffles and caps.takes_init))
def test_a_peer_that_never_shuffles_walks_in_one_order_known_to_the_reader(peer):
    problem, hyper = small_problem(), quick(peer, biases=peer.caps.takes_biases)
    init = start(problem, hyper)
    written = replace(hyper, reg_bias=hyper.reg, dtype="float64")
    found = walk(peer.fit, problem, hyper, 2, init)
    expected = walk(
        lambda *arguments: sgd(*arguments, orders=file_order), problem, written, 2, init
    )
    assert difference(found[-1], expected[-1])[1] < 1e-5


def test_what_never_shuffles_is_told_by_its_records():
    assert any(not registry.declared(name).caps.shuffles for name in peers())
    assert "never shuffles" in worker.NO_SHUFFLE


# How the judge counts.


def two_users():
    """Nine ratings by one user, one by another."""
    users, items = [0] * 9 + [1], [*range(9), 0]
    test = Ratings.of(users, items, np.full(10, 3.0))
    return replace(small_problem(), test=test, mean=3.0)


def test_errors_are_pooled_over_ratings_and_not_averaged_per_user():
    off = np.array([4.0] * 9 + [6.0])  # errors of 1, and one of 3
    found = objective.evaluate(two_users(), Hyper(), Predictions(off))
    assert found.test_rmse == pytest.approx(((9 * 1 + 9) / 10) ** 0.5)
    assert found.test_mae == pytest.approx(1.2)
    per_user = (1 + 3) / 2
    assert abs(found.test_rmse - per_user) > 0.5


@pytest.mark.parametrize("rhat", [-2.0, 9.0])
def test_the_judge_never_clips(rhat):
    problem = two_users()
    off = abs(rhat - 3.0)
    shown = Predictions(np.full(10, rhat))
    assert objective.evaluate(problem, Hyper(), shown).test_rmse == pytest.approx(off)
    zeros = [np.zeros((n, 1)) for n in (problem.n_users, problem.n_items)]
    factors = Factors(*zeros, np.full(problem.n_users, rhat - 3.0), np.zeros(problem.n_items))
    assert objective.evaluate(problem, Hyper(), factors).test_rmse == pytest.approx(off)


@pytest.mark.parametrize("name", peers())
def test_no_peer_clips_to_the_ratings_that_it_saw(peer):
    # Who would give -1 where 1 is the least gives 1; what fits that goes below it here and there.
    rng = np.random.default_rng(7)
    wish = 3 + rng.normal(0, 1.5, (30, 1)) + rng.normal(0, 1.5, 20)
    users, items = np.divmod(rng.permutation(wish.size), 20)
    stars = wish[users, items].clip(1, 5)
    parts = (
        Ratings.of(*(a[k] for a in (users, items, stars))) for k in (slice(450), slice(450, 600))
    )
    problem = Problem.of("from 1 to 5", *parts, wish.shape)
    assert predicted(problem, end_of(peer, problem)).min() < 0.97


@pytest.mark.parametrize("name", peers())
def test_a_peer_shows_numbers_on_the_scale_of_the_ratings(peer):
    problem = apart(scale=10.0)
    found, of_the_mean = errors(problem, end_of(peer, problem))
    assert found < 0.6 * of_the_mean


# The first epoch.


@pytest.mark.parametrize("name", peers(lambda caps: caps.takes_init and not caps.predicts))
def test_a_peer_trains_every_factor_from_its_first_epoch(peer):
    problem, hyper = apart(), quick(peer, rank=20)
    before, after = walk(peer.fit, problem, hyper, 1)
    for a, b in ((before.P, after.P), (before.Q, after.Q)):
        assert (np.abs(a - b).max(axis=0) > 1e-6).all()


def test_the_judge_sees_what_an_epoch_left_untrained():
    # An epoch on half of the factors is a worse J than one on all, and none is made up for it.
    problem = apart()
    hyper = Hyper(rank=20, reg=0.02, reg_bias=0.02, lr=0.02, dtype="float64")
    init = start(problem, hyper)
    whole = walk(sgd, problem, hyper, 1, init)[-1]
    half = whole.copy()
    half.P[:, 10:], half.Q[:, 10:] = init.P[:, 10:], init.Q[:, 10:]
    losses = [objective.J(problem, hyper, factors) for factors in (init, half, whole)]
    assert len(set(losses)) == 3


# Threads within threads.


def test_threads_nested_in_the_threads_that_were_granted_are_flagged():
    wall, granted, nested = [0.0], 2, 2  # each of two threads opens two of BLAS
    problem, hyper = small_problem(), Hyper(rank=3)

    def steps():
        while True:
            yield start(problem, hyper).copy
            wall[0] += 1.0

    m = measure(
        steps,
        lambda shown: objective.evaluate(problem, hyper, shown),
        Limits(epochs=3),
        clocks=Clocks(wall=lambda: wall[0], cpu=lambda: granted * nested * wall[0]),
    )
    points = tuple(replace(p, test_rmse=p.test_rmse / (1 + p.epoch)) for p in m.points)
    found = record(points=points, effective_cores=m.effective_cores)
    assert found.case.threads == granted
    (flag,) = guards(found)
    assert flag.startswith("it kept 4.00 cores busy where 2 threads were granted")
