"""The machine's limits: measured, stored, looked up, and what a backend's share of them says."""

import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from fake_records import ENV, HYPER, record

from bench import environment
from bench.__main__ import main
from bench.limits import kernels, roofline, store, survey, timing, trials
from bench.limits.attach import keep_limits, with_rates
from bench.limits.readings import MachineLimits, Reading, better, from_json, to_json
from bench.limits.roofline import rate
from bench.limits.work import Work
from bench.problems import cache
from bench.problems.errors import DataError


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))


def reading(kind, best, **where):
    return Reading(kind=kind, best=best, median=0.9 * best, repeats=9, **where)


def machine(*readings):
    return MachineLimits(
        machine="a machine", measured="2025-01-01T12:00:00+00:00", took_s=20.0, busy_cores=0.0,
        packages={"numba": "0.60"}, readings=readings,
    )  # fmt: skip


LIMITS = machine(
    reading("call", 1e6),
    reading("fma", 100e9),
    reading("fma", 200e9, threads=2),
    reading("blas", 90e9),
    reading("blas", 180e9, threads=2),
    *(
        reading(
            "sgd", threads * 200e6 * 64 / row, threads=threads, row_bytes=row, table_bytes=2**15
        )
        for threads in (1, 2)
        for row in (64, 256)
    ),
    *(
        reading(kind, threads * hz, threads=threads, row_bytes=row, table_bytes=table)
        for kind in ("gather", "update")
        for threads in (1, 2)
        for row in (64, 256)
        for table, hz in ((2**18, 80e9), (2**26, 10e9))
    ),
)


class TestLookUp:
    def test_what_was_measured_is_found(self):
        assert LIMITS.rate("update", threads=2, row_bytes=64, table_bytes=2**18) == pytest.approx(
            160e9
        )

    def test_between_two_readings_a_power_law_holds(self):
        assert LIMITS.rate("sgd", threads=1, row_bytes=128) == pytest.approx(100e6)

    def test_beyond_the_ends_the_last_value_stays(self):
        small, large = ({"threads": 1, "row_bytes": 64, "table_bytes": t} for t in (2**10, 2**40))
        assert LIMITS.rate("gather", **small) == pytest.approx(80e9)
        assert LIMITS.rate("gather", **large) == pytest.approx(10e9)

    def test_nothing_is_said_of_more_threads_than_were_measured(self):
        assert math.isnan(LIMITS.rate("fma", threads=3))
        assert math.isnan(machine().rate("fma", threads=1))


class TestStore:
    def test_limits_come_back_as_they_were_kept(self):
        assert from_json(to_json(LIMITS)) == LIMITS
        assert store.save(LIMITS) == store.path_of(LIMITS.machine)
        assert store.load(LIMITS.machine) == LIMITS

    def test_results_keep_a_copy_which_goes_before_the_cache(self, tmp_path):
        store.save(LIMITS)
        ours = record("numba_sgd", path="sgd", env=replace(ENV, machine=LIMITS.machine))
        keep_limits([ours], tmp_path)
        assert store.load(LIMITS.machine, tmp_path) == LIMITS
        store.path_of(LIMITS.machine).unlink()
        (rated,) = with_rates([ours], tmp_path, cache.root())
        assert rated.rate["bound"]
        (plain,) = with_rates([ours], cache.root())
        assert plain.rate["bound"] == ""

    def test_another_machine_has_none(self):
        store.save(LIMITS)
        assert store.load("another machine") is None

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}', '{"format": 1, "x": 2}'])
    def test_what_is_no_limits_counts_as_not_there(self, text):
        path = store.save(LIMITS)
        path.write_text(text)
        assert store.load(LIMITS.machine) is None

    def test_a_cache_that_cannot_be_written_is_one_sentence(self, tmp_path, monkeypatch):
        (tmp_path / "file").touch()
        monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "file"))
        with pytest.raises(DataError, match="Cannot write the data cache"):
            store.save(LIMITS)


def work(**changes):
    """Per-rating SGD at rank 16 in float32 at the machine's limit of 200 M ratings/s."""
    usual = {
        "path": "sgd", "rank": 16, "dtype": "float32", "n_train": 2_000_000, "n_users": 1000,
        "n_items": 1000, "epoch_s": 0.01, "threads": 1,
    }  # fmt: skip
    return Work(**usual | changes)


class TestMeasuredAgain:
    def test_the_best_ever_seen_stays(self):
        old = machine(reading("fma", 9.0), reading("blas", 2.0))
        new = replace(machine(reading("fma", 3.0), reading("blas", 4.0)), busy_cores=1.0)
        found = better(new, old)
        assert [r.best for r in found.readings] == [9.0, 4.0]
        assert found.busy_cores == 0.0

    def test_readings_of_other_threads_or_other_libraries_are_not_compared(self):
        new = machine(reading("fma", 3.0))
        assert better(new, None) == new
        assert better(new, machine(reading("fma", 9.0, threads=2))) == new
        assert better(new, replace(machine(reading("fma", 9.0)), packages={"numba": "0.1"})) == new


