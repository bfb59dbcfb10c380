"""`mfbench report` and its page: all from stored records, the answer no stronger than they."""

import base64
import json
import lzma
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fake_records as fake
import numpy as np
import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.leaderboard import rows
from bench.records import ResultsError, append, to_json
from bench.report import overtaking, ranking, render, write
from bench.report.answers import answers
from bench.report.provenance import machines

STEADY = {0: 2.0, 1: 2.02, 2: 1.98}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for record in fake.suite(10, repeats=2):
        append(tmp_path / "results", record)
    return tmp_path / "results"


def report(*args: object):
    return CliRunner().invoke(main, ["report", *map(str, args)])


def test_it_prints_ranking_failures_and_paths(results: Path) -> None:
    done = report(results)
    assert done.exit_code == 0, done.output
    assert "numba_sgd" in done.output
    assert "x cmfrec: Killed by signal 9" in done.output
    paths = [line for line in done.output.splitlines() if line.startswith(str(results))]
    assert {Path(path).suffix for path in paths} == {".png", ".svg", ".html"}
    assert all(Path(path).exists() for path in paths)


def test_target_and_baseline_can_be_asked_for(results: Path) -> None:
    done = report(results, "--target", "0.95", "--baseline", "numpy_als")
    assert "test RMSE 0.9500 (as asked), ratio to numpy_als" in done.output


def test_an_unknown_baseline_offers_the_nearest(results: Path) -> None:
    done = report(results, "--baseline", "numpy_asl")
    assert done.exit_code == 2
    assert "numpy_als" in done.output


@pytest.mark.parametrize("make", [True, False], ids=["empty", "missing"])
def test_no_results_is_one_sentence(tmp_path: Path, make: bool) -> None:
    directory = tmp_path / "none"
    if make:
        directory.mkdir()
    done = report(directory)
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert "holds no results" in done.output


def test_importing_the_command_loads_no_plotting_library() -> None:
    code = "import sys, bench.commands.report; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"matplotlib", "pandas", "plotly", "numpy", "rich"} & set(loaded.stdout.split())


def answer(*groups) -> str:
    (found,) = answers(rows([record for group in groups for record in group], target=0.9))
    return found.sentence


def test_a_winner_is_named_with_its_lead_and_interval() -> None:
    said = answer(fake.timed("slow", STEADY), fake.timed("fast", {0: 1.0, 1: 1.0, 2: 1.0}))
    assert said.startswith("fast is fastest: 500 ms of training to test RMSE 0.9000")
    assert re.search(r"slow, the next, takes 2\.00 times as long \(95% interval 1\.9\d to", said)


def test_there_is_no_winner_among_those_that_cannot_be_told_apart() -> None:
    said = answer(fake.timed("a", STEADY), fake.timed("b", {0: 2.5, 1: 1.7, 2: 2.1}))
    assert said.startswith("a and b can't be told apart")
    assert "fastest" not in said


def test_the_only_one_to_reach_the_target_is_said_to_be() -> None:
    missed = [replace(r, points=r.points[:4]) for r in fake.timed("b", STEADY)]
    assert answer(fake.timed("a", STEADY), missed).endswith("is the only one that reached it.")


def test_a_target_that_nobody_reached_names_the_nearest() -> None:
    missed = [replace(r, points=r.points[:4]) for r in fake.timed("a", STEADY)]
    assert "a came nearest with 0.9400" in answer(missed)


def test_a_flagged_backend_is_no_winner_and_is_named() -> None:
    cheat = fake.timed("cheat", {0: 0.1, 1: 0.1, 2: 0.1}, flags=("Reads the test set.",))
    (found,) = answers(rows([*cheat, *fake.timed("a", STEADY)], target=0.9))
    assert found.sentence.startswith("a took")
    assert found.warning.startswith("cheat is not ranked")


def test_everything_from_a_record_is_escaped() -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    env = replace(fake.ENV, command=evil, machine=evil)
    bad = fake.record(evil, status="error", reason=evil, flags=(evil,), env=env)
    good = fake.record(case_changes={"dataset": evil})
    page = render([bad, good])
    assert "<img" not in page
    assert page.count("</script>") == 4


