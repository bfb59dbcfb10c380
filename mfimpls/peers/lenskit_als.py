"""LensKit's BiasedMFScorer: exact ALS in Rust on what damped means leave of the ratings.

Ekstrand: LensKit for Python, CIKM 2020, doi:10.1145/3340531.3412778. Its biases are item means and
then user means, each shrunk by `damping` ratings of zero, learned once before the sweeps and never
again; reg_bias does not enter. Its ridge is reg times the ratings of a row, as in J, so with
biases=False (means shrunk to nothing) it walks our ALS, users first. Its trainer is stepped and
takes any start. Rows without ratings it sets to zero, which predicts from the means alone.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
from lenskit.als import BiasedMFScorer
from lenskit.data import DatasetBuilder
from lenskit.training import TrainingOptions

from mfimpls.contract import Factors, Option, Unsupported, backend


@backend(
    "lenskit_als",
    path="lenskit-als",
    dtypes=("float32",),
    requires=("lenskit", "pyarrow"),
    objective="J over P and Q, with b and c fixed at damped means",
    options=(Option("damping", 5.0, "ratings of zero that shrink the means"),),
)
def lenskit_als(problem, hyper, init):
    """Exact ALS by LensKit in Rust: the penalty of J, biases fixed at damped means."""
    if hyper.reg == 0:
        raise Unsupported("lenskit_als needs a reg above 0; numba_als takes 0.")
    scorer = BiasedMFScorer(
        embedding_size=hyper.rank,
        regularization=hyper.reg,
        damping=hyper.options["damping"] if hyper.biases else math.inf,
    )
    trainer = scorer.create_trainer(dataset(problem), TrainingOptions(rng=hyper.seed))
    P, Q, _, _ = init.copy("float32").arrays
    trainer.load_parameters({"user_embeddings": P, "item_embeddings": Q})
    live = Factors(P, Q, scorer.bias.user_biases, scorer.bias.item_biases)
    yield init.copy
    while True:
        trainer.train_epoch()
        yield live.copy


def dataset(problem):
    """The training ratings by number: every user and item is known, so ids are rows."""
    builder = DatasetBuilder()
    builder.add_entities("user", np.arange(problem.n_users))
    builder.add_entities("item", np.arange(problem.n_items))
    names = ("user_id", "item_id", "rating")
    table = pa.table(dict(zip(names, problem.train.columns)))
    builder.add_interactions("rating", table, entities=["user", "item"], default=True)
    return builder.build()
