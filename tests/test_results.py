"""A results directory knows its targets and what the gate said: settled, not recomputed."""

import json
from dataclasses import replace
from pathlib import Path

import fake_records as fake
import pytest

from bench import results
from bench.records import Record, ResultsError, append
from bench.target import target_of

DATASET = fake.record().case.dataset


def filled(directory: Path, *records: Record) -> Path:
    for record in records or (fake.record(),):
        append(directory, record)
    return directory


def aim(directory: Path, asked: str | None = None) -> tuple[str, float]:
    target = target_of(results.read(directory, asked))
    return target.metric, target.value


def test_a_target_is_derived_once_and_then_stays(tmp_path):
    filled(tmp_path)
    results.settle_targets(tmp_path, results.load(tmp_path), {})
    before = aim(tmp_path)
    better = replace(fake.record(), points=fake.points(0.5, floor=0.5))
    append(tmp_path, replace(better, case=replace(better.case, repeat=9)))
    results.settle_targets(tmp_path, results.load(tmp_path), {})
    assert aim(tmp_path) == before


def test_a_known_target_goes_before_a_derived_one(tmp_path):
    known = {"metric": "test_rmse", "value": 0.93, "origin": "stored with the suite"}
    results.settle_targets(
        filled(tmp_path), results.load(tmp_path), {DATASET: {"test_rmse": known}}
    )
    assert aim(tmp_path) == ("test_rmse", 0.93)
    assert aim(tmp_path, "J")[0] == "J"


def test_an_asked_target_goes_before_all(tmp_path):
    filled(tmp_path)
    assert aim(tmp_path, "0.91") == ("test_rmse", 0.91)
    assert aim(tmp_path, "J=0.7") == ("J", 0.7)


@pytest.mark.parametrize("text", ["fast", "0", "-1", "nan", "mae=0.7", "J="])
def test_a_target_that_is_none_is_one_sentence(tmp_path, text):
    with pytest.raises(ResultsError, match="is no target; write a test RMSE"):
        results.read(filled(tmp_path), text)


def verdict(agrees: bool, code: str) -> dict[str, object]:
    sentence = "" if agrees else "the penalty is doubled"
    return {"agrees": agrees, "sentence": sentence, "families": [], "code_sha256": code}


@pytest.mark.parametrize(
    ("agrees", "code", "flags"),
    [
        (False, "c0de", ("disagrees: the penalty is doubled",)),
        (True, "c0de", ()),
        (False, "another source", ()),
    ],
)
def test_the_gates_verdict_holds_for_the_source_that_it_judged(tmp_path, agrees, code, flags):
    record = replace(fake.record(), code_sha256="c0de", flags=())
    filled(tmp_path, record)
    results.store_agreement(tmp_path, {record.case.backend: verdict(agrees, code)})
    (read,) = results.read(tmp_path)
    assert read.flags == flags
    assert bool(read.gate) == (code == "c0de")


def test_a_verdict_holds_for_all_settings_of_the_source_that_it_judged(tmp_path):
    filled(tmp_path, fake.record("numpy_sgd[batch=1]", code_sha256="c0de"))
    results.store_agreement(tmp_path, {"numpy_sgd": verdict(False, "c0de")})
    (read,) = results.read(tmp_path)
    assert read.flags == ("disagrees: the penalty is doubled",)


def test_what_holds_for_all_settings_of_a_source_is_listed_once():
    gate, other = {"families": [{"family": "als"}]}, {"families": [{"family": "sgd"}]}
    records = [
        fake.record("a", gate=gate), fake.record("a[batch=2]", gate=gate),
        fake.record("a[batch=4]", gate=other), fake.record("b", gate=gate), fake.record("c"),
    ]  # fmt: skip
    assert list(results.families(records)) == ["a", "a[batch=4]", "b"]


def test_verdicts_of_other_backends_are_kept(tmp_path):
    results.store_agreement(tmp_path, {"a": verdict(True, "1")})
    results.store_agreement(tmp_path, {"b": verdict(False, "2")})
    assert set(json.loads((tmp_path / results.AGREEMENT).read_text())) == {"a", "b"}


def test_a_spoilt_file_is_one_sentence(tmp_path):
    (filled(tmp_path) / results.TARGETS).write_text("{")
    with pytest.raises(ResultsError, match="delete it and run again"):
        results.read(tmp_path)
