"""Each split holds out what its name says, the same for everybody."""

from __future__ import annotations

import numpy as np
import pytest

from bench.problems import DataError
from bench.problems.splits import Split, held_out
from bench.problems.table import Table

N = 1_000
RNG = np.random.default_rng(7)
PAIRS = np.sort(RNG.permutation(50 * 40)[:N])
TABLE = Table(
    users=(PAIRS // 40).astype(np.int32),
    items=(PAIRS % 40).astype(np.int32),
    ratings=RNG.normal(size=N).astype(np.float32),
    n_users=50,
    n_items=40,
    times=RNG.integers(0, 500, N),
)


def cut(kind: str, value: str, seed: int = 0, table: Table = TABLE) -> np.ndarray:
    return held_out(table, Split(kind, value, seed), "the table")


def test_holdout_takes_its_share() -> None:
    assert cut("holdout", "0.1").sum() == 100


@pytest.mark.parametrize(
    ("kind", "value"), [("holdout", "0.1"), ("fold", "2/5"), ("leave_out", "3")]
)
def test_the_seed_and_nothing_else_decides_a_random_split(kind: str, value: str) -> None:
    assert np.array_equal(cut(kind, value), cut(kind, value))
    assert not np.array_equal(cut(kind, value), cut(kind, value, seed=1))


def test_folds_are_disjoint_and_cover_the_table() -> None:
    folds = np.stack([cut("fold", f"{k}/3") for k in (1, 2, 3)])
    assert (folds.sum(axis=0) == 1).all()
    assert folds.sum(axis=1).tolist() == [334, 333, 333]


def test_leave_out_takes_as_many_of_each_user_who_has_more() -> None:
    degrees = np.bincount(TABLE.users, minlength=50)
    count = int(np.median(degrees))
    taken = np.bincount(TABLE.users[cut("leave_out", str(count))], minlength=50)
    assert np.array_equal(taken, np.where(degrees > count, count, 0))


def test_time_trains_on_the_oldest() -> None:
    mask = cut("time", "0.8")
    assert TABLE.times is not None
    assert mask.sum() == 200
    assert TABLE.times[~mask].max() <= TABLE.times[mask].min()


def test_time_needs_times() -> None:
    timeless = Table(TABLE.users, TABLE.items, TABLE.ratings, 50, 40)
    with pytest.raises(DataError, match="needs a timestamp"):
        cut("time", "0.8", table=timeless)


def test_official_fifths_are_runs_of_rows() -> None:
    for k in range(1, 6):
        assert np.flatnonzero(cut("official", f"u{k}")).tolist() == list(
            range(200 * (k - 1), 200 * k)
        )


def test_official_ua_and_ub_are_the_first_and_second_ten_of_each_user() -> None:
    shuffled = RNG.permutation(N)
    table = Table(TABLE.users[shuffled], TABLE.items[shuffled], TABLE.ratings[shuffled], 50, 40)
    ua, ub = cut("official", "ua", table=table), cut("official", "ub", table=table)
    for user in range(50):
        rows = np.flatnonzero(table.users == user)
        assert np.flatnonzero(ua & (table.users == user)).tolist() == rows[:10].tolist()
        assert np.flatnonzero(ub & (table.users == user)).tolist() == rows[10:20].tolist()


@pytest.mark.parametrize(
    ("kind", "value", "part"),
    [("holdout", "0.0001", "test"), ("holdout", "0.9999", "training"), ("leave_out", "40", "test")],
)
def test_a_split_that_empties_a_part_is_refused(kind: str, value: str, part: str) -> None:
    with pytest.raises(DataError, match=f"{kind}={value} leaves no {part} rating among the 1000"):
        cut(kind, value)
