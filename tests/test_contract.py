"""What goes in is validated, frozen and hashed; what a backend can't honour it refuses."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from made import random_problem

from mfimpls.contract import (
    Backend,
    Caps,
    Factors,
    Hyper,
    Option,
    Problem,
    Ratings,
    Unsupported,
    backend,
    unknown,
)

WRONG_SETTINGS = [
    ({"rank": 0}, "rank must be a whole number of at least 1, not 0."),
    ({"rank": 2.0}, "rank must be a whole number of at least 1, not 2.0."),
    ({"rank": True}, "rank must be a whole number of at least 1, not True."),
    ({"batch": 0}, "batch must be a whole number of at least 1, not 0."),
    ({"seed": -1}, "seed must be a whole number of at least 0, not -1."),
    ({"reg": -0.1}, "reg must be a finite number of at least 0, not -0.1."),
    ({"reg": "0.1"}, "reg must be a finite number of at least 0, not '0.1'."),
    ({"reg_bias": float("nan")}, "reg_bias must be a finite number of at least 0, not nan."),
    ({"init_std": float("inf")}, "init_std must be a finite number of at least 0, not inf."),
    ({"lr": 0.0}, "lr must be a finite number above 0, not 0.0."),
    ({"lr": float("nan")}, "lr must be a finite number above 0, not nan."),
    ({"decay": -1.0}, "decay must be a finite number above 0, not -1.0."),
    ({"dropout": 1.0}, "dropout must be at least 0 and below 1, not 1.0."),
    ({"biases": 1}, "biases must be true or false, not 1."),
    ({"optimizer": "adma"}, "Unknown optimizer 'adma'; did you mean adam?"),
    ({"order": "sorted"}, "Unknown order 'sorted'; known: blocks, shuffle."),
    ({"dtype": "float16"}, "Unknown dtype 'float16'; did you mean float64?"),
]


@pytest.mark.parametrize(("wrong", "sentence"), WRONG_SETTINGS)
def test_a_wrong_setting_is_named_in_one_sentence(wrong, sentence):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        Hyper(**wrong)
    assert str(error.value) == sentence


def test_replace_validates_too():
    with pytest.raises(ValueError, match="rank"):
        replace(Hyper(), rank=0)


def test_values_are_frozen():
    problem = random_problem()
    for value, name in ((Hyper(), "seed"), (problem, "mean"), (problem.train, "users")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, 1)


def test_ratings_are_copied_and_frozen():
    users, items, ratings = np.array([0, 1]), np.array([1, 0]), np.array([3.5, 4])
    part = Ratings.of(users, items, ratings)
    users[0] = 9
    assert [c.dtype for c in part.columns] == [np.int32, np.int32, np.float32]
    assert part.users[0] == 0
    for column in part.columns:
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


@pytest.mark.parametrize(
    "columns",
    [
        ([0, 1], [0], [3.0]),
        ([[0]], [[0]], [[3.0]]),
    ],
)
def test_ratings_of_unequal_or_nested_columns_are_refused(columns):
    with pytest.raises(ValueError, match=r"Ratings\.of|one length"):
        Ratings.of(*columns)


def test_thawed_or_strided_columns_are_refused():
    good = random_problem().train
    with pytest.raises(ValueError, match=r"Ratings\.of"):
        replace(good, users=good.users.copy())
    strided = np.zeros((len(good), 2), np.int32)[:, 0]
    strided.flags.writeable = False
    with pytest.raises(ValueError, match=r"Ratings\.of"):
        replace(good, users=strided)


def test_ids_beyond_int32_are_refused():
    with pytest.raises(ValueError, match="int32"):
        Ratings.of(np.array([2**31]), np.array([0]), np.array([1.0]))


def test_problem_derives_mean_and_hash():
    one, other = random_problem(seed=1), random_problem(seed=2)
    assert one.mean == pytest.approx(one.train.ratings.mean())
    assert one.sha256 == random_problem(seed=1).sha256 != other.sha256
    swapped = Problem.of("random", one.test, one.train, (one.n_users, one.n_items))
    assert swapped.sha256 != one.sha256


@pytest.mark.parametrize("users", [[-1], [3]])
def test_ids_outside_the_shape_are_refused(users):
    part = Ratings.of(users, [0], [1.0])
    with pytest.raises(ValueError, match="toy has ids outside 0 to 2"):
        Problem.of("toy", part, part, (3, 1))


def test_a_problem_needs_a_training_rating():
    empty = Ratings.of([], [], [])
    with pytest.raises(ValueError, match="toy has no training ratings"):
        Problem.of("toy", empty, empty, (1, 1))


def test_copies_of_factors_share_nothing():
    one = Factors(np.ones((2, 1)), np.ones((3, 1)), np.ones(2), np.ones(3)).frozen()
    other = one.copy("float32")
    assert all(a.flags.writeable and a.dtype == np.float32 for a in other.arrays)
    assert not any(np.shares_memory(a, b) for a, b in zip(one.arrays, one.copy().arrays))


def test_unknown_offers_the_nearest_or_lists_all():
    assert (
        unknown("fruit", "aple", ["apple", "pear"]) == "Unknown fruit 'aple'; did you mean apple?"
    )
    assert unknown("fruit", "x", ["pear", "apple"]) == "Unknown fruit 'x'; known: apple, pear."
    assert unknown("fruit", "x", []) == "Unknown fruit 'x'; known: none."


@backend(
    "toy",
    path="sgd",
    uses=("lr", "optimizer"),
    optimizers=("sgd", "adam"),
    dtypes=("float32",),
    options=(Option("grid", 8, "blocks per side", (8, 16)),),
)
def toy(problem, hyper, init):
    """First line.

    More.
    """
    yield lambda: hyper


REFUSALS = [
    ({"device": "cuda"}, "toy has no device cuda; it has cpu."),
    ({"dtype": "float64"}, "toy has no dtype float64; it has float32."),
    ({"batch": 8}, "toy does not use batch; leave out batch=8."),
    ({"dropout": 0.5}, "toy does not use dropout; leave out dropout=0.5."),
    ({"order": "blocks"}, "toy does not use order; leave out order=blocks."),
    ({"optimizer": "adagrad"}, "toy has no optimizer adagrad; it has sgd, adam."),
    ({"options": {"grd": 8}}, "toy: Unknown option 'grd'; did you mean grid?"),
    ({"options": {"grid": 8.0}}, "toy: grid takes a int, not 8.0."),
    ({"options": {"grid": 9}}, "toy: grid must be one of 8, 16, not 9."),
]


@pytest.mark.parametrize(("settings", "sentence"), REFUSALS)
def test_what_is_not_declared_is_refused_when_asked_for(settings, sentence):
    problem = random_problem()
    hyper = Hyper(**settings)
    assert toy.refusal(hyper) == sentence
    with pytest.raises(Unsupported) as error:
        toy.fit(problem, hyper, None)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "settings", [{}, {"lr": 0.5}, {"optimizer": "adam"}, {"rank": 3, "reg": 0.0, "biases": False}]
)
def test_what_is_declared_or_defines_the_loss_is_taken(settings):
    assert toy.refusal(Hyper(**settings)) is None


def test_options_arrive_with_their_defaults():
    problem = random_problem()
    assert next(toy.fit(problem, Hyper(), None))().options == {"grid": 8}
    chosen = Hyper(options={"grid": 16})
    assert next(toy.fit(problem, chosen, None))().options == {"grid": 16}


def test_a_backend_says_what_it_is():
    assert (toy.name, toy.summary) == ("toy", "First line.")
    assert toy.caps.optimizers == ("sgd", "adam")
    assert Backend("mute", Caps(path="x"), lambda *_: iter(())).summary == ""


def test_a_backend_without_biases_refuses_them_and_says_what_to_do():
    none = backend("none", path="p", takes_biases=False)(lambda problem, hyper, init: iter(()))
    assert none.refusal(Hyper()) == "none has no biases; add -s biases=false, for all to compare."
    assert none.refusal(Hyper(biases=False)) is None
