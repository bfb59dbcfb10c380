"""The interface between an implementation and whoever runs it: what goes in, what comes out, what
is declared.

A backend is one generator function, made into a `Backend` by the decorator::

    @backend("numpy_sgd", path="sgd", uses=("lr", "decay", "batch", "order"))
    def numpy_sgd(problem, hyper, init):
        P, Q, b, c = ...              # set-up: timed as setup_s
        yield snapshot                # ready, nothing trained: snapshot() equals init
        while True:
            ...                       # exactly one pass over problem.train
            yield snapshot            # the device is idle

The caller owns the loop, the clock, stopping, evaluation and logging. The backend owns one epoch.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Value = bool | int | float | str


class Unsupported(ValueError):
    """What was asked for is declared out of the backend's reach; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Observed cells: users (n,) int32, items (n,) int32, ratings (n,) float32; C-order and
    read-only.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    ratings: NDArray[np.float32]

    @classmethod
    def of(cls, users: ArrayLike, items: ArrayLike, ratings: ArrayLike) -> Ratings:
        """Copy any three equally long arrays into the contract's dtypes and freeze the copies.

        Raises ValueError for ids that int32 can't hold.
        """
        limits = np.iinfo(np.int32)
        for ids in (users, items):
            if np.size(ids) and not limits.min <= np.min(ids) <= np.max(ids) <= limits.max:
                raise ValueError(f"ids must fit int32; renumber them from 0, not {np.max(ids)}.")
        columns = (
            np.array(users, np.int32),
            np.array(items, np.int32),
            np.array(ratings, np.float32),
        )
        for column in columns:
            column.flags.writeable = False
        return cls(*columns)

    def __post_init__(self) -> None:
        if not len(self.users) == len(self.items) == len(self.ratings):
            raise ValueError("users, items and ratings must have one length.")
        for column, dtype in zip(self.columns, (np.int32, np.int32, np.float32), strict=True):
            plain = column.ndim == 1 and column.flags.c_contiguous and not column.flags.writeable
            if column.dtype != dtype or not plain:
                raise ValueError("Ratings takes frozen 1-d arrays; build it with Ratings.of.")

    @property
    def columns(self) -> tuple[Array, Array, Array]:
        return self.users, self.items, self.ratings

    def __len__(self) -> int:
        return len(self.ratings)


@dataclass(frozen=True, slots=True)
class Problem:
    """A training and a test part of one rating matrix, and what identifies them.

    `mean` is the float64 mean of the training ratings, `sha256` covers sizes and both parts' bytes,
    `noise_floor` is the test RMSE of the planted truth where the data are synthetic. `task` names
    the judge.
    """

    name: str
    train: Ratings
    test: Ratings
    n_users: int
    n_items: int
    mean: float
    sha256: str
    noise_floor: float | None = None
    task: str = "ratings"

    @classmethod
    def of(
        cls,
        name: str,
        train: Ratings,
        test: Ratings,
        shape: tuple[int, int],
        noise_floor: float | None = None,
    ) -> Problem:
        """Derive mean and hash. Raises ValueError for no ratings or ids outside `shape`."""
        if len(train) == 0:
            raise ValueError(f"{name} has no training ratings.")
        for part in (train, test):
            for ids, size in zip(part.columns[:2], shape, strict=True):
                if len(ids) and (ids.min() < 0 or ids.max() >= size):
                    raise ValueError(f"{name} has ids outside 0 to {size - 1}.")
        digest = hashlib.sha256(repr(tuple(map(int, shape))).encode())
        for column in train.columns + test.columns:
            digest.update(np.ascontiguousarray(column).data)
        mean = float(train.ratings.mean(dtype=np.float64))
        return cls(
            name, train, test, int(shape[0]), int(shape[1]), mean, digest.hexdigest(), noise_floor
        )


