"""Wrong backends, each caught by the check that should catch it: the table in docs/agreement.md."""

from pathlib import Path

import pytest

from mfimpls import conformance, registry
from mfimpls.conformance import Failed
from mfimpls.conformance.seeds import limited

HERE = Path(__file__).parent
FOLDER = HERE / "mutants"
DOCUMENT = HERE.parent / "docs" / "agreement.md"


def table():
    """(mutant, check, message) rows under the heading Mutants."""
    lines = DOCUMENT.read_text(encoding="utf-8").partition("## Mutants")[2].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [tuple(row) for row in rows[2:]]


@pytest.mark.parametrize(("mutant", "check", "message"), table())
def test_mutant_is_caught(mutant, check, message):
    backend = registry.load(str(FOLDER / f"{mutant}.py"))
    with limited(1), pytest.raises(Failed) as failure:
        getattr(conformance, f"check_{check}")(backend)
    assert message in str(failure.value)


def test_every_mutant_is_in_the_table():
    assert {row[0] for row in table()} == {path.stem for path in FOLDER.glob("*.py")}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_mutant_says_what_it_does_wrong(path):
    backend = registry.load(str(path))
    assert backend.name == path.stem
    assert len(path.read_text().splitlines()) < 40
