"""Synthetic ratings are reproducible, unique, skewed as asked, and carry a true noise floor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.problems.catalog import make, request
from bench.problems.pairs import _by_keys, _by_rejection, degrees
from bench.problems.synthetic import Synthetic
from bench.problems.table import Table
from mfimpls import Problem

SMALL = Synthetic(users=300, items=200, ratings=9_000, rank=4)


def table(**options: object) -> Table:
    return Synthetic(**{**vars(SMALL), **options}).load(False, print)  # type: ignore[arg-type]


def problem(spec: str) -> Problem:
    return make(request(spec))


def test_sizes_are_as_asked_and_pairs_are_unique() -> None:
    t = table()
    assert (len(t), t.n_users, t.n_items) == (9_000, 300, 200)
    assert len(set(zip(t.users.tolist(), t.items.tolist(), strict=True))) == 9_000
    assert np.bincount(t.users, minlength=300).min() >= 1


def test_every_pair_can_be_asked_for() -> None:
    t = table(users=20, items=10, ratings=200)
    assert len(set(zip(t.users.tolist(), t.items.tolist(), strict=True))) == 200


def test_the_seed_and_nothing_else_decides() -> None:
    again, other = table(), table(seed=1)
    assert np.array_equal(table().ratings, again.ratings)
    assert np.array_equal(table().items, again.items)
    assert not np.array_equal(table().items, other.items)


def test_ratings_are_half_stars_unless_told_otherwise() -> None:
    assert set(table().ratings.tolist()) <= set(np.arange(0.5, 5.1, 0.5).tolist())
    assert len(set(table(stars=False).ratings.tolist())) > 1_000


def test_popularity_skews_the_items_and_activity_the_users() -> None:
    def top_tenth(ids: np.ndarray) -> float:
        counts = np.sort(np.bincount(ids))[::-1]
        return float(counts[: len(counts) // 10].sum() / counts.sum())

    even, skewed = table(popularity=0, activity=0), table()
    assert top_tenth(even.items) < 0.15 < 0.25 < top_tenth(skewed.items)
    assert top_tenth(even.users) < 0.11 < 0.25 < top_tenth(skewed.users)


def test_the_planted_rank_is_the_rank_of_the_noiseless_ratings() -> None:
    t = table(
        users=30, items=20, ratings=600, rank=3, noise=0, user_bias=0, item_bias=0, stars=False
    )
    full = np.zeros((30, 20))
    full[t.users, t.items] = t.ratings - 3.5
    values = np.linalg.svd(full, compute_uv=False)
    assert values[2] > 0.1
    assert values[3] < 1e-5


def test_the_noise_floor_without_rounding_is_the_noise() -> None:
    floor = problem("synthetic[stars=false,noise=0.8]").noise_floor
    assert floor == pytest.approx(0.8, rel=0.03)


def test_without_noise_the_truth_predicts_the_stars_exactly() -> None:
    assert problem("synthetic[noise=0]").noise_floor == pytest.approx(0, abs=1e-6)


def test_no_rescaling_of_the_planted_score_beats_the_noise_floor() -> None:
    """The floor allows for rounding and cutting, which the raw score does not."""
    t = table(users=900, items=600, ratings=100_000)
    assert t.expected is not None
    truth = t.expected.__self__  # type: ignore[attr-defined]
    score = truth.score(t.users, t.items)
    design = np.stack([np.ones(len(t)), score, score**2, score**3], axis=1)
    fitted = design @ np.linalg.lstsq(design, t.ratings.astype(np.float64), rcond=None)[0]
    floor = np.std(t.ratings - t.expected(t.users, t.items))
    assert floor < np.std(t.ratings - fitted) < np.std(t.ratings - score)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(
    users=st.integers(2, 60),
    items=st.integers(2, 60),
    share=st.floats(0.01, 1.0),
    sigma=st.floats(0.0, 5.0),
)
def test_degrees_add_up_and_fit(users: int, items: int, share: float, sigma: float) -> None:
    ratings = max(2, round(share * users * items))
    per_user = degrees(ratings, users, items, sigma, np.random.default_rng(0))
    assert per_user.sum() == ratings
    assert per_user.max() <= items
    assert per_user.min() >= (1 if ratings >= users else 0)


def test_both_ways_to_draw_items_have_the_same_distribution() -> None:
    """Two items for each of many users; how often each item is among them."""
    popularity = np.array([0.5, 0.3, 0.15, 0.05])
    per_user = np.full(20_000, 2)
    shares = [
        np.bincount(draw(per_user, popularity, np.random.default_rng(0))) / len(per_user)
        for draw in (_by_rejection, _by_keys)
    ]
    first = popularity[:, None] * popularity / (1 - popularity[:, None])
    exact = popularity + first.sum(axis=0) - first.diagonal()
    assert shares[0] == pytest.approx(exact, abs=0.01)
    assert shares[1] == pytest.approx(exact, abs=0.01)


@pytest.mark.slow
def test_ten_million_ratings_stay_within_2_gb(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from bench.problems import materialise; "
        "materialise('synthetic[size=l]'); "
        "unit = 2**20 if sys.platform == 'darwin' else 2**10; "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"MFBENCH_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 2_000
