"""The user's own file: every format, any ids, any scale; faults are named with their place."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.problems import DataError, load_problem, ratings_file
from bench.problems.ratings_file import RatingsFile
from bench.problems.table import Table

ROWS = [("ann", "x", 1.0), ("bob", "y", 0.0), ("ann", "y", -10.0), ("cy", "z", 100.0)]
CODES = [(0, 0, 1.0), (1, 1, 0.0), (0, 1, -10.0), (2, 2, 100.0)]
PLAIN = "ann,x,1\nbob,y,0\nann,y,-10\ncy,z,100\n"


def load(path: Path, needs_times: bool = False, **options: str) -> Table:
    return RatingsFile(path, **options).load(needs_times, print)


def rows(table: Table) -> list[tuple[int, int, float]]:
    columns = (table.users.tolist(), table.items.tolist(), table.ratings.tolist())
    return list(zip(*columns, strict=True))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str | bytes, name: str = "r.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "::"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", " "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\n\n").replace(",", " , "),
        "user,item,rating\n" + PLAIN,
        "\ufeffuserId,movieId,rating\n" + PLAIN,
        "\n\nuser_id:token\titem_id:token\trating:float\n" + PLAIN.replace(",", "\t"),
        'Rating;"The item id";User ID\n1;x;ann\n0;y;bob\n-10;y;ann\n100;z;cy\n'.replace(
            "The item id", "ItemID"
        ),
    ],
)
def test_text_is_read_with_any_separator_with_and_without_header(
    write: Callable[..., Path], text: str
) -> None:
    assert rows(load(write(text))) == CODES


def test_compressed_text_is_read(write: Callable[..., Path]) -> None:
    assert rows(load(write(gzip.compress(PLAIN.encode()), "r.csv.gz"))) == CODES


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("who,what,much\n" + PLAIN, {"user": "who", "item": "what", "rating": "much"}),
        ("who,what,much\n" + PLAIN, {"user": "1", "item": "2", "rating": "3"}),
        ("1,x,ann\n0,y,bob\n-10,y,ann\n100,z,cy\n", {"user": "3", "rating": "1"}),
        ("0,0,0\n" + PLAIN, {"header": "yes", "user": "1", "item": "2", "rating": "3"}),
        (PLAIN.replace(",", "|"), {"separator": "bar"}),
    ],
)
def test_columns_header_and_separator_can_be_told(
    write: Callable[..., Path], text: str, options: dict[str, str]
) -> None:
    assert rows(load(write(text), **options)) == CODES


def test_quoted_ids_may_hold_the_separator(write: Callable[..., Path]) -> None:
    table = load(write('"a,1",x,1\n"a,2",y,2\n'))
    assert table.users.tolist() == [0, 1]


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file.getvalue()


@pytest.mark.parametrize(
    "ids",
    [[7, 9, 7, 8], [2**40, -1, 2**40, 0], [0.5, 1.5, 0.5, 2.5], ["ann", "bob", "ann", "cy"]],
)
def test_ids_of_any_type_become_numbers_by_first_appearance(
    write: Callable[..., Path], ids: list[Any]
) -> None:
    items, ratings = ["x", "y", "y", "z"], [1, 0, -10, 100]
    text = "\n".join(f"{u},{i},{r}" for u, i, r in zip(ids, items, ratings, strict=True))
    paths = (
        write(npz(users=ids, items=items, ratings=ratings), "r.npz"),
        write(parquet(userId=ids, movieId=items, rating=ratings), "r.parquet"),
        write(text),
    )
    for path in paths:
        assert rows(load(path)) == CODES


def test_categories_of_parquet_are_decoded(write: Callable[..., Path]) -> None:
    users = pa.DictionaryArray.from_arrays([1, 2, 1, 3], ["unused", "ann", "bob", "cy"])
    path = write(parquet(user=users, item=list("xyyz"), rating=[1, 0, -10, 100]), "r.parquet")
    assert rows(load(path)) == CODES
    assert load(path).n_users == 3


ids = st.text(
    st.characters(categories=["L", "N", "P", "S"], max_codepoint=0x2FFF), min_size=1, max_size=8
)
ratings = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(cells=st.dictionaries(st.tuples(ids, ids), ratings, min_size=2, max_size=12))
@pytest.mark.parametrize("form", ["csv", "tsv", "npz", "parquet"])
def test_what_is_written_is_read(form: str, cells: dict[tuple[str, str], float]) -> None:
    users, items = ([pair[k] for pair in cells] for k in (0, 1))
    assume(len(set(users)) > 1 and len(set(items)) > 1)
    columns = {"user": users, "item": items, "rating": list(cells.values())}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"r.{form}")
        if form in ("npz", "parquet"):
            path.write_bytes({"npz": npz, "parquet": parquet}[form](**columns))
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, delimiter="," if form == "csv" else "\t")
                writer.writerow(columns)
                writer.writerows(zip(*columns.values(), strict=True))
        separator = {"csv": "comma", "tsv": "tab"}.get(form, "auto")
        table = load(path, separator=separator)
    codes = [list(dict.fromkeys(column)) for column in (users, items)]
    expected = [(codes[0].index(u), codes[1].index(i), r) for (u, i), r in cells.items()]
    assert rows(table) == expected


@pytest.mark.parametrize(
    "times",
    [["3", "1", "4", "2"], ["3e9", "1.5", "4e9", "2"],
     ["2020-03-01", "2020-01-01", "2020-04-01", "2020-02-01"],
     ["2020-03-01 10:00:00", "2020-01-01 10:00:00", "2020-04-01 10:00:00", "2020-02-01 10:00:00"]],
)  # fmt: skip
def test_timestamps_may_be_numbers_or_dates(write: Callable[..., Path], times: list[str]) -> None:
    lines = zip(PLAIN.splitlines(), times, strict=True)
    path = write("user,item,rating,timestamp\n" + "".join(f"{a},{t}\n" for a, t in lines))
    p = load_problem_in(path.parent, f"{path}[time=0.5]")
    assert p.train.ratings.tolist() == [0, 100]
    assert p.test.ratings.tolist() == [1, -10]


def load_problem_in(folder: Path, spec: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MFBENCH_DATA", str(folder / "cache"))
        return load_problem(spec)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("user,item,rating\n", "has a header and no ratings."),
        ("user,item,rating", "has a header and no ratings."),
        ("ann bob\n", "the first line, 'ann bob', has fewer than the three columns"),
        ("a,b,c\n" + PLAIN, "no user column that can be told by name (its columns are a, b, c)"),
        (PLAIN + "dee,x,good\n", "line 5: the rating 'good' is not a number"),
        ("\nuser,item,rating\n\n" + PLAIN + "\ndee,x,good\n", "line 9: the rating 'good' is not"),
        (PLAIN + "dee,x,\n", "line 5: the rating '' is not a number"),
        (PLAIN + "dee,x,nan\n", "line 5: the rating 'nan' is not a finite number"),
        (PLAIN + "dee,x,-inf\n", "line 5: the rating '-inf' is not a finite number"),
        (PLAIN + "dee,x,1e39\n", "line 5: the rating '1e39' is not a finite number in float32"),
        (PLAIN + ",x,3\n", "line 5: the user is blank"),
        (PLAIN + "dee, ,3\n", "line 5: the item is blank"),
        (PLAIN + "dee,x\n", "line 5: 2 columns, not 3, in 'dee,x'"),
        (PLAIN + "dee,x,1,2\n", "line 5: 4 columns, not 3, in 'dee,x,1,2'"),
        ("ann,x,1\nann,y,2\n", "has a single user, ann; a factorization needs at least two."),
        ("ann,x,1\nbob,x,2\n", "has a single item, x"),
        (b"ann,x,1\n\xff,y,2\n", "can't be read as UTF-8 text"),
        (
            PLAIN + "bob,y,3\nann,x,1\nann,x,5\n",
            "rates 2 pairs more than once, such as user ann and item x on line 1 and line 6; say "
            "duplicates=last or duplicates=mean.",
        ),
    ],
)
def test_a_fault_in_text_is_named_with_its_line(
    write: Callable[..., Path], text: str | bytes, sentence: str
) -> None:
    path = write(text)
    with pytest.raises(DataError) as refusal:
        load(path)
    assert str(path) in str(refusal.value)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("r.npz", b"junk", "is no NPZ file"),
        ("r.parquet", b"junk", "can't be read as Parquet"),
        ("r.csv.gz", b"junk", "can't be read as UTF-8 text"),
        ("r.npz", npz(users=[1, None], items=[1, 2], ratings=[1, 2]), "Object arrays cannot be"),
        ("r.npz", npz(users=[1, 2], items=[1, 2]), "no rating column"),
        ("r.npz", npz(users=[1, 2, 3], items=[1, 2], ratings=[1, 2]), "flat and of one length"),
        ("r.npz", npz(users=[1.0, np.nan], items=[1, 2], ratings=[1, 2]), "row 2: the user is"),
        ("r.npz", npz(users=[1, 2], items=[1, 2], ratings=["1", "x"]), "row 2: the rating 'x'"),
        ("r.npz", npz(users=[1, 2], items=[1, 2], ratings=[1, 2j]), "ratings holds complex128"),
        ("r.parquet", parquet(user=["a", None], item=[1, 2], rating=[1, 2]), "row 2: the user is"),
        ("r.parquet", parquet(user=[[1], [2]], item=[1, 2], rating=[1, 2]), "use numbers or text"),
        ("r.parquet", parquet(user=[1, 2], item=[1, 2], rating=[None, 2]), "row 1: the rating"),
        ("r.parquet", parquet(user=[], item=[], rating=[]), "has no ratings"),
    ],
)  # fmt: skip
def test_a_fault_in_a_binary_file_is_named_with_its_row(
    write: Callable[..., Path], name: str, content: bytes, sentence: str
) -> None:
    with pytest.raises(DataError) as refusal:
        load(write(content, name))
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"user": "usr"}, "Unknown column 'usr'; did you mean user?"),
        ({"user": "7"}, "Unknown column '7'"),
        ({"user": "item"}, "one column can't be two of user, item, rating"),
        ({"header": "no"}, "line 1: the rating 'rating' is not a number"),
        ({"header": "no", "user": "who"}, "user takes a column's number from 1 to 3, not 'who'"),
        ({"separator": "tab"}, "fewer than the three columns"),
    ],
)
def test_a_wrong_option_is_refused(
    write: Callable[..., Path], options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DataError) as refusal:
        load(write("user,item,rating\n" + PLAIN), **options)
    assert sentence in str(refusal.value)


def test_a_binary_file_takes_no_option_of_text() -> None:
    with pytest.raises(DataError, match="npz has no header and no separator to set"):
        RatingsFile(Path("r.npz"), header="no")


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        ("1,2,3,soon", "line 5: the timestamp 'soon' is neither a number nor a date"),
        ("1,2,3,", "line 5: the timestamp '' is neither"),
        ("1,nan,3,4", "line 3: the timestamp 'nan' is neither"),
        ("2020-01-01,2020-01-02,2020-02-30,2020-03-01", "line 4: the timestamp '2020-02-30'"),
    ],
)
def test_a_bad_timestamp_matters_only_to_a_split_by_time(
    write: Callable[..., Path], times: str, sentence: str
) -> None:
    lines = zip(PLAIN.splitlines(), times.split(","), strict=True)
    path = write("user,item,rating,timestamp\n" + "".join(f"{a},{t}\n" for a, t in lines))
    assert rows(load(path)) == CODES
    with pytest.raises(DataError) as refusal:
        load(path, needs_times=True)
    assert sentence in str(refusal.value)


def test_a_split_by_time_needs_a_column(write: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="no timestamp column"):
        load(write(PLAIN), needs_times=True)


@pytest.mark.parametrize(("policy", "rating"), [("last", 5.0), ("mean", 3.0)])
def test_duplicates_are_settled_where_the_last_of_them_was(
    write: Callable[..., Path], policy: str, rating: float
) -> None:
    path = write("ann,x,1\nbob,y,2\nann,x,3\nann,y,4\nann,x,5\n")
    expected = [(1, 1, 2.0), (0, 1, 4.0), (0, 0, rating)]
    assert rows(load(path, duplicates=policy)) == expected


def test_more_ids_than_int32_can_number_are_refused(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratings_file, "MOST_IDS", 2)
    with pytest.raises(DataError, match="has 3 users, more than int32 can number"):
        load(write(PLAIN))
