"""Every code block of README.md and docs/ runs, in the order of its page, on small data.

Shell blocks are run by bash. So that they take seconds, in SMALLER data sets are replaced by a tiny
one, races are cut short, and what installs or tests the suite itself is left to .ci/run. A Python
block that begins with `# name.py` is written to that file; others run in one namespace a page.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import spark_cluster

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN, SHOWN = {"console", "sh", "bash", "python", ""}, {"text", "toml", "json"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TINY = "synthetic[users=200,items=100,ratings=6000]"
SMALLER = (
    (r"pip install \S+|\bpytest\b.*", "true"),  # .ci/run does these two, as printed
    (r"\"?'?(ml-100k|synthetic)(\[[^]]*\])?'?\"?(?=[\s]|$)", f"'{TINY}'"),
    (r"mfbench doctor --(limits|clock).*", "mfbench doctor --help"),  # they measure for a minute
    (r"mfbench tune.*", "mfbench tune --help"),  # it needs optuna, and minutes
    (r"mfbench study.*", f"mfbench study -n -d '{TINY}'"),
    (r"mfbench reproduce [^-].*", "mfbench reproduce --list"),  # they train for minutes
    (r"(mfbench compare .*)", r"\1 || test $? = 1"),  # on a busy machine it may find a difference
)
QUICK = f"-d '{TINY}' -s rank=4 --epochs 2 --threads 1"  # appended to a run; the last counts
RATINGS = "user,item,rating\n" + "".join(
    f"{u},{i},{(3 * u + 5 * i) % 9 / 2 + 0.5}\n" for u in range(12) for i in range(9)
)
SLOW = {"README.md", "adding-a-backend.md", "api.md", "contract.md", "spark.md", "statistics.md"}
NEEDS = {"spark.md": spark_cluster.missing}  # why a page can't run here; empty where it can


def blocks(page):
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def marked(page):
    return pytest.param(page, id=page.name, marks=[pytest.mark.slow] * (page.name in SLOW))


@pytest.mark.parametrize("page", list(map(marked, PAGES)))
def test_the_blocks_of_a_page_run_in_order(page, tmp_path, monkeypatch):
    if why := NEEDS.get(page.name, str)():
        pytest.skip(why)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLBACKEND", "agg")
    (tmp_path / "ratings.csv").write_text(RATINGS)
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    namespace = {"__name__": page.stem}
    for language, text in blocks(page):
        if language == "python":
            run_python(text, namespace)
        elif language in RUN:
            run_shell(text)


def run_python(text, namespace):
    named = re.match(r"# (\w+\.py)\n", text)
    if named:
        Path(named[1]).write_text(text)
    exec(compile(text, named[1] if named else "block", "exec"), namespace)


def run_shell(text):
    script = "\n".join(map(smaller, commands(text)))
    ours = (
        f'python() {{ {sys.executable} "$@"; }}\n'
        'mfbench() { python -W ignore -m bench "$@"; }\nexport -f python mfbench'
    )
    done = subprocess.run(
        ["bash", "-euc", f"{ours}\n{script}"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


def commands(text):
    """The lines of a console without their prompts and output; those of a script as they are."""
    lines = text.splitlines()
    if any(line.startswith("$ ") for line in lines):
        return [line[2:] for line in lines if line.startswith(("$ ", "> "))]
    return lines


def smaller(line):
    for pattern, replacement in SMALLER:
        line = re.sub(pattern, replacement, line)
    return re.sub(r"mfbench run[^;&|)#]*", cut_short, line)


def cut_short(match):
    words = match[0].rstrip()
    named = "" if " -b " in words else " -b numpy_als -b numpy_sgd"
    repeats = "" if " -r " in words else " -r 1"
    quick = QUICK if " -d " not in words else QUICK.partition("' ")[2]
    return f"{words}{named}{repeats} {quick}{match[0][len(words) :]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is_and_no_code_stands_outside(page):
    text = page.read_text(encoding="utf-8")
    assert {language for language, _ in blocks(page)} <= RUN | SHOWN
    assert text.count("```") == 2 * len(blocks(page))
    outside = BLOCK.sub("", text)
    assert not re.search(r"^    (from \w+ import|import |\$ |mfbench |pip )", outside, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.slow
@pytest.mark.parametrize("notebook", sorted((ROOT / "docs").glob("*.ipynb")), ids=lambda p: p.name)
def test_the_cells_of_a_notebook_run_in_order(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MFBENCH_DATA", str(tmp_path / "cache"))
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    namespace = {"__name__": "notebook"}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), namespace)
    assert os.listdir(tmp_path / "results/tour")
