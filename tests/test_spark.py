"""Spark's ALS: the same J as ours, embedded and on a real cluster, a killed worker included.

All of it starts Java, so all of it is slow, and skipped with a reason where pyspark or Java is not.
"""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import spark_cluster

from bench.records import load
from bench.worker import tiny_problem
from mfimpls import Hyper
from mfimpls import load as backend_named
from mfimpls.contract import Factors, Unsupported
from mfimpls.objective import evaluate, stationarity
from mfimpls.orders import initial_factors

ROOT = Path(__file__).parents[1]
needs_spark = pytest.mark.skipif(bool(spark_cluster.missing()), reason=spark_cluster.missing())
DATA = "synthetic[users=400,items=200,ratings=20000]"
FEW_BLOCKS = "spark_als[blocks=2]"  # small data: fewer tasks
RUN = [
    "run",
    "-b",
    FEW_BLOCKS,
    "--budget",
    "5m",
    "-d",
    DATA,
    "-s",
    "rank=4",
    "-s",
    "biases=false",
    "-r",
    "1",
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SPARK_LOCAL_IP", spark_cluster.HOST)
    monkeypatch.chdir(tmp_path)


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "bench", *RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*arguments):
    running = start(*arguments)
    output, _ = running.communicate(timeout=300)
    return running.returncode, output


def on(cluster):
    return ["--spark-master", cluster.url, "--spark-parquet", "shared", "--threads", "2"]


def converged(name, problem, hyper, init, epochs):
    steps = backend_named(name).fit(problem, hyper, init)
    for _ in range(epochs + 1):
        snapshot = next(steps)
    return snapshot()


def test_biases_are_refused_with_a_sentence():
    with pytest.raises(Unsupported, match="spark_als has no biases"):
        backend_named("spark_als").fit(tiny_problem(), Hyper(), None)


@pytest.mark.slow
@needs_spark
def test_its_regularization_is_ours():
    # Run long, it ends in the minimum of J where numba_als ends. It has a process of its own, as
    # a case has: Java and what pyspark warns of stay out of this one.
    script = """
import numpy as np
from dataclasses import replace
from bench.worker import tiny_problem
from mfimpls import Hyper
from mfimpls.orders import initial_factors
from mfimpls.peers import spark_als as spark
from pathlib import Path

problem, hyper = tiny_problem(), Hyper(rank=3, reg=0.2, biases=False)
session = spark.session_of("")
session.sparkContext.setCheckpointDir("checkpoints")
ratings = spark.distributed(session, problem, Path("."))
options = {"blocks": 2}
als = spark.estimator(replace(hyper, options=options)).setMaxIter(60)
factors = spark.collected(als.fit(ratings), initial_factors(problem, hyper))
np.savez("factors.npz", *factors.arrays)
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=200)
    stored = np.load("factors.npz")
    theirs = Factors(*(stored[name] for name in stored.files))
    problem, hyper = tiny_problem(), Hyper(rank=3, reg=0.2, biases=False)
    init = initial_factors(problem, hyper)
    ours = converged("numba_als", problem, replace(hyper, dtype="float64"), init, 400)
    assert stationarity(problem, hyper, theirs, init) < 1e-4
    loss, least = (evaluate(problem, hyper, factors).J for factors in (theirs, ours))
    assert loss == pytest.approx(least, rel=1e-6)


@pytest.mark.slow
@needs_spark
def test_embedded_it_is_a_case_like_any_other():
    code, output = run("-b", "numpy_als", "--epochs", "2", "--threads", "2")
    assert code == 0, output
    records = {r.case.backend: r for r in load(Path("results/local"))}
    spark, ours = records[FEW_BLOCKS], records["numpy_als"]
    assert spark.status == "ok"
    assert not spark.flags
    assert any("Spark" in note and "local[2]" in note for note in spark.notes)
    assert spark.warmup_s > spark.setup_s  # the JVM starts in the warm-up
    loss, near = (r.points[-1].J for r in (spark, ours))
    assert loss == pytest.approx(near, rel=0.1)
    assert spark.env.packages["pyspark"]


@pytest.mark.slow
@needs_spark
def test_on_a_cluster_it_ends_where_it_ends_embedded(tmp_path):
    with spark_cluster.cluster(tmp_path / "spark") as cluster:
        code, output = run(*on(cluster), "--epochs", "2")
    assert code == 0, output
    (record,) = load(Path("results/local"))
    assert record.status == "ok"
    assert any(cluster.url in note for note in record.notes)
    assert record.points[-1].J < 0.9 * record.points[0].J
    assert Path("shared", f"{record.problem['sha256']}.parquet").exists()


@pytest.mark.slow
@needs_spark
def test_a_killed_worker_costs_time_or_is_a_record_with_its_reason(tmp_path):
    with spark_cluster.cluster(tmp_path / "spark") as cluster:
        running = start(*on(cluster), "--epochs", "4", "--timeout", "100s", "-o", "out")
        files = Path("shared").glob
        spark_cluster.until(
            lambda: len(list(files("*.parquet"))) == 2
        )  # the warm-up's is the first
        time.sleep(2)  # into the training
        cluster.kill_a_worker()
        output, _ = running.communicate(timeout=150)
    (record,) = load(tmp_path / "out")
    assert record.status == "ok" or record.reason, output
    assert "Traceback" not in output
    print(cluster.told(), output)  # pytest -s shows it


@pytest.mark.slow
@needs_spark
def test_no_master_is_a_record_with_its_reason():
    code, output = run("--spark-master", f"spark://{spark_cluster.HOST}:1", "--spark-parquet", "x",
                       "--epochs", "1", "--timeout", "15s")  # fmt: skip
    assert code == 1
    (record,) = load(Path("results/local"))
    assert record.status in ("error", "timeout")
    assert record.reason
    assert "Traceback" not in output