class TestModelOfWork:
    def test_sgd_reads_and_writes_both_rows_and_biases_of_each_rating(self):
        one = work(rank=2, n_train=1)
        assert one.bytes_moved == (2 + 2) * (2 * 4) + 4 * 4 + 3 * 4
        assert one.flops == 8 * 2 + 12

    def test_als_forms_and_solves_a_system_per_row(self):
        one = work(path="als", rank=3, n_train=10, n_users=2, n_items=4)
        assert one.flops == 2 * 10 * 3 * 4 + (2 + 4) * 3**3 / 3
        assert one.bytes_moved == 2 * 10 * (3 * 4 + 4 + 12) + (2 + 4) * 3 * 4

    def test_conjugate_gradients_pass_over_the_ratings_once_and_once_more_a_step(self):
        one = work(path="als_cg", rank=3, n_train=10, n_users=2, n_items=4, cg_steps=2)
        assert one.flops == 2 * 10 * 3 * (4 * 3) + (2 + 4) * 2 * (5 * 2 * 3)
        assert one.bytes_moved == 2 * 10 * 3 * (3 * 4 + 4 + 12) + (2 + 4) * 3 * 4
        asked = record("numba_als_cg", case_changes={"hyper": HYPER | {"options": {"steps": 5}}})
        assert Work.of(asked, "als_cg", 0.01).cg_steps == 5

    def test_float64_moves_rows_of_twice_the_bytes(self):
        assert work(dtype="float64").row_bytes == 2 * work().row_bytes

    def test_a_record_says_all_but_path_and_time(self):
        found = Work.of(record("numba_sgd"), "sgd", 0.01)
        assert (found.rank, found.n_train, found.n_users, found.threads) == (16, 80_000, 943, 2)

    def test_another_path_has_no_model_but_a_speed(self):
        found = rate(work(path="gibbs"), LIMITS)
        assert found.ratings_hz == 200e6
        assert math.isnan(found.flops_hz)
        assert math.isnan(found.of_limit)


class TestShareOfTheLimit:
    @pytest.mark.parametrize("slower", [1, 4])
    def test_of_sgd_is_the_share_of_the_cached_loop(self, slower):
        assert rate(work(epoch_s=0.01 * slower), LIMITS).of_limit == pytest.approx(1 / slower)

    def test_of_als_is_the_share_of_the_multiply_add_peak(self):
        als = work(path="als", rank=64)
        assert rate(als, LIMITS).of_limit == pytest.approx(als.flops / 0.01 / 100e9)

    def test_a_backend_is_held_to_the_threads_that_it_was_given(self):
        assert rate(work(threads=2), LIMITS).of_limit == pytest.approx(0.5)
        assert math.isnan(rate(work(threads=4), LIMITS).of_limit)

    def test_float64_is_held_to_half_of_what_float32_can(self):
        assert rate(work(dtype="float64", epoch_s=0.02), LIMITS).of_limit == pytest.approx(1)
        single, double = (work(path="als", dtype=dtype) for dtype in ("float32", "float64"))
        assert roofline.least_s(double, LIMITS) == pytest.approx(
            2 * roofline.least_s(single, LIMITS)
        )

    def test_wider_rows_than_measured_take_as_much_longer(self):
        widest, wider = work(rank=64), work(rank=256)
        assert roofline.least_s(wider, LIMITS) == pytest.approx(
            4 * roofline.least_s(widest, LIMITS)
        )

    def test_without_limits_or_time_there_is_none(self):
        for found in (rate(work(), None), rate(work(), machine()), rate(work(epoch_s=0.0), LIMITS)):
            assert math.isnan(found.of_limit)
            assert found.bound == ""


class TestWhatHoldsItBack:
    """2 M ratings at rank 16 move 0.57 GB; small tables allow 80 GB/s, large ones 10."""

    @pytest.mark.parametrize(
        ("changes", "bound"),
        [
            ({"epoch_s": 0.015}, "compute"),
            ({"epoch_s": 0.025}, "compute"),
            ({"epoch_s": 0.08}, "overhead"),
            ({"epoch_s": 0.08, "n_users": 10**7}, "memory"),
            ({"epoch_s": 12.0}, "interpreter"),
            ({"epoch_s": 12.0, "n_users": 10**7}, "interpreter"),
            ({"path": "als", "epoch_s": 0.02}, "compute"),
            ({"path": "als", "epoch_s": 0.05, "n_users": 10**6}, "memory"),
            ({"path": "als", "epoch_s": 1.0}, "overhead"),
        ],
    )
    def test_one_word_says_it(self, changes, bound):
        assert rate(work(**changes), LIMITS).bound == bound