def test_the_page_reaches_for_nothing_outside() -> None:
    page = render(fake.suite(5))
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "http" not in re.sub(r'<meta http-equiv="Content', "", markup)
    assert "default-src 'none'" in page


def test_the_raw_records_travel_with_the_page() -> None:
    records = fake.suite(3)
    packed = re.search(r'id="raw">([^<]*)<', render(records))
    assert packed is not None
    lines = lzma.decompress(base64.b64decode(packed[1])).decode().splitlines()
    assert lines == [to_json(record) for record in records]


def test_the_charts_numbers_are_the_records_medians() -> None:
    found = re.search(r'id="numbers">(.*?)</script>', render(fake.timed("a", STEADY)))
    assert found is not None
    (line,) = json.loads(found[1])["datasets"][0]["backends"]
    assert line["curves"]["test_rmse"]["epochs"]["y"][-1] == pytest.approx(0.8)
    assert line["curves"]["test_rmse"]["seconds"]["x"][-1] == pytest.approx(2.0)


def test_a_machine_is_described_once_with_all_that_ran_on_it() -> None:
    other = replace(fake.ENV, threads={"torch": 2}, commit="b93d457")
    (machine,) = machines([fake.record(), fake.record("torch_sgd", env=other)])
    assert machine["Commit"] == "a82c346, b93d457"
    assert machine["Threads, as each library reports"] == "numba 2, openblas 2, torch 2"


def test_the_same_records_give_the_same_page() -> None:
    assert render(fake.suite(2)) == render(fake.suite(2))


def test_five_hundred_records_stay_under_six_megabytes(tmp_path: Path) -> None:
    datasets = tuple(f"synthetic[size={k}]" for k in range(10))
    records = fake.suite(10, datasets, repeats=5)
    assert len(records) == 500
    assert write(records, tmp_path / "report.html").stat().st_size < 6e6


@pytest.mark.slow
def test_long_runs_stay_under_six_megabytes_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scores = fake.points(0.02, 0.93, 0.97, epochs=100)
    records = []
    for record in fake.suite(10, tuple(f"synthetic[size={k}]" for k in range(10)), repeats=5):
        clocks = rng.lognormal(0, 0.1, (len(scores), 3))
        points = tuple(
            replace(p, train_s=p.train_s * t, snapshot_s=p.snapshot_s * s, eval_s=p.eval_s * e)
            for p, (t, s, e) in zip(scores, clocks.tolist())
        )
        records.append(replace(record, points=points))
    assert write(records, tmp_path / "report.html").stat().st_size < 6e6


def test_break_even_says_when_a_slow_starter_overtakes() -> None:
    slow = fake.record("slow", points=fake.points(0.1, 0.93), import_s=0.0, warmup_s=0.0)
    late = fake.record("late", points=fake.points(0.01, 0.93), import_s=0.0, warmup_s=0.9)
    never = fake.record("never", points=fake.points(0.2, 0.93), import_s=0.0, warmup_s=0.9)
    found = overtaking.table(rows([slow, late, never]))
    assert found is not None
    said = {line.cells[0].text: line.cells[3].text for line in found.lines}
    assert said == {"slow": "-", "late": "10 epochs", "never": "never"}


def test_memory_is_that_of_the_backend_with_data_and_device_beside_it() -> None:
    problem = fake.PROBLEM | {"data_mb": 40.0}
    page = render([fake.record("torch_sgd@cuda", problem=problem, device_peak_mb=512.0)])
    assert "The ratings take 40 MB more." in page
    assert "200<small>and 512 on the GPU</small>" in page


def test_the_share_of_the_machines_limit_stands_with_what_it_is_bound_by() -> None:
    rate = {"ratings_hz": 1e6, "bytes_hz": 2e9, "flops_hz": 3e9, "of_limit": 0.25,
            "bound": "memory"}  # fmt: skip
    (line,) = ranking.speed(rows([fake.record(rate=rate)])).lines
    assert [cell.text for cell in line.cells[3:]] == ["2.00", "3.00", "25%", "memory"]


def test_records_without_env_or_points_still_make_a_page() -> None:
    bare = fake.record(env=None, points=(), problem={}, status="error", reason="Killed.")
    assert "Killed." in render([bare])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="Cannot write"):
        write(fake.suite(2), tmp_path / "file" / "report.html")
