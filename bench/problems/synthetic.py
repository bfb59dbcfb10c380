"""Synthetic ratings with a planted truth: popularity, activity, biases, factors and noise.

    rating_ui = mean + b_u + c_i + p_u . q_i + noise * N(0, 1), rounded to half stars and cut to
    0.5..5 unless stars=false

Users rate a log-normal number of items each. Which ones: drawn without replacement, item by item,
with the probabilities of a Zipf-Mandelbrot law, 1 / (place + items / 100) ** popularity, which at
popularity=1 gives the middle and the tail of MovieLens 100K. Work is vectorised over chunks of
users, so the memory in use is little more than the ratings themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.problems.errors import DataError
from bench.problems.pairs import degrees, distinct_items
from bench.problems.specs import changes, option
from bench.problems.table import MOST_IDS, Array, Say, Table

SIZES = {"s": (943, 1682, 100_000), "m": (6040, 3706, 1_000_000), "l": (69878, 10677, 10_000_000)}
RECIPE = "1"  # changes when the same options would give other ratings
CHUNK = 1 << 18  # ratings; part of the recipe, since it orders the random draws
STARS = np.arange(0.5, 5.1, 0.5, dtype=np.float32)


@dataclass(frozen=True)
class Synthetic:
    """The options of a synthetic table; sizes are those of MovieLens 100K, 1M and 10M."""

    size: str = option("s", "preset of users, items and ratings", choices=tuple(SIZES), shown=True)
    users: int = option(SIZES["s"][0], "users", least=2, most=MOST_IDS)
    items: int = option(SIZES["s"][1], "items", least=2, most=MOST_IDS)
    ratings: int = option(SIZES["s"][2], "ratings", least=2)
    rank: int = option(16, "planted factors", least=1)
    signal: float = option(0.6, "standard deviation of p_u . q_i", least=0)
    user_bias: float = option(0.4, "standard deviation of b_u", least=0)
    item_bias: float = option(0.5, "standard deviation of c_i", least=0)
    mean: float = option(3.5, "constant part of every rating")
    noise: float = option(0.8, "standard deviation of the noise", least=0)
    popularity: float = option(1.0, "exponent of the items' power law", least=0)
    activity: float = option(1.0, "sigma of the log-normal ratings per user", least=0, most=5)
    stars: bool = option(True, "round to half stars and cut to 0.5..5")
    seed: int = option(0, "seed of the whole table", least=0)

    @classmethod
    def preset(cls, size: str) -> Synthetic:
        """The defaults at a size."""
        users, items, ratings = SIZES[size]
        return cls(size=size, users=users, items=items, ratings=ratings)

    def options(self) -> dict[str, str]:
        """The fewest options that give this table: those that differ from the nearest preset."""
        nearest = min(SIZES, key=lambda size: len(changes(self.preset(size), self)))
        spelled = changes(self.preset(nearest), replace(self, size=nearest))
        if {"users", "items", "ratings"} <= spelled.keys():
            del spelled["size"]
        return spelled

    def __post_init__(self) -> None:
        if self.ratings > self.users * self.items:
            raise DataError(
                f"{self.users} users and {self.items} items have {self.users * self.items} pairs, "
                f"too few for {self.ratings} ratings."
            )

    def fingerprint(self) -> str:
        return f"{RECIPE} {self}"

    def load(self, needs_times: bool, say: Say) -> Table:
        """Draw the table. There are no times; the expected ratings are the planted truth's."""
        rng = np.random.default_rng(self.seed)
        truth = Truth.draw(self, rng)
        per_user = degrees(self.ratings, self.users, self.items, self.activity, rng)
        weights = (np.arange(1, self.items + 1) + self.items / 100) ** -self.popularity
        popularity = rng.permutation(weights / weights.sum())
        users = np.repeat(np.arange(self.users, dtype=np.int32), per_user)
        items = np.empty(len(users), np.int32)
        ratings = np.empty(len(users), np.float32)
        for first, last, rows in _chunks(per_user):
            items[rows] = distinct_items(per_user[first:last], popularity, rng)
            ratings[rows] = truth.rate(users[rows], items[rows], rng)
        return Table(users, items, ratings, self.users, self.items, expected=truth.expected)


def _chunks(per_user: Array) -> Iterator[tuple[int, int, slice]]:
    # Runs of whole users with about CHUNK ratings each: first and last user, and their rows.
    ends = np.concatenate([[0], np.cumsum(per_user)])
    first = 0
    while first < len(per_user):
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + CHUNK, side="right")) - 1)
        yield first, last, slice(int(ends[first]), int(ends[last]))
        first = last


@dataclass(frozen=True)
class Truth:
    """The planted parameters: P (users, rank), Q (items, rank), b (users,), c (items,), float32."""

    options: Synthetic
    P: NDArray[np.float32]
    Q: NDArray[np.float32]
    b: NDArray[np.float32]
    c: NDArray[np.float32]

    @classmethod
    def draw(cls, options: Synthetic, rng: np.random.Generator) -> Truth:
        scale = np.float32(options.signal**0.5 / options.rank**0.25)  # so that p.q has std signal

        def normal(*shape: int) -> NDArray[np.float32]:
            return rng.standard_normal(shape, np.float32)

        return cls(
            options,
            normal(options.users, options.rank) * scale,
            normal(options.items, options.rank) * scale,
            normal(options.users) * np.float32(options.user_bias),
            normal(options.items) * np.float32(options.item_bias),
        )

    def score(self, users: Array, items: Array) -> NDArray[np.float32]:
        """mean + b_u + c_i + p_u . q_i, (n,) float32."""
        score = self.b[users] + self.c[items] + np.float32(self.options.mean)
        score += np.einsum("nk,nk->n", self.P[users], self.Q[items])
        return score

    def rate(self, users: Array, items: Array, rng: np.random.Generator) -> Array:
        """Ratings as given, (n,) float32: the score with noise, in half stars if so asked."""
        noise = rng.standard_normal(len(users), np.float32) * np.float32(self.options.noise)
        ratings = self.score(users, items) + noise
        if self.options.stars:
            ratings = np.clip(np.rint(2 * ratings) / 2, STARS[0], STARS[-1])
        return ratings

    def expected(self, users: Array, items: Array) -> Array:
        """E[rating | truth], (n,) float32: no prediction has a lower expected squared error.

        With stars that is not the score, since rounding and cutting shift it: a rating is the
        lowest star plus half a star for each threshold that the noisy score passes.
        """
        from scipy.special import ndtr  # takes longer to import than all the rest

        score = self.score(users, items)
        if not self.options.stars:
            return score
        noise = max(self.options.noise, 1e-12)
        thresholds = (STARS[1:] + STARS[:-1]) / 2
        expected = np.full(len(score), STARS[0])
        for threshold in thresholds:
            expected += 0.5 * ndtr((score - threshold) / noise)
        return expected
