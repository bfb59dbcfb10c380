"""ALS of Spark MLlib: the ratings and the factors stay in Spark, embedded or on a cluster.

Spark's explicit ALS scales its penalty by the number of ratings of a row, which is J of
docs/objective.md without biases (Zhou et al. 2008), on ratings less their mean. It draws a start of
its own, solves items first, and can't be stepped: each point of the curve is a fit of its own.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from mfimpls.contract import Factors, Option, Unsupported, backend
from mfimpls.refit import refit

NOTES = logging.getLogger("mfimpls.notes")


@backend(
    "spark_als",
    path="spark-als",
    dtypes=("float32",),
    deterministic=False,
    requires=("pyspark", "pyarrow"),
    refits=True,
    takes_init=False,
    takes_biases=False,
    options=(
        Option(
            "master", "", "spark://host:port of a cluster; else embedded, on the case's threads"
        ),
        Option("parquet", "", "folder for the training ratings that all workers of a cluster see"),
        Option("blocks", 10, "blocks into which users and items are partitioned"),
    ),
)
def spark_als(problem, hyper, init):
    """ALS of Spark MLlib, embedded or on a cluster: exact sweeps, no biases, a start of its own."""
    master, folder = hyper.options["master"], hyper.options["parquet"]
    if master.startswith("spark:") and not folder:
        raise Unsupported("spark_als[master=...] needs parquet=FOLDER, which all workers can see.")
    with tempfile.TemporaryDirectory() as own:
        with plain_errors():
            session = session_of(master)
            session.sparkContext.setCheckpointDir(str(Path(folder or own).resolve()))
            ratings = distributed(session, problem, Path(folder or own))
            als = estimator(hyper)

        def train(epochs):
            with plain_errors():
                model = als.setMaxIter(epochs).fit(ratings)
            return functools.partial(collected, model, init)

        yield from refit(train, init)


def session_of(master):
    """The session of this process; starting its JVM takes seconds, which the warm-up pays."""
    from pyspark.sql import SparkSession

    threads = os.environ.get("OMP_NUM_THREADS", "1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.appName("mfbench")
        .master(master or f"local[{threads}]")
        .config("spark.cores.max", threads)  # of a cluster: the threads that the case was granted
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", threads)
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    NOTES.info("Spark %s on %s", session.version, session.sparkContext.master)
    NOTES.info("processor time and memory are of Spark's driver in Python alone")
    return session


def distributed(session, problem, folder):
    """The training ratings, less their mean, as a cached data frame read by whoever runs Spark."""
    from pyspark.sql.functions import col

    path = folder / f"{problem.sha256}.parquet"
    if not path.exists():
        write_parquet(problem, path)
    table = session.read.parquet(path.resolve().as_uri())
    residual = (col("rating") - problem.mean).cast("float").alias("rating")
    frame = table.select("user", "item", residual).cache()
    frame.count()
    return frame


def write_parquet(problem, path):
    import pyarrow as pa
    from pyarrow import parquet

    columns = dict(zip(("user", "item", "rating"), problem.train.columns))
    making = path.with_name(f".{path.name}.{os.getpid()}")  # whole or absent, for other cases
    parquet.write_table(pa.table(columns), making, row_group_size=1 << 20)
    making.replace(path)


def estimator(hyper):
    from pyspark.ml.recommendation import ALS

    blocks = hyper.options["blocks"]
    return ALS(
        rank=hyper.rank,
        regParam=hyper.reg,
        numUserBlocks=blocks,
        numItemBlocks=blocks,
        seed=hyper.seed,
        nonnegative=False,
        coldStartStrategy="nan",
        userCol="user",
        itemCol="item",
        ratingCol="rating",
    )


def collected(model, init):
    """The factors on the host; rows without training ratings, which Spark leaves out, keep their
    start.
    """
    P, Q, b, c = init.copy("float32").arrays
    for table, frame in ((P, model.userFactors), (Q, model.itemFactors)):
        rows = frame.toArrow()
        ids, features = (rows.column(name).combine_chunks() for name in ("id", "features"))
        table[ids.to_numpy()] = features.flatten().to_numpy().reshape(len(rows), -1)
    return Factors(P, Q, b, c)


@contextmanager
def plain_errors():
    """Java's error as one sentence: its stack trace is of no use in a record."""
    from py4j.protocol import Py4JError

    try:
        yield
    except Py4JError as error:
        java = getattr(error, "java_exception", None)
        text = str(java.getMessage() or java) if java else str(error)
        raise RuntimeError(f"Spark: {text.strip().splitlines()[0]}") from error