@dataclass(frozen=True, slots=True)
class Factors:
    """P (n_users, rank), Q (n_items, rank), b (n_users,), c (n_items,); one floating dtype, on the
    host.
    """

    P: Array
    Q: Array
    b: Array
    c: Array

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        return self.P, self.Q, self.b, self.c

    def copy(self, dtype: str | None = None) -> Factors:
        """Writable C-order copies that share nothing with this, cast to `dtype` if given."""
        return Factors(*(np.array(a, dtype or a.dtype, order="C") for a in self.arrays))

    def frozen(self) -> Factors:
        for a in self.arrays:
            a.flags.writeable = False
        return self


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a library that shows no factors predicts, on the scale of the ratings: test (n_test,) in
    the order of problem.test; train (n_train,) in that of problem.train, where it predicts those.
    """

    test: Array
    train: Array | None = None

    @property
    def arrays(self) -> tuple[Array, ...]:
        return (self.test,) if self.train is None else (self.test, self.train)

    def copy(self) -> Predictions:
        """Writable copies that share nothing with this."""
        return Predictions(*(np.array(a) for a in self.arrays))


DTYPES = ("float32", "float64")
OPTIMIZERS = ("sgd", "adagrad", "rowwise_adagrad", "adam")
ORDERS = ("shuffle", "blocks")


@dataclass(frozen=True, kw_only=True)
class Hyper:
    """What defines J and the walk down it. Validated; raises ValueError with one sentence.

    rank        latent factors, at least 1
    reg         penalty on p_u and q_i, once per rating
    reg_bias    penalty on b_u and c_i, once per rating
    biases      False pins b and c at zero
    init_std    standard deviation of the normal start of P and Q; b and c start at zero
    lr, decay   step size in epoch t (from 0) is lr * decay**t
    batch       ratings per step; 1 is textbook per-rating SGD
    optimizer   sgd, adagrad, rowwise_adagrad or adam, as defined in docs/objective.md
    dropout     probability of dropping a component of p_u * q_i in training
    order       sample order: shuffle or blocks (mfimpls.orders)
    seed        of the start, the order and the dropout
    dtype       float32 or float64 arithmetic
    device      where to run: cpu or cuda
    options     what one backend alone has, declared in its Caps
    """

    rank: int = 16
    reg: float = 0.05
    reg_bias: float = 0.01
    biases: bool = True
    init_std: float = 0.1
    lr: float = 0.01
    decay: float = 1.0
    batch: int = 1
    optimizer: str = "sgd"
    dropout: float = 0.0
    order: str = "shuffle"
    seed: int = 0
    dtype: str = "float32"
    device: str = "cpu"
    options: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, low in (("rank", 1), ("batch", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise ValueError(f"{name} must be a whole number of at least {low}, not {value!r}.")
        for name in ("reg", "reg_bias", "init_std"):
            value = getattr(self, name)
            if not _is_number(value) or value < 0:
                raise ValueError(f"{name} must be a finite number of at least 0, not {value!r}.")
        for name in ("lr", "decay"):
            value = getattr(self, name)
            if not _is_number(value) or value <= 0:
                raise ValueError(f"{name} must be a finite number above 0, not {value!r}.")
        if not _is_number(self.dropout) or not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.dropout!r}.")
        if not isinstance(self.biases, bool):
            raise ValueError(f"biases must be true or false, not {self.biases!r}.")
        for name, known in (("optimizer", OPTIMIZERS), ("order", ORDERS), ("dtype", DTYPES)):
            if getattr(self, name) not in known:
                raise ValueError(unknown(name, getattr(self, name), known))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One sentence for a name that is not among the known ones, offering the nearest."""
    known = sorted(known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}."
    return f"Unknown {kind} {name!r}; {hint}"


@dataclass(frozen=True, slots=True)
class Option:
    """A setting that one backend alone has; its type is that of its default."""

    name: str
    default: Value
    help: str
    choices: tuple[Value, ...] = ()

    def refusal(self, value: Value) -> str | None:
        if type(value) is not type(self.default):
            return f"{self.name} takes a {type(self.default).__name__}, not {value!r}."
        if self.choices and value not in self.choices:
            return f"{self.name} must be one of {', '.join(map(str, self.choices))}, not {value!r}."
        return None


