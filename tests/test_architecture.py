"""Who may import whom (design 3), read from the source."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = {"mfimpls", "bench"}


def modules(*folders):
    return sorted(
        p for f in folders for p in (ROOT / f).rglob("*.py") if "__pycache__" not in p.parts
    )


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """Dotted names of all that a file imports, at any depth, in full."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import; write it in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def of_this_house(path):
    return {name for name in imports(path) if name.partition(".")[0] in LIBRARY}


def within(name, allowed):
    # A package on the way to an allowed module is implied by it.
    return any(name == a or name.startswith(a + ".") or a.startswith(name + ".") for a in allowed)


def assert_only(path, allowed):
    stray = sorted(n for n in of_this_house(path) if not within(n, allowed))
    assert not stray, f"{path.relative_to(ROOT)} imports {', '.join(stray)}; allowed: {allowed}"


@pytest.mark.parametrize("path", modules("mfimpls"), ids=name_of)
def test_the_library_knows_nothing_of_the_harness(path):
    assert not [n for n in imports(path) if n.partition(".")[0] == "bench"]


ADAPTED_WITH = ("contract", "masks", "orders", "refit", "callback")


@pytest.mark.parametrize("path", modules("mfimpls/backends", "mfimpls/peers"), ids=name_of)
def test_a_backend_knows_the_contract_and_the_orders_alone(path):
    folder = name_of(path.parent)
    # Files of one backend, whose names begin with an underscore, are its own.
    own = [f"{folder}.{p.stem}" for p in path.parent.glob("_*.py") if p.stem != "__init__"]
    assert_only(path, [f"mfimpls.{name}" for name in ADAPTED_WITH] + own)


@pytest.mark.parametrize("path", modules("bench/reproduce/variants"), ids=name_of)
def test_a_quoted_variant_knows_no_more_than_a_backend(path):
    own = ["mfimpls.registry"] if path.stem == "__init__" else []
    assert_only(path, ["mfimpls.contract", "mfimpls.orders", *own])


FOUNDATION = {
    "contract": [],
    "masks": ["mfimpls.contract"],
    "orders": ["mfimpls.contract"],
    "objective": ["mfimpls.contract"],
    "refit": ["mfimpls.contract"],
    "callback": ["mfimpls.contract"],
    "declarations": ["mfimpls.contract"],
    "registry": ["mfimpls.contract", "mfimpls.declarations"],
}


@pytest.mark.parametrize("name", FOUNDATION)
def test_the_foundation_rests_on_the_contract(name):
    assert_only(ROOT / f"mfimpls/{name}.py", FOUNDATION[name])


@pytest.mark.parametrize("path", modules("mfimpls/conformance"), ids=name_of)
def test_conformance_knows_no_backend_and_no_test_framework(path):
    known = ("contract", "masks", "orders", "objective", "conformance")
    assert_only(path, [f"mfimpls.{name}" for name in known])
    assert not [n for n in imports(path) if n.partition(".")[0] in ("pytest", "torch", "numba")]


READERS = (
    "agree", "agree_tables", "breakeven", "change", "compare", "compare_tables", "curves", "gate",
    "guards", "leaderboard", "machines", "matching", "metrics", "plots", "profile", "report",
    "results", "standings", "stats", "tables", "target", "verdict", "verdicts",
)  # fmt: skip


def readers():
    return [
        p
        for p in modules("bench")
        if name_of(p).split(".")[1:2] and name_of(p).split(".")[1] in READERS
    ]


@pytest.mark.parametrize("path", readers(), ids=name_of)
def test_verdicts_and_figures_read_records_only(path):
    stray = [n for n in of_this_house(path) if n.startswith(("mfimpls", "bench.problems"))]
    assert not stray, f"{name_of(path)} imports {stray}: it must redraw with no backend and no data"
    assert not [n for n in imports(path) if n.partition(".")[0] in ("torch", "numba")]


def test_the_clock_does_no_input_or_output():
    found = imports(ROOT / "bench/measure.py")
    outside = {n.partition(".")[0] for n in found} - LIBRARY - set(sys.stdlib_module_names)
    assert outside <= {"numpy"}
    assert not {"torch", "pathlib", "os", "io", "open"} & {n.partition(".")[0] for n in found}


SCORING = (
    "predict", "residuals", "penalty", "J", "rmse", "mae", "root_mean_square", "mean_magnitude",
    "evaluate", "evaluate_predictions", "errors",
)  # fmt: skip


def test_scoring_an_epoch_calls_no_blas():
    """Its threads would spin into the next epoch's time (docs/performance.md)."""
    tree = ast.parse((ROOT / "mfimpls/objective.py").read_text())
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in SCORING]
    assert len(functions) == len(SCORING)
    for node in (node for function in functions for node in ast.walk(function)):
        assert not isinstance(node, ast.MatMult)
        assert getattr(node, "attr", "") not in ("dot", "vdot", "inner", "matmul", "tensordot")


@pytest.mark.parametrize("path", modules("mfimpls", "bench"), ids=name_of)
def test_every_module_says_what_it_is_for(path):
    source = path.read_text()
    assert not source.strip() or ast.get_docstring(ast.parse(source))
