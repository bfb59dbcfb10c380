"""`mfbench reproduce`: what is published, what counts as reproduced, and what a user is told."""

import json
import math
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from made import random_problem

from bench.__main__ import main
from bench.problems.downloads import Web
from bench.problems.movielens import MovieLens
from bench.problems.movielens_sets import COLONS, DATASETS, Member
from bench.reproduce import catalog, figures, problems, scores, session, store, table
from bench.reproduce.experiment import Claim, Experiment, folds
from bench.reproduce.outcome import MISSED, REPRODUCED, SHOWN, Outcome, Row
from bench.reproduce.run import carry_out
from bench.reproduce.variants import backend_of
from mfimpls.contract import Factors, Hyper, Problem, Ratings


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def mfbench(*arguments):
    return CliRunner().invoke(main, ["reproduce", *arguments])


# What is declared


def test_names_are_unique_and_every_backend_takes_its_settings():
    names = [experiment.name for experiment in catalog.EXPERIMENTS]
    assert len(set(names)) == len(names)
    for experiment in catalog.EXPERIMENTS:
        assert backend_of(experiment.backend).refusal(experiment.hyper) is None
        assert experiment.dataset in DATASETS
        assert experiment.source
        assert {metric for metric, _ in experiment.scores} <= set(scores.SCORES)


def test_all_that_was_asked_for_is_declared():
    def published(name):
        (experiment,) = catalog.chosen([name])
        return [claim.published[0] for claim in experiment.claims if claim.published]

    assert published("rosenthal-sgd")[:8] == [
        1.188,
        1.138,
        1.062,
        1.011,
        0.964,
        0.943,
        0.925,
        0.923,
    ]
    assert published("rosenthal-sgd")[8:] == [
        1.142,
        1.072,
        0.975,
        0.918,
        0.866,
        0.838,
        0.747,
        0.402,
    ]
    assert published("rosenthal-best") == [0.885]
    assert published("rosenthal-als") == [8.07]
    assert published("surprise-svd") == [0.934, 0.737]
    assert published("surprise-baseline") == [0.944]
    assert published("surprise-svd-1m") == [0.873, 0.686]
    assert published("mymedialite-mf-1m") == [0.857, 0.675]
    tens = ("cmfrec-als-10m", "cmfrec-als-plain-10m", "cmfrec-sgd-10m")
    assert [published(name) for name in tens] == [[0.787], [0.7914], [0.7856]]


def test_a_group_a_name_and_all_choose_in_one_order_each_once():
    surprise = catalog.chosen(["surprise-baseline", "surprise"])
    assert [e.name for e in surprise] == [
        e.name for e in catalog.EXPERIMENTS if e.group == "surprise"
    ]
    assert catalog.chosen(["all"]) == list(catalog.EXPERIMENTS)


def test_folds_are_disjoint_within_a_seed():
    assert folds(2, 2) == (
        ("fold=1/2,split_seed=0", "fold=2/2,split_seed=0"),
        ("fold=1/2,split_seed=1", "fold=2/2,split_seed=1"),
    )


# Verdicts


@pytest.mark.parametrize(
    ("published", "tolerance", "samples", "verdict"),
    [
        ((0.9, 0.9), 0.01, (0.91, 0.5, 0.99), REPRODUCED),
        ((0.9, 0.9), 0.01, (0.912,), MISSED),
        ((0.9, 0.92), 0.01, (0.93,), REPRODUCED),
        ((0.9, 0.92), 0.01, (0.889,), MISSED),
        ((0.9, 0.9), None, (0.8, 0.85, 1.0), REPRODUCED),
        ((0.9, 0.9), None, (0.91, 0.95), MISSED),
        ((0.9, 0.9), 0.01, (math.nan,), MISSED),
        ((0.9, 0.9), None, (math.nan,), MISSED),
        (None, None, (0.9,), SHOWN),
    ],
)
def test_the_median_or_the_band_decides(published, tolerance, samples, verdict):
    row = Row(metric="test MSE", epoch=1, samples=samples, published=published, tolerance=tolerance)
    assert row.verdict == verdict


def test_off_is_the_distance_to_the_nearer_end():
    row = Row(metric="m", epoch=1, samples=(0.95, 0.97, 0.8), published=(0.9, 0.92))
    assert row.off == pytest.approx(0.03)
    assert row.band == (0.8, 0.97)


def outcome(**fields):
    named = dict.fromkeys(("title", "source", "settings"), "x") | {"experiment": "e"}
    return Outcome(group="g", dataset="ml-100k", **named | fields)


