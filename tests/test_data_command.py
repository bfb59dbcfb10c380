"""`mfbench data`: lists, gets and describes, and refuses with exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.__main__ import main

SMALL = "synthetic[users=40,items=30,ratings=400,noise=0.5]"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "cache"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["data", *arguments])


def test_list_names_data_sets_options_and_splits() -> None:
    shown = run("list").output
    for text in ("synthetic[size=m]", "ml-32m", "32,000,204", "duplicates=error", "fold=2/5"):
        assert text in shown


def test_list_says_what_is_here(cache: Path) -> None:
    cache.mkdir()
    (cache / "ml-1m.zip").touch()
    rows = {row["data set"]: row for row in json.loads(run("list", "--json").output)}
    assert rows["ml-1m"]["here"] == "yes"
    assert rows["ml-10m"]["here"] == "no"
    assert rows["ml-100k"]["official"] == "u1 u2 u3 u4 u5 ua ub"


def test_get_prints_the_folder() -> None:
    assert (Path(run("get", SMALL).stdout.strip()) / "train_ratings.npy").is_file()


def test_info_describes_the_problem() -> None:
    facts = json.loads(run("info", SMALL, "--json").stdout)
    assert (facts["n_users"], facts["n_items"]) == (40, 30)
    assert (facts["n_train"], facts["n_test"]) == (360, 40)
    assert facts["density"] == pytest.approx(1 / 3)
    assert facts["noise_floor"] < facts["mean_rmse"]
    shown = run("info", SMALL).stdout
    assert facts["sha256"] in shown
    assert "360 training, 40 test" in shown


def test_info_counts_test_ratings_that_nothing_was_trained_for(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "user,item,rating,time\na,x,1,1\nb,x,3,2\na,y,2,3\nb,x2,4,4\n", encoding="utf-8"
    )
    facts = json.loads(run("info", f"{path}[time=0.5]", "--json").stdout)
    assert facts["cold_test_rows"] == 2
    assert facts["mean"] == 2
    assert facts["mean_rmse"] == pytest.approx(2**0.5)
    assert facts["per_user"] == [2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("info", "sinthetic"), "did you mean synthetic?"),
        (("get", "missing.csv"), "There is no ratings file missing.csv"),
        (("get", "synthetic[time=0.8]"), "needs a timestamp"),
        (("get",), "Missing argument 'SPEC'"),
    ],
)
def test_a_request_that_cannot_be_honoured_is_one_sentence_and_exit_code_2(
    arguments: tuple[str, ...], sentence: str
) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert sentence in done.output
    assert "Traceback" not in done.output
