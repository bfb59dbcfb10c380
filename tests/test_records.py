"""Records survive what disks, crashes and other versions do to them, and refuse to be mixed."""

import dataclasses
import json
import math
import os
import resource
import signal

import pytest

from bench.records import (
    FILE_NAME,
    Case,
    Env,
    Point,
    Record,
    ResultsError,
    append,
    ensure_writable,
    from_json,
    load,
    refuse_to_mix,
    to_json,
)


def case(**changes):
    base = {
        "backend": "numba_sgd",
        "dataset": "synthetic[size=s]",
        "hyper": {"rank": 16, "reg": 0.05, "reg_bias": 0.01, "biases": True},
        "epochs": 2,
        "budget_s": 1.0,
        "timeout_s": 10.0,
        "threads": 2,
    }
    return Case(**base | changes)


def env(machine="this machine"):
    return Env(
        machine=machine, threads={"numba": 2}, packages={"numpy": "2.0"}, python="3.11",
        gpu=None, commit="abc", dirty=False, command="mfbench run",
    )  # fmt: skip


def record(status="ok", machine="this machine", sha256="d", **changes):
    point = Point(epoch=1, train_s=0.1, J=0.9, train_rmse=0.8, test_rmse=math.nan,
                  test_mae=0.7, snapshot_s=1e-4, eval_s=1e-2)  # fmt: skip
    return Record(
        case=case(**changes), status=status, env=env(machine), problem={"sha256": sha256},
        setup_s=0.2, points=(point,), flags=("a flag",),
    )  # fmt: skip


def test_a_record_comes_back_as_it_was():
    before = record()
    after = from_json(to_json(before))
    assert math.isnan(after.points[0].test_rmse)
    assert to_json(after) == to_json(before)
    assert after.case == before.case
    assert after.case.key == before.case.key


def test_the_key_changes_with_every_field_of_a_case():
    keys = {case().key, case(repeat=1).key, case(threads=1).key, case(hyper={"rank": 8}).key}
    assert len(keys) == 4


def test_json_has_no_nan():
    json.loads(to_json(record()), parse_constant=lambda c: pytest.fail(f"found {c}"))


def test_the_newest_record_of_a_case_stands(tmp_path):
    append(tmp_path, record("error"))
    append(tmp_path, record("ok", repeat=1))
    append(tmp_path, record("ok"))
    assert [(r.case.repeat, r.status) for r in load(tmp_path)] == [(1, "ok"), (0, "ok")]


def test_no_directory_is_no_records(tmp_path):
    assert load(tmp_path / "nowhere") == []


def test_a_torn_last_line_is_dropped_with_a_warning_and_spoils_nothing_after_it(tmp_path):
    append(tmp_path, record())
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write(to_json(record(repeat=1))[:100])
    append(tmp_path, record(repeat=2))
    with pytest.warns(UserWarning, match=rf"{FILE_NAME}:2 was left out"):
        assert [r.case.repeat for r in load(tmp_path)] == [0, 2]


@pytest.mark.parametrize("line", ['{"schema": 99}', "[]", "{}", '{"schema": 1, "case": {}}', "\0"])
def test_a_line_that_is_no_record_is_dropped_with_a_warning(tmp_path, line):
    (tmp_path / FILE_NAME).write_text(line + "\n")
    with pytest.warns(UserWarning, match="was left out"):
        assert load(tmp_path) == []


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path):
    append(tmp_path, record())
    path = tmp_path / FILE_NAME
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then write() fails with EFBIG
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
    try:
        with pytest.raises(ResultsError, match=r"Cannot write .*make room"):
            append(tmp_path, record(repeat=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before


def test_a_directory_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match=r"Cannot write .*choose another directory"):
        ensure_writable(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it likes")
def test_a_read_only_directory_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ResultsError, match="Cannot write"):
        ensure_writable(tmp_path)


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (record(machine="another"), "machine"),
        (record(sha256="e"), "data sha256"),
        (record(hyper={"rank": 8, "reg": 0.05, "reg_bias": 0.01, "biases": True}), "rank"),
        (record(hyper={"rank": 16, "reg": 0.1, "reg_bias": 0.01, "biases": True}), "reg "),
    ],
)
def test_records_that_differ_in_what_matters_refuse_to_mix_and_name_the_field(other, field):
    with pytest.raises(ResultsError, match=f"differ in {field}"):
        refuse_to_mix([record(), other])


def test_records_of_different_contests_may_differ():
    refuse_to_mix([record(), record(dataset="ml-100k", sha256="e"), record(threads=1, sha256="e")])


def test_records_are_immutable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        record().status = "ok"