def test_one_miss_makes_the_experiment_a_miss():
    good = Row(metric="m", epoch=1, samples=(1.0,), published=(1.0, 1.0), tolerance=0.1)
    bad, shown = replace(good, samples=(2.0,)), replace(good, published=None)
    assert outcome(rows=(shown, good)).verdict == REPRODUCED
    assert outcome(rows=(good, bad)).verdict == MISSED
    assert outcome(rows=(shown,)).verdict == SHOWN


def test_an_awaited_error_must_say_what_it_is_known_to_say():
    assert outcome(awaited="sparse", error="add(sparse, dense)").verdict == REPRODUCED
    assert outcome(awaited="sparse", error="").verdict == MISSED


# Scores and splits


def test_clipping_is_to_the_scale_of_the_training_ratings():
    train = Ratings.of([0, 0, 1], [0, 1, 1], [1, 3, 5])
    problem = Problem.of("p", train, Ratings.of([1, 0], [0, 1], [5, 2]), (2, 2))
    factors = Factors(np.zeros((2, 1)), np.zeros((2, 1)), np.array([-9.0, 9.0]), np.zeros(2))
    assert scores.clipped_errors(problem, factors).tolist() == [0, 1]
    assert scores.SCORES["test MAE, clipped"](problem, factors, factors) == 0.5
    assert scores.SCORES["test MAE"](problem, factors, factors) == pytest.approx((7 + 8) / 2)


def test_moved_is_relative_to_the_start():
    start = Factors(np.full((2, 1), 3.0), np.full((2, 1), 4.0), np.zeros(2), np.zeros(2))
    moved = Factors(start.P + 1, start.Q, start.b, start.c)
    assert scores.moved(start, moved) == pytest.approx((2 / 50) ** 0.5)


def test_the_posted_split_is_that_of_the_legacy_generator_by_user_and_item():
    whole = random_problem(n_users=4, n_items=30, n=80, n_test=20, seed=3)
    cut = problems.posted(whole)
    dense = np.zeros((4, 30))
    for part in (whole.train, whole.test):
        dense[part.users, part.items] = part.ratings
    random = np.random.RandomState(0)
    for user in range(4):
        drawn = random.choice(dense[user].nonzero()[0], size=10, replace=False)
        found = cut.test.items[cut.test.users == user]
        assert sorted(found) == sorted(drawn)
    assert len(cut.train) + len(cut.test) == 100


# Carrying out


TINY = Experiment(
    name="tiny",
    group="tiny",
    title="a tiny one",
    source="nowhere",
    backend="damped_biases",
    hyper=Hyper(rank=1, init_std=0.0, dtype="float64"),
    dataset="ml-1m",
    splits=folds(2, 3),
    claims=(Claim(metric="test RMSE", epoch=2),),
    curve=(1,),
)


def made(split):
    return replace(random_problem(seed=int(split[-1]) * 10 + int(split[5])), name=split)


def test_a_sample_is_the_mean_over_its_parts():
    passes = []
    found = carry_out(TINY, made, lambda: passes.append(1))
    (row,) = found.rows
    runs = [[scores_of(made(split), 2) for split in parts] for parts in TINY.splits]
    assert row.samples == pytest.approx(np.mean(runs, axis=1))
    assert len(passes) == TINY.passes == 12
    assert {r.epoch for r in found.curves} == {1}
    assert found.problems == {s: made(s).sha256 for parts in TINY.splits for s in parts}


def test_each_sample_starts_from_a_seed_of_its_own():
    sgd = replace(TINY, backend="numba_sgd", hyper=Hyper(rank=2, dtype="float64"))
    one_split = replace(sgd, splits=(("fold=1/2,split_seed=0",),) * 3)
    (row,) = carry_out(one_split, made, lambda: None).rows
    assert len(set(row.samples)) == 3


def scores_of(problem, epochs):
    hyper = TINY.hyper
    steps = backend_of("damped_biases").fit(problem, hyper, _zeros(problem))
    snapshot = [next(steps) for _ in range(epochs + 1)][-1]
    return scores.SCORES["test RMSE"](problem, snapshot(), _zeros(problem))


def _zeros(problem):
    shapes = (problem.n_users, 1), (problem.n_items, 1), (problem.n_users,), (problem.n_items,)
    return Factors(*map(np.zeros, shapes)).frozen()


def test_the_same_again_gives_the_same_bits():
    sgd = replace(TINY, backend="numba_sgd", hyper=Hyper(rank=2, dtype="float64"))
    first, second = (carry_out(sgd, made, lambda: None).rows for _ in range(2))
    assert first == second