class TestKernels:
    rng = np.random.default_rng(0)

    def table(self, *shape):
        made = kernels.table(*shape)
        made[:] = self.rng.normal(0, 1, shape)
        return made

    def test_triad(self):
        a, b, c = self.table(3, 100)
        kernels.triad(a, b, c, 1)
        np.testing.assert_allclose(a, b + 3 * c, rtol=1e-6)

    def test_multiply_add(self):
        x = self.table(kernels.CHAINS + 2, kernels.LANES) / 4
        rows = x[: kernels.CHAINS].astype(np.float64)
        for _ in range(6):
            rows = rows * x[-2] + x[-1]
        assert kernels.multiply_add(x, 2, 3) == pytest.approx(rows.sum(), rel=1e-5)

    @pytest.mark.parametrize("width", [16, 32])
    def test_gather_and_update_touch_each_row_named(self, width):
        X, ids = self.table(10, width), self.rng.integers(0, 10, 64, dtype=np.uint32)
        assert kernels.gather(width)(X, ids, 1) == pytest.approx(X[ids].sum(), abs=1e-3)
        expected = X * 2.0 ** np.bincount(ids, minlength=10)[:, None]
        kernels.update(width)(X, ids, np.float32(2), 1)
        np.testing.assert_allclose(X, expected, rtol=1e-6)

    @pytest.mark.parametrize("width", [16, 32])
    def test_sgd_takes_the_textbook_step(self, width):
        P, Q = self.table(2, 5, width) / 4
        users, items = self.rng.integers(0, 5, (2, 20), dtype=np.uint32)
        ratings, lr, reg = self.rng.normal(0, 1, 20).astype(np.float32), 0.1, 0.5
        X, Y = P.astype(np.float64), Q.astype(np.float64)
        for u, i, r in zip(users, items, ratings):
            e, p = r - X[u] @ Y[i], X[u].copy()
            X[u] += lr * (e * Y[i] - reg * p)
            Y[i] += lr * (e * p - reg * Y[i])
        data = (users, items, ratings)
        kernels.sgd(width)(P, Q, data, np.float32(lr), np.float32(1 - lr * reg), 1)
        np.testing.assert_allclose(P, X, atol=1e-5)
        np.testing.assert_allclose(Q, Y, atol=1e-5)


class TestSurvey:
    def test_repeats_are_timed_until_there_are_enough(self):
        now, passes = [0.0], []

        def run(n):
            passes.append(n)
            now[0] += 1e-3 * n

        seconds = timing.seconds_per_pass(run, lambda: now[0])
        assert passes[:2] == [1, 1]  # warms up, then says how long a pass takes
        assert set(passes[2:]) == {round(timing.RUN_S / 1e-3)}
        assert len(seconds) >= timing.LEAST_REPEATS
        assert seconds == pytest.approx([1e-3] * len(seconds))

    def test_each_thread_has_a_part(self):
        seen = []
        run = timing.in_threads(lambda *arguments: seen.append(arguments), [("a",), ("b",)])
        run(3)
        assert sorted(seen) == [("a", 3), ("b", 3)]

    @pytest.mark.parametrize(
        ("cores", "counts"), [(1, (1,)), (2, (1, 2)), (8, (1, 2, 4, 8)), (64, (1, 2, 32, 64))]
    )
    def test_a_few_thread_counts_stand_for_all(self, cores, counts):
        assert survey.thread_counts(cores) == counts

    def test_every_kind_of_limit_is_measured(self, monkeypatch):
        for name, value in (("TRIAL_S", 0.0), ("RUN_S", 0.0), ("LEAST_REPEATS", 1)):
            monkeypatch.setattr(timing, name, value)
        monkeypatch.setattr(survey, "LOOK_S", 0.01)
        monkeypatch.setattr(trials, "MATRIX", 64)
        told = []
        extent = trials.Extent(threads=(1, 2), ranks=(8,), table_bytes=(2**12, 2**13))
        found = survey.survey(extent, lambda done, total: told.append((done, total)))
        assert {r.kind for r in found.readings} == {
            "stream", "fma", "blas", "sgd", "gather", "update", "call"
        }  # fmt: skip
        assert all(r.best >= r.median > 0 for r in found.readings)
        assert {r.table_bytes for r in found.of("gather", threads=2)} == {2**12, 2**13}
        assert told[-1] == (len(told), survey.ROUNDS * len(found.readings))


class TestCommand:
    def test_limits_are_measured_once_and_then_shown_with_their_date(self, monkeypatch):
        measured = []

        def measure(*_):
            measured.append(1)
            here = to_json(LIMITS).replace("a machine", environment.machine())
            return from_json(here)

        monkeypatch.setattr(survey, "survey", measure)
        first, second, anew = (
            CliRunner().invoke(main, ["doctor", "--limits", *more]) for more in ([], [], ["-f"])
        )
        for result in (first, second, anew):
            assert result.exit_code == 0, result.output
            assert "2025-01-01" in result.output
            assert "M ratings/s" in result.output
        assert "--force measures again" in second.output
        assert len(measured) == 2

    def test_force_alone_asks_for_nothing(self):
        result = CliRunner().invoke(main, ["doctor", "--force"])
        assert result.exit_code == 2
        assert "add --limits" in result.output
