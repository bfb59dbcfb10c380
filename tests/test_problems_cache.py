"""A problem is made once, whole or not at all, and mapped read-only with the hash of its bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.problems import DataError, load_problem, materialise, open_problem
from bench.problems.catalog import make, request
from mfimpls import Problem

SPEC = "synthetic[users=40,items=30,ratings=400]"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def leftovers(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if ".making" in path.name]


def test_a_stored_problem_is_the_problem_that_was_made() -> None:
    made, opened = make(request(SPEC)), load_problem(SPEC)
    for part in ("train", "test"):
        for a, b in zip(getattr(made, part).columns, getattr(opened, part).columns, strict=True):
            assert np.array_equal(a, b)
    for field in ("name", "n_users", "n_items", "mean", "sha256", "noise_floor", "task"):
        assert getattr(made, field) == getattr(opened, field)


def test_the_hash_is_that_of_the_mapped_bytes() -> None:
    p = load_problem(SPEC)
    assert Problem.of(p.name, p.train, p.test, (p.n_users, p.n_items)).sha256 == p.sha256


def test_mapped_arrays_are_plain_and_read_only() -> None:
    for column in load_problem(SPEC).train.columns:
        assert type(column) is np.ndarray
        assert not column.flags.writeable
        assert column.flags.c_contiguous


def test_the_second_time_nothing_is_made() -> None:
    folder = materialise(SPEC)
    written = (folder / "meta.json").stat().st_mtime_ns
    assert materialise(f" {SPEC} ") == folder
    assert (folder / "meta.json").stat().st_mtime_ns == written


def test_an_edited_file_is_another_problem(tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("a,x,1\nb,y,2\nc,z,3\n", encoding="utf-8")
    before = materialise(f"{file}[holdout=0.5]")
    file.write_text("a,x,1\nb,y,2\nc,z,4\n", encoding="utf-8")
    assert materialise(f"{file}[holdout=0.5]") != before


def test_a_folder_without_meta_does_not_count(cache: Path) -> None:
    folder = materialise(SPEC)
    (folder / "meta.json").unlink()
    with pytest.raises(DataError, match="holds no readable problem"):
        open_problem(folder)
    assert open_problem(materialise(SPEC)).n_users == 40


def test_two_processes_may_make_the_same_problem_at_once(cache: Path) -> None:
    code = f"from bench.problems import load_problem; print(load_problem({SPEC!r}).sha256)"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    hashes = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert hashes == {f"{load_problem(SPEC).sha256}\n"}
    assert not leftovers(cache)


def test_a_full_disk_leaves_nothing_behind(cache: Path) -> None:
    resource = pytest.importorskip("resource")
    code = f"from bench.problems import materialise; materialise({SPEC!r})"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"DataError: Cannot write the data cache {cache}" in done.stderr
    assert "make room, or name another directory with MFBENCH_DATA." in done.stderr
    assert not leftovers(cache)
    assert not list(cache.glob("problems/*"))


def test_an_unwritable_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "file" / "cache"))
    with pytest.raises(
        DataError, match=r"Cannot write the data cache .*Not a directory; make room"
    ):
        materialise(SPEC)


def test_opening_a_problem_loads_no_parser() -> None:
    folder = materialise(SPEC)
    code = (
        "import sys; from pathlib import Path; from bench.problems import open_problem; "
        f"open_problem(Path({str(folder)!r})); "
        "sys.exit(bool({'pyarrow', 'pandas', 'scipy', 'urllib.request'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=dict(os.environ)).returncode == 0
