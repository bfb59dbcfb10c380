"""Lines of code: the backend's own, its helpers included, charged to what they are there for."""

import re
from pathlib import Path

import pytest

from bench.lines import charge, counted


def lines(folder: Path, source: str) -> dict[str, int]:
    (folder / "mine.py").write_text(source)
    return counted(folder / "mine.py")


def test_layout_comments_and_docstrings_cost_nothing(tmp_path: Path) -> None:
    short = lines(tmp_path, "def f(x):\n    y = x + 1\n    return y\n")
    long = lines(
        tmp_path,
        '"""What it is."""\n\n# Why.\ndef f(\n    x,\n):\n    """What it does."""\n'
        "    y = (\n        x\n        + 1\n    )\n    return y\n",
    )
    assert short == long
    assert short["total"] == 3


def test_helpers_that_it_imports_are_its_own_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "_used.py").write_text("from mfimpls.backends._deeper import z\nx = z\n")
    (tmp_path / "_deeper.py").write_text("z = 1\n")
    (tmp_path / "_unused.py").write_text("y = 2\n" * 50)
    assert lines(tmp_path, "from mfimpls.backends._used import x\n")["total"] == 4


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if hyper.biases:\n    u = 1\n    i = 2\nelse:\n    v = 3\n", 4),
        ("e = r - b[u] - c[i]\nx = e\n", 1),
        ("def move_bias(x):\n    y = x\n    return y\n", 3),
        ("def f(P, b):\n    y = P\n    return y\n", 1),
        ("x = 1\n", 0),
    ],
    ids=[
        "an if",
        "a statement",
        "a function",
        "an argument",
        "nothing",
    ],
)
def test_what_is_there_for_the_biases_is_charged_to_them(tmp_path, source, expected) -> None:
    assert lines(tmp_path, source)["biases"] == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def adam(x):\n    y = x\n    return y\n", (3, 0)),
        ("RULES = {'adam': f, 'sgd': g}\n", (0, 1)),
        ("adam = f(x)\ny = adam + 1\n", (1, 1)),
        ("from m import adam\n", (1, 0)),
        ("from m import adam, sgd\n", (0, 1)),
        ("if adam:\n    x = 1\nelse:\n    x = adam\n", (3, 1)),
        ("x = 1\n", (0, 0)),
    ],
    ids=[
        "a function",
        "an entry",
        "an assignment",
        "an import",
        "a shared import",
        "an if",
        "nothing",
    ],
)
def test_own_lines_are_there_for_an_option_alone_and_shared_ones_name_it(
    tmp_path, source, expected
) -> None:
    (tmp_path / "mine.py").write_text(source)
    found = charge(tmp_path / "mine.py", re.compile("^adam$"))
    assert (found.own, found.shared) == expected
