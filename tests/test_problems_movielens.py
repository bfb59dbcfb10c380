"""MovieLens archives are verified, read in file order, and asked for politely."""

from __future__ import annotations

import functools
import http.server
import ssl
import threading
import urllib.error
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.problems import DataError, describe, load_problem
from bench.problems.archives import obtain, sha256
from bench.problems.downloads import Web
from bench.problems.movielens import MovieLens
from bench.problems.movielens_sets import COLONS, CSV, DATASETS, RESTRICTED, TABS

TEXTS = {
    "ml-100k": "7\t20\t3\t881250949\n9\t10\t5\t891717742\n7\t10\t1\t878887116\n",
    "ml-1m": "7::20::3::881250949\n9::10::5::891717742\n7::10::1::878887116\n",
    "ml-10m": "7::20::3::881250949\n9::10::5::891717742\n7::10::1.0::878887116\n",
    "ml-20m": "userId,movieId,rating,timestamp\n7,20,3.0,881250949\n9,10,5.0,891717742\n"
    "7,10,1.0,878887116\n",
}
TEXTS |= {"ml-25m": TEXTS["ml-20m"], "ml-32m": TEXTS["ml-20m"]}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def archive(path: Path, member: str, text: str) -> str:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(member, text)
    return sha256(path)


@pytest.fixture
def small(
    request: pytest.FixtureRequest, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> MovieLens:
    """A data set with three ratings in the format of the one named, its zip put in by hand."""
    known = DATASETS[request.param]
    web, member = known.sources[0]
    digest = archive(cache / web.file, member.name, TEXTS[known.name])
    source = Web(web.file, digest, "", "https://localhost:1/never-asked")
    dataset = MovieLens(known.name, (2, 2, 3), known.licence, ((source, member),), ("u1",))
    monkeypatch.setitem(DATASETS, known.name, dataset)
    return dataset


@pytest.mark.parametrize("small", DATASETS, indirect=True)
def test_each_format_is_read_and_ids_are_numbered_in_their_order(small: MovieLens) -> None:
    table = small.load(True, pytest.fail)
    assert table.users.tolist() == [0, 1, 0]
    assert table.items.tolist() == [1, 0, 0]
    assert table.ratings.tolist() == [3, 5, 1]
    assert table.times is not None
    assert table.times.tolist() == [881250949, 891717742, 878887116]
    assert (table.n_users, table.n_items) == (2, 2)


@pytest.mark.parametrize("small", ["ml-1m"], indirect=True)
def test_a_spec_leads_to_the_archive_in_the_cache(small: MovieLens) -> None:
    p = load_problem("ml-1m[time=0.6]")
    assert p.train.ratings.tolist() == [3, 1]
    assert p.test.ratings.tolist() == [5]


@pytest.mark.parametrize("small", ["ml-1m"], indirect=True)
def test_a_file_with_another_hash_is_refused_with_both(small: MovieLens, cache: Path) -> None:
    path = cache / "ml-1m.zip"
    path.write_bytes(b"something else")
    with pytest.raises(DataError) as refusal:
        load_problem("ml-1m")
    assert str(path) in str(refusal.value)
    assert sha256(path) in str(refusal.value)
    assert small.sources[0][0].sha256 in str(refusal.value)


def test_an_archive_without_its_member_is_named(cache: Path) -> None:
    source = Web("x.zip", archive(cache / "x.zip", "other", ""), "", "")
    dataset = MovieLens("x", (1, 1, 1), "", ((source, DATASETS["ml-1m"].sources[0][1]),))
    with pytest.raises(DataError, match=r"x\.zip has no readable ml-1m/ratings\.dat"):
        dataset.load(False, print)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server of this machine that serves tmp_path; its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_a_download_is_verified_kept_and_its_licence_shown_once(
    server: str, tmp_path: Path, cache: Path
) -> None:
    member = DATASETS["ml-1m"].sources[0][1]
    digest = archive(tmp_path / "ml-1m.zip", member.name, TEXTS["ml-1m"])
    source = Web("ml-1m.zip", digest, "", f"{server}/ml-1m.zip")
    dataset = MovieLens("ml-1m", (2, 2, 3), RESTRICTED, ((source, member),))
    said: list[str] = []
    for _ in range(2):
        assert len(dataset.load(False, said.append)) == 3
    assert len(said) == 1
    assert "research use only" in said[0]
    assert [path.name for path in cache.iterdir()] == ["ml-1m.zip"]


def test_a_download_with_another_hash_is_not_kept(server: str, tmp_path: Path, cache: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"tampered with")
    found = sha256(tmp_path / "x.zip")
    with pytest.raises(DataError, match=f"x.zip came with sha256 {found}, not 0000"):
        obtain([Web("x.zip", "0000", "", f"{server}/x.zip")])
    assert not list(cache.iterdir())


def test_every_source_is_tried_and_the_last_word_says_what_to_put_where(
    server: str, cache: Path
) -> None:
    sources = [Web("x.zip", "aa", "bb", f"{server}/x.zip"), Web("y", "cc", "", f"{server}/y")]
    with pytest.raises(DataError) as refusal:
        obtain(sources)
    sentence = str(refusal.value)
    assert f"{server}/x.zip answered 404" in sentence
    assert f"{server}/y answered 404" in sentence
    assert f"put it in {cache}" in sentence
    assert "sha256 is aa (md5 bb, as published)" in sentence


def test_a_lapsed_certificate_is_named_and_not_waved_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lapsed = ssl.SSLCertVerificationError()
    lapsed.verify_message = "certificate has expired"

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError(lapsed)

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(DataError, match=r"has no valid certificate \(certificate has expired\)"):
        obtain([Web("x.zip", "", "", "https://x/x.zip")])


def test_an_absent_server_is_one_sentence() -> None:
    with pytest.raises(DataError, match=r"could not be reached .*Get the file by other means"):
        obtain([Web("x.zip", "", "", "http://127.0.0.1:1/x.zip")])


def test_the_published_formats_are_the_pinned_ones() -> None:
    layouts = {name: dataset.sources[0][1].layout for name, dataset in DATASETS.items()}
    assert layouts == {
        "ml-100k": TABS,
        "ml-1m": COLONS,
        "ml-10m": COLONS,
        "ml-20m": CSV,
        "ml-25m": CSV,
        "ml-32m": CSV,
    }


@pytest.mark.network
def test_movielens_100k_is_the_data_set_that_its_readme_describes() -> None:
    ua, ub = load_problem("ml-100k[official=ua]"), load_problem("ml-100k[official=ub]")
    facts = describe(load_problem("ml-100k"))
    assert (facts.n_users, facts.n_items, facts.n_train, facts.n_test) == (
        943,
        1682,
        80_000,
        20_000,
    )
    assert facts.per_user[0] == 20
    assert facts.mean == pytest.approx(3.52835)
    for p in (ua, ub):
        assert (np.bincount(p.test.users) == 10).all()
    pairs = [set(zip(p.test.users.tolist(), p.test.items.tolist(), strict=True)) for p in (ua, ub)]
    assert not pairs[0] & pairs[1]
