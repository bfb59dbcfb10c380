"""What starts quickly imports little: a case what its backend needs, `mfbench list` no backend."""

import subprocess
import sys

import pytest

HEAVY = ("numba", "torch", "triton", "pandas", "matplotlib", "plotly", "rich", "pyarrow")
CASE = """
import sys
from itertools import islice
import bench.worker
from bench import environment
from mfimpls import registry
from mfimpls.conformance.setting import settings, small_problem, start
backend, problem = registry.load(sys.argv[1]), small_problem()
hyper = settings(backend)
for snapshot in islice(backend.fit(problem, hyper, start(problem, hyper)), 2):
    snapshot()
environment.describe("")
print(*sys.modules)
"""


def loaded(*command):
    """Which of HEAVY a Python process has imported at its end."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in done.stdout.split()}
    return modules & set(HEAVY)


SLOW = [pytest.param(x, {x}, marks=pytest.mark.slow) for x in ("numba", "torch")]


@pytest.mark.parametrize(("library", "needed"), [("numpy", set()), *SLOW])
@pytest.mark.parametrize("algorithm", ["sgd", "als"])
def test_a_case_imports_what_its_backend_needs_and_no_other_framework(algorithm, library, needed):
    pytest.importorskip(library)
    assert loaded("-c", CASE, f"{library}_{algorithm}") == needed


LIST = """
import sys
from bench.__main__ import main
sys.argv[1:] = ["list"]
try:
    main()
finally:
    print(*sys.modules)
"""


def test_the_list_imports_no_backend():
    assert not loaded("-c", LIST)
