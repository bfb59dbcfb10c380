"""Equal tuning: the same trials for all, never the test ratings, resumed as if never stopped."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_records import points

from bench import presets
from bench.problems import cache, materialise, open_problem
from bench.records import ResultsError
from bench.specs import hyper_of, parse_backend
from bench.tune import campaign, plan, space, table, trials, validation, winners
from bench.tune.child import Outcome
from bench.tune.trials import MISS, Trial, sensitivities
from mfimpls import registry
from mfimpls.contract import Caps, Hyper

DATA = "synthetic[users=40,items=30,ratings=500]"
SGD = Caps(path="sgd", uses=("lr", "decay", "batch", "optimizer", "order"),
           optimizers=("sgd", "adagrad", "rowwise_adagrad", "adam"),
           orders=("shuffle", "blocks"))  # fmt: skip
TARGET = 0.95


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def trial(state="hit", stage="search", number=0, backend="numpy_sgd", **fields):
    defaults = {"settings": {"lr": 0.1}, "seconds": 0.5 if state == "hit" else None, "rmse": 0.94}
    return Trial(stage=stage, backend=backend, number=number, state=state, **(defaults | fields))


def aimed():
    return trial("", target=TARGET)


class TestTheValidationPart:
    def test_is_cut_from_the_training_ratings_and_the_rest_trains(self):
        whole = open_problem(materialise(DATA))
        cut = open_problem(validation.cut(DATA, seed=0))
        assert len(cut.test) == round(validation.SHARE * len(whole.train))
        parts = np.concatenate([_cells(cut.train), _cells(cut.test)])
        assert np.array_equal(np.sort(parts), np.sort(_cells(whole.train)))

    def test_another_seed_cuts_another_part(self):
        one, other = (open_problem(validation.cut(DATA, seed=seed)) for seed in (0, 1))
        assert one.sha256 != other.sha256

    @pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"no array")])
    def test_the_true_test_ratings_are_never_opened(self, spoil):
        def found():
            folders = validation.cut(DATA, seed=0), validation.training(DATA)
            return [open_problem(folder).sha256 for folder in folders]

        honest = found()
        folder = materialise(DATA)
        for path in folder.glob("test_*.npy"):
            spoil(path)
        for other in folder.parent.iterdir():
            if other != folder:
                for file in other.iterdir():
                    file.unlink()
        assert found() == honest

    def test_the_training_part_alone_has_no_test_ratings(self):
        whole = open_problem(materialise(DATA))
        alone = cache.open_training(materialise(DATA))
        assert len(alone.test) == 0
        assert np.array_equal(_cells(alone.train), _cells(whole.train))


def _cells(part):
    return part.users.astype(np.int64) * 1000 + part.items


class TestTheSpace:
    @pytest.mark.parametrize("name", registry.names())
    def test_of_a_backend_is_what_it_declares(self, name):
        caps = registry.declared(name).caps
        drawn = {}
        names = [name for name, _, _ in space.dimensions(caps, drawn)]
        assert set(names) == {"optimizer", "lr", "decay", "batch", "order"} & set(caps.uses)

    def test_the_range_of_lr_belongs_to_its_optimizer(self):
        found = {
            o: dict((n, d) for n, _, d in space.dimensions(SGD, {"optimizer": o}))["lr"]
            for o in SGD.optimizers
        }
        assert found == space.LR

    def test_what_all_try_first_are_the_settings_that_a_backend_has(self):
        without = replace(SGD, orders=("shuffle",))
        assert [s["batch"] for s in space.first(SGD)] == [1, 4096, 16384]
        assert [s["batch"] for s in space.first(without)] == [4096, 16384]
        assert not list(space.first(Caps(path="als")))


class TestASearch:
    @pytest.fixture(autouse=True)
    def _optuna(self):
        pytest.importorskip("optuna")

    def walk(self, caps=SGD, count=14, seed=3, sign=1):
        from bench.tune.search import of_walk

        search = of_walk(caps, seed)
        asked = []
        for _ in range(count):
            asked.append(search.ask())
            search.tell(sign * asked[-1]["lr"])
        return asked

    def test_is_a_function_of_its_seed_and_of_what_it_was_told(self):
        assert self.walk() == self.walk()
        assert self.walk() != self.walk(seed=4)

    def test_begins_alike_for_all_of_a_family_and_then_follows_their_scores(self):
        one, other = self.walk(), self.walk(sign=-1)
        assert one[:8] == other[:8]
        assert one[8:] != other[8:]

    @pytest.mark.parametrize("name", registry.names())
    def test_asks_only_for_what_the_backend_can_do(self, name):
        from bench.tune.search import of_walk

        backend, search = registry.declared(name), of_walk(registry.declared(name).caps, 0)
        caps = backend.caps
        able = {"biases": caps.takes_biases, "dtype": caps.dtypes[0], "device": caps.devices[0]}
        for _ in range(12):
            assert backend.refusal(Hyper(**able, **search.ask())) is None
            search.tell(1.0)

    def test_draws_numbers_that_can_be_typed(self):
        assert all(len(f"{s['lr']:g}") <= 8 for s in self.walk())

    def test_learns(self):
        asked = [s["lr"] for s in self.walk(count=40)]
        assert np.median(asked[20:]) < np.median(asked[2:8])


class TestScores:
    def test_hits_by_their_seconds_then_misses_by_how_far_they_stayed_then_the_rest(self):
        better = [
            trial(seconds=0.1),
            trial(seconds=2.9),
            trial("missed", rmse=0.951),
            trial("missed", rmse=1.2),
            trial("diverged", rmse=1.0),
        ]
        scores = [t.score(TARGET) for t in better]
        assert scores == sorted(scores)
        assert len(set(scores)) == 5
        lost = [trial(state, rmse=None).score(TARGET) for state in ("timeout", "error")]
        assert lost == [scores[-1]] * 2
        assert scores[1] < MISS < scores[2]

    def test_a_curve_that_meets_the_target_is_a_hit_at_its_crossing(self):
        met = campaign.judged(aimed(), Outcome("ok", "", list(points(0.1, 0.93))))
        assert met.state == "hit"
        assert 0 < met.seconds < met.trained_s
        missed = campaign.judged(aimed(), Outcome("budget", "", list(points(0.1, 0.96))))
        assert (missed.state, missed.seconds) == ("missed", None)

    def test_the_model_is_scored_at_its_end(self):
        found = list(points(0.1, 0.9))
        worse = [*found, replace(found[-1], epoch=21, test_rmse=1.0)]
        assert campaign.judged(trial(""), Outcome("ok", "", worse)).rmse == 1.0

    def test_of_the_repeated_the_one_with_the_lowest_median_wins(self):
        lucky, steady = {"lr": 0.1}, {"lr": 0.2}
        found = [trial(settings=lucky, seconds=0.1), trial(settings=steady, seconds=0.2, number=1)]
        found += [trial(stage="again", settings=lucky, seconds=s) for s in (0.5, 0.6)]
        found += [trial(stage="again", settings=steady, seconds=s) for s in (0.2, 0.3)]
        (one,) = sensitivities(found, TARGET)
        assert one.winner.settings == steady
        assert [t.settings for t in one.ranked] == [lucky, steady]

    def test_a_winner_that_mostly_misses_is_shown_by_its_hit(self):
        again = [trial("missed", stage="again", number=n) for n in range(2)]
        (one,) = sensitivities([trial(seconds=0.3), *again], TARGET)
        assert (one.winner_s, one.failed) == (0.3, False)

    def test_a_search_without_a_score_has_no_winner(self, tmp_path):
        (one,) = sensitivities([trial("error", rmse=None), trial("timeout", rmse=None)], TARGET)
        assert one.failed

    def test_without_a_hit_the_nearest_miss_wins(self):
        found = [trial("missed", rmse=1.0), trial("missed", rmse=0.96, number=1), trial("error")]
        (one,) = sensitivities(found, TARGET)
        assert (one.winner.rmse, one.hits, one.middle.rmse) == (0.96, 0, 1.0)
        assert "0.9600" in table.text([one], TARGET, "data")


class TestStoredTrials:
    def test_come_back_as_they_were_and_a_torn_line_is_cut_off(self, tmp_path):
        for number in range(3):
            trials.append(tmp_path, trial(number=number))
        whole = trials.load(tmp_path)
        path = tmp_path / trials.FILE_NAME
        path.write_bytes(path.read_bytes()[:-9])
        assert trials.load(tmp_path) == whole[:2]
        trials.append(tmp_path, trial(number=2))
        assert trials.load(tmp_path) == whole == [trial(number=n) for n in range(3)]

    def test_other_conditions_are_refused_by_name(self, tmp_path):
        one = a_plan(tmp_path)
        plan.settle(one)
        plan.settle(replace(one, trials=99))
        with pytest.raises(ResultsError, match="made with seed=0 and not 1"):
            plan.settle(replace(one, seed=1))


def a_plan(directory, names=("numpy_sgd", "numba_als"), count=4):
    problem = validation.cut(DATA, seed=0)
    return plan.Plan(
        dataset=DATA, entrants=[(parse_backend(n), registry.declared(n)) for n in names],
        trials=count, budget_s=1.0, seed=0, threads=1, rank=3, machine="m", problem=problem,
        data_sha256=open_problem(problem).sha256, directory=directory, command="mfbench tune",
    )  # fmt: skip


class FakeChild:
    """Scores follow from the settings; stops the whole tuning after so many trials."""

    env = {"machine": "fake"}  # noqa: RUF012

    def __init__(self, left):
        self.left = left

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, hyper, epochs, budget_s, target, on_point):
        if not self.left:
            raise KeyboardInterrupt
        self.left.pop()
        floor = 0.9 + hyper["reg"] / 10 + hyper["lr"] / 100
        return Outcome("ok", "", list(points(hyper["lr"], floor, epochs=epochs)))


class Silence:
    def begin(self, *_):
        pass

    hear = end = begin


@pytest.fixture
def tuned_with(monkeypatch):
    pytest.importorskip("optuna")

    def tuned(directory, most=1000):
        plan.settle(a_plan(directory))
        left = [None] * most
        monkeypatch.setattr(campaign.Campaign, "_child", lambda *_, **__: FakeChild(left))
        return campaign.Campaign(a_plan(directory), Silence()).run(), 1000 - len(left)

    return tuned


class TestACampaign:
    def test_gives_every_backend_the_same_trials_and_repeats_the_best(self, tuned_with, tmp_path):
        found, _ = tuned_with(tmp_path)
        count = {s: sum(t.stage == s and t.backend == "numpy_sgd" for t in found)
                 for s in ("search", "again")}  # fmt: skip
        assert count == {"search": 4, "again": 6}
        assert [t.stage for t in found if t.backend == "numba_als"] == [
            *["model"] * 4, "search", "again", "again", "loss"
        ]  # fmt: skip

    def test_takes_the_dtype_that_a_backend_has(self, tmp_path):
        one = campaign.Campaign(a_plan(tmp_path), Silence())
        backend = registry.declared("numpy_sgd")
        coarse = replace(backend, caps=replace(backend.caps, dtypes=("float64",)))
        found = [one._hyper((parse_backend("x"), b), {}).dtype for b in (backend, coarse)]
        assert found == ["float32", "float64"]

    def test_goes_on_after_a_stop_as_if_it_had_not_stopped(self, tuned_with, tmp_path):
        whole, ran = tuned_with(tmp_path / "whole")
        for stop in (1, 5, 7):
            with pytest.raises(KeyboardInterrupt):
                tuned_with(tmp_path / "cut", stop)
        rest, ran_last = tuned_with(tmp_path / "cut")
        assert rest == whole
        assert ran_last == ran - 13
        assert tuned_with(tmp_path / "cut")[1] == 0

    @pytest.mark.parametrize(
        ("dataset", "key"),
        [
            ("ml-100k[official=u1]", "ml-100k"),
            ("synthetic[size=m]", "synthetic[size=m]"),
            ("synthetic[fold=1/5,size=m,split_seed=2]", "synthetic[size=m]"),
        ],
    )
    def test_winners_serve_every_split_of_their_ratings(self, dataset, key):
        assert plan.key_of(dataset) == key

    @pytest.mark.parametrize("part", ['"reg": ', '"code_sha256": "', '"lr": '])
    def test_a_stored_trial_stands_for_the_same_settings_and_source_alone(
        self, tuned_with, tmp_path, part
    ):
        whole, _ = tuned_with(tmp_path)
        path = tmp_path / trials.FILE_NAME
        path.write_text(path.read_text().replace(part, f"{part}1"))
        again, reran = tuned_with(tmp_path)
        assert again == whole
        assert reran > 0
        assert tuned_with(tmp_path)[1] == 0

    def test_winners_are_stored_with_their_provenance(self, tuned_with, tmp_path):
        found, _ = tuned_with(tmp_path)
        one = a_plan(tmp_path)
        path = tmp_path / "tuned.json"
        winners.store(one, winners.entry(one, found), path)
        (key, entry), *_ = json.loads(path.read_text()).items()
        assert key == plan.key_of(DATA)
        assert entry["model"]["rank"] == 3
        assert set(entry["walks"]) == {"numpy_sgd", "numba_als"}
        assert entry["walks"]["numpy_sgd"]["trials"] == 4
        said = entry["provenance"]
        assert said["validation_sha256"] == one.data_sha256
        assert {"machine", "seed", "trials", "command", "optuna"} <= set(said)


class TestThePresets:
    BY_HAND = {  # noqa: RUF012
        "preset": {},
        "model": {"default": {"rank": 16, "reg": 0.1}, "ml-100k": {"rank": 16, "reg": 0.2}},
        "tuned": {"default": {"sgd": {"lr": 0.03}, "numpy_sgd": {"lr": 0.15}}},
        "target": {"ml-100k[official=u1]": {"test_rmse": 0.935, "J": 0.7}},
    }

    def found(self, dataset="ml-100k[official=u1]"):
        walk = {"settings": {"optimizer": "adam", "lr": 0.01}}
        return {
            "ml-100k": {
                "model": {"rank": 16, "reg": 0.09},
                "target": {"J": 0.8},
                "walks": {"numpy_sgd": walk, "numba_als": {"settings": {}}},
                "provenance": {"dataset": dataset},
            }
        }

    @pytest.fixture
    def with_winners(self, monkeypatch):
        tables = presets.with_winners(self.BY_HAND, self.found())
        monkeypatch.setattr(presets, "_tables", lambda: tables)

    @pytest.mark.usefixtures("with_winners")
    @pytest.mark.parametrize(
        ("dataset", "name", "expected"),
        [
            ("ml-100k[official=u1]", "numpy_sgd", (0.09, 0.01)),
            ("ml-100k[fold=1/5]", "numpy_sgd", (0.09, 0.01)),
            ("ml-100k[official=u1]", "torch_sgd", (0.09, 0.03)),
            ("synthetic[size=s]", "numpy_sgd", (0.1, 0.15)),
        ],
    )
    def test_take_the_winners_of_a_data_set(self, dataset, name, expected):
        found = presets.tuned(dataset, registry.declared(name))
        assert (found["reg"], found["lr"]) == expected

    @pytest.mark.usefixtures("with_winners")
    def test_what_a_user_sets_goes_first(self):
        backend = registry.declared("numpy_sgd")
        spec = parse_backend("numpy_sgd[lr=0.5]")
        tuned = presets.tuned("ml-100k[official=u1]", backend)
        hyper = hyper_of(spec, backend, {"reg": "0.3"}, tuned)
        assert (hyper.lr, hyper.reg, hyper.optimizer) == (0.5, 0.3, "adam")

    def test_a_target_of_j_belongs_to_its_model_and_its_split(self):
        same = presets.with_winners(self.BY_HAND, self.found())["target"]
        assert same["ml-100k[official=u1]"] == {"test_rmse": 0.935, "J": 0.8}
        other = presets.with_winners(self.BY_HAND, self.found("ml-100k[fold=1/5]"))["target"]
        assert other["ml-100k[official=u1]"] == {"test_rmse": 0.935}

    def test_shipped_winners_are_settings_that_their_backends_take(self):
        for dataset, entry in winners.read().items():
            for name in entry["walks"]:
                backend = registry.declared(name)
                hyper = hyper_of(parse_backend(name), backend, {}, presets.tuned(dataset, backend))
                assert hyper.reg == entry["model"]["reg"]