def test_what_diverges_is_no_number_and_a_miss():
    claim = Claim(metric="test MSE", epoch=30, published=(1.0, 1.0), tolerance=0.1)
    hyper = Hyper(rank=2, lr=5.0, dtype="float64")
    wild = replace(TINY, backend="numba_sgd", hyper=hyper, claims=(claim,), curve=())
    found = carry_out(wild, made, lambda: None)
    assert found.verdict == MISSED
    assert math.isnan(found.rows[0].median)


# Storing and showing


def test_an_outcome_survives_its_file_and_the_file_says_the_verdict(tmp_path):
    rows = (
        Row(metric="m", epoch=1, samples=(1.0, math.nan), published=(1.0, 1.0), tolerance=0.1),
        Row(metric="m", epoch=2, samples=(2.0, 3.0)),
    )
    kept = outcome(rows=rows, curves=rows[1:], problems={"p": "0" * 64}, env={"machine": "m"})
    path = store.save(tmp_path, kept)
    (found,) = store.load(tmp_path, ["e", "absent"])
    assert repr(found) == repr(kept)
    assert json.loads(path.read_text())["verdict"] == MISSED


def test_the_page_has_a_table_for_each_outcome_and_names_what_was_not_run():
    row = Row(metric="m", epoch=1, samples=(1.01, 1.02), published=(1.0, 1.0), tolerance=0.1)
    page = table.markdown([outcome(rows=(row,), env={"command": "mfbench reproduce all"})], [TINY])
    assert "| m | 1 | 1 | 1.0150 | 1.0100 to 1.0200 | +0.0150 | 0.1 | reproduced |" in page
    assert "- `tiny`: a tiny one; it takes ml-1m." in page
    assert "Made by `mfbench reproduce all`." in page


def drawn(name, *epochs):
    def rows(metric, **fields):
        return tuple(
            Row(metric=metric, epoch=e, samples=(1.0 + 1 / e, 1.1 + 1 / e), **fields)
            for e in epochs
        )

    curves = rows("test MSE") + rows("train MSE")
    return outcome(rows=rows("test MSE", published=(1.5, 1.5)), curves=curves, experiment=name)


def test_a_figure_is_drawn_once_all_it_shows_is_there():
    sgd = [drawn(name, 1, 10, 200) for name in ("rosenthal-sgd", "rosenthal-sgd-splits")]
    als = [drawn(name, 1, 100) for name in figures.ALS]
    assert set(figures.figures(sgd + als)) == {"rosenthal-sgd", "rosenthal-als"}
    assert set(figures.figures(sgd + als[1:])) == {"rosenthal-sgd"}
    assert not figures.figures(sgd[1:])


def test_a_figure_rings_what_was_published_and_draws_each_curve():
    found = figures.figures(drawn(name, 1, 100) for name in figures.ALS)["rosenthal-als"]
    (axes,) = found.axes
    (rings,) = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert rings.get_ydata().tolist() == [1.5, 1.5]
    assert {text.get_text() for text in axes.texts} == set(figures.ALS.values())


# The command


RATINGS = [(u, i, 1 + (3 * u + 5 * i) % 5) for u in range(1, 21) for i in range(1, 13)]


def ratings_dat(path):
    path.write_text("".join(f"{u}::{i}::{r}::9\n" for u, i, r in RATINGS))
    return path


@pytest.fixture
def ml_1m(cache, monkeypatch):
    """A small ml-1m in the real format, its zip put into the cache by hand."""
    from bench.problems.archives import sha256

    with zipfile.ZipFile(cache / "ml-1m.zip", "w") as archive:
        text = "".join(f"{u}::{i}::{r}::9\n" for u, i, r in RATINGS)
        archive.writestr("ml-1m/ratings.dat", text)
    web = Web("ml-1m.zip", sha256(cache / "ml-1m.zip"), "", "https://localhost:1/never-asked")
    member = Member("ml-1m/ratings.dat", COLONS)
    known = MovieLens("ml-1m", (20, 12, 240), "", ((web, member),))
    monkeypatch.setitem(DATASETS, "ml-1m", known)


@pytest.fixture
def nothing_at_hand(monkeypatch):
    for name in ("ml-1m", "ml-10m"):
        source, member = DATASETS[name].sources[0]
        away = replace(source, url="http://127.0.0.1:1/x.zip")
        monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], sources=((away, member),)))