@dataclass(frozen=True, kw_only=True)
class Caps:
    """What a backend declares; tests, messages and tables derive from it, never from its name.

    path           update-rule family: backends of one path walk the same steps
    uses           fields of Hyper, beyond those that define J, that change what it does
    monotone       J never rises from one epoch to the next
    deterministic  the same seed gives the same bits, whatever the number of threads
    requires       importable modules that it needs beside the core
    predicts       shows Predictions, at first the mean, and no factors: J is absent
    shuffles       where it takes steps, visits the ratings in an order that is not the file's
    instead        programs on the path, or options of its own, that do in place of what it requires
    refits         can't be stepped: its n-th epoch trains n epochs from scratch (mfimpls.refit)
    takes_init     starts at `init`; where not, it draws a start of its own and walks no common path
    takes_biases   can learn b and c; where not, biases=True is refused
    objective      J, or a short clause that names what it minimises instead
    """

    path: str
    uses: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)
    dtypes: tuple[str, ...] = DTYPES
    optimizers: tuple[str, ...] = ("sgd",)
    orders: tuple[str, ...] = ("shuffle",)
    monotone: bool = False
    deterministic: bool = True
    options: tuple[Option, ...] = ()
    requires: tuple[str, ...] = ()
    predicts: bool = False
    shuffles: bool = True
    instead: tuple[str, ...] = ()
    refits: bool = False
    takes_init: bool = True
    takes_biases: bool = True
    objective: str = "J"

    @property
    def minimises_J(self) -> bool:
        """Whether an end that is no stationary point of J is a fault."""
        return self.objective == "J"

    @property
    def walks_a_common_path(self) -> bool:
        """Whether members of its path can be held to it number by number."""
        return self.minimises_J and self.takes_init


Shown = Factors | Predictions
Snapshot = Callable[[], Shown]
"""Cheap to yield. Copies and transfers happen when it is called, off the clock; the result aliases
no live state.
"""


class Fit(Protocol):
    def __call__(self, problem: Problem, hyper: Hyper, init: Factors) -> Iterator[Snapshot]:
        """First yield: ready, snapshot() equals init, or the mean where caps.predicts. Each later
        yield: exactly one more pass done, device idle.
        """


EVERYONE_USES = frozenset(
    ("rank", "reg", "reg_bias", "biases", "init_std", "seed", "dtype", "device", "options")
)


@dataclass(frozen=True)
class Backend:
    """A named competitor: its declared capabilities and its generator function."""

    name: str
    caps: Caps
    generator: Fit

    @property
    def summary(self) -> str:
        """First line of the generator's docstring."""
        return (self.generator.__doc__ or "").strip().split("\n")[0]

    @property
    def missing(self) -> list[str]:
        """Modules that it requires and that are not installed here; nothing is imported."""
        if any(map(shutil.which, self.caps.instead)):
            return []
        return [name for name in self.caps.requires if importlib.util.find_spec(name) is None]

    def refusal(self, hyper: Hyper) -> str | None:
        """Why this backend can't honour `hyper`, as one sentence; None if it can."""
        caps = self.caps
        for kind, value, able in (
            ("device", hyper.device, caps.devices),
            ("dtype", hyper.dtype, caps.dtypes),
        ):
            if value not in able:
                return f"{self.name} has no {kind} {value}; it has {', '.join(able)}."
        if hyper.biases and not caps.takes_biases:
            return f"{self.name} has no biases; add -s biases=false, for all to compare."
        for f in fields(Hyper):
            value = getattr(hyper, f.name)
            if f.name not in EVERYONE_USES | set(caps.uses) and value != f.default:
                return f"{self.name} does not use {f.name}; leave out {f.name}={value}."
        for kind, value, able in (
            ("optimizer", hyper.optimizer, caps.optimizers),
            ("order", hyper.order, caps.orders),
        ):
            if kind in caps.uses and value not in able:
                return f"{self.name} has no {kind} {value}; it has {', '.join(able)}."
        known = {option.name: option for option in caps.options}
        for name, setting in hyper.options.items():
            if name not in known:
                return f"{self.name}: {unknown('option', name, known)}"
            if wrong := known[name].refusal(setting):
                return f"{self.name}: {wrong}"
        return None

    def fit(self, problem: Problem, hyper: Hyper, init: Factors) -> Iterator[Snapshot]:
        """Start training; raises Unsupported before the first step. See Fit for what it yields."""
        if sentence := self.refusal(hyper):
            raise Unsupported(sentence)
        defaults = {option.name: option.default for option in self.caps.options}
        return self.generator(problem, replace(hyper, options=defaults | dict(hyper.options)), init)


def backend(name: str, **caps: Any) -> Callable[[Fit], Backend]:
    """Decorator that makes a generator function a Backend; the keywords are those of Caps."""
    return lambda generator: Backend(name, Caps(**caps), generator)