def test_without_a_name_all_are_listed_with_what_is_at_hand(ml_1m):
    result = mfbench()
    assert result.exit_code == 0
    assert result.output == mfbench("--list").output
    for experiment in catalog.EXPERIMENTS:
        assert experiment.name in result.output
    assert "mymedialite.net" in result.output
    lines = {line.split()[0]: line for line in result.output.splitlines() if line.strip()}
    assert lines["mymedialite-mf-1m"].rstrip().endswith("yes")
    assert lines["cmfrec-als-10m"].rstrip().endswith("no")


def test_a_data_set_put_into_the_cache_is_taken_and_a_missed_number_is_exit_1(ml_1m, tmp_path):
    result = mfbench("mymedialite-baseline-1m", "-o", "out")
    assert result.exit_code == 1
    assert "missed" in result.output
    stored = json.loads((tmp_path / "out/mymedialite-baseline-1m.json").read_text())
    assert stored["verdict"] == MISSED
    assert len(stored["problems"]) == 5
    assert stored["env"]["machine"]
    assert "mymedialite-baseline-1m" in (tmp_path / "out/reproduce.md").read_text()


def test_a_file_given_by_path_is_taken_and_said_to_be_another_one(tmp_path, nothing_at_hand):
    ratings_dat(tmp_path / "ratings.dat")
    result = mfbench("mymedialite-baseline-1m", "--data", "ratings.dat")
    assert result.exit_code == 1
    told = " ".join(result.output.split())
    assert "The file has 20 users, 12 items and 240 ratings, ml-1m has 6,040 users" in told


def test_every_10m_experiment_runs_on_a_file_in_its_format(tmp_path):
    ratings_dat(tmp_path / "ratings.dat")
    result = mfbench("cmfrec", "--data", "ratings.dat")
    assert result.output.count("test RMSE") == 3


def test_named_by_itself_and_without_data_it_is_refused_before_anything_runs(nothing_at_hand):
    result = mfbench("mymedialite-mf-1m", "mymedialite-baseline", "-o", "out")
    assert result.exit_code == 2
    assert "ml-1m.zip is not here" in result.output
    assert "put it in" in result.output
    assert "mfbench reproduce mymedialite-mf-1m --data FILE" in result.output
    assert "Traceback" not in result.output
    assert "[1/" not in result.output


def test_in_a_group_what_lacks_its_data_is_skipped(nothing_at_hand, ml_1m_for_some):
    result = mfbench("mixed")
    assert result.exit_code == 0
    assert "[2/2] lacking: skipped, ml-10m is not here" in result.output
    assert result.output.count("ml-10m.zip is not here") == 1


@pytest.fixture
def ml_1m_for_some(ml_1m, monkeypatch):
    here = replace(TINY, group="mixed", name="here", dataset="ml-1m")
    lacking = replace(here, name="lacking", dataset="ml-10m")
    monkeypatch.setattr(catalog, "EXPERIMENTS", (here, lacking))


def test_a_group_of_which_nothing_can_run_is_refused(nothing_at_hand):
    result = mfbench("cmfrec")
    assert result.exit_code == 2
    assert "Error: ml-10m.zip is not here" in result.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rosental"], "Unknown experiment 'rosental'; did you mean rosenthal?"),
        (["surprise", "--data", "r.dat"], "--data names one file, and ml-100k and ml-1m are"),
        (["surprise-svd-1m", "--data", "r.dat"], "There is no ratings file r.dat"),
        (["rosenthal", "--data", "r.dat"], "leave out --data"),
        (["surprise-baseline", "-o", "file/below"], "Cannot write"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_exit_2(tmp_path, arguments, sentence):
    (tmp_path / "file").touch()
    result = mfbench(*arguments)
    assert result.exit_code == 2
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_time_is_measured_by_the_harness_and_only_when_asked(ml_1m, monkeypatch):
    timed = replace(TINY, timed=True, splits=folds(2, 1))
    for time, metrics in ((False, ["test RMSE"]), (True, ["test RMSE", "ratings/s"])):
        asked = session.Session(session.Wish(frozenset(), None, time, None, ""))
        asked.run([timed])
        assert [row.metric for row in asked.outcomes[0].rows] == metrics
    assert asked.outcomes[0].rows[-1].median > 0


@pytest.mark.slow
@pytest.mark.network
def test_surprises_table_is_reproduced_on_movielens_100k(tmp_path, monkeypatch, nothing_at_hand):
    result = mfbench("surprise", "-o", "out")
    assert result.exit_code == 0, result.output
    assert "surprise-svd-1m: skipped" in result.output
    for name in ("surprise-svd", "surprise-svd-unshuffled", "surprise-baseline"):
        assert json.loads((tmp_path / f"out/{name}.json").read_text())["verdict"] == REPRODUCED
