"""One thread, one data set, and the plan of a benchmark: half a second of rounds, three at least.

pytest tests/benchmarks --benchmark-only                             # measure
pytest tests/benchmarks --benchmark-only --benchmark-autosave        # and keep
pytest tests/benchmarks --benchmark-only --benchmark-compare         # against the last kept
"""

import time

import pytest

from mfimpls.conformance.seeds import limited

ROUNDS, BUDGET_S = (3, 50), 0.5
LADDERS = pytest.StashKey()  # {group: {rung: seconds an epoch}}


@pytest.fixture(autouse=True)
def one_thread():
    with limited(1):
        yield


@pytest.fixture(scope="session")
def problem(tmp_path_factory):
    """synthetic[size=s]: 100,000 ratings like those of MovieLens 100K."""
    from bench.problems import load_problem

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MFBENCH_DATA", str(tmp_path_factory.mktemp("cache")))
        return load_problem("synthetic")


@pytest.fixture
def repeat(benchmark):
    """Benchmark a function without arguments, after two calls that compile it and time it."""

    def run(function, group):
        function()
        t = time.perf_counter()
        function()
        least, most = ROUNDS
        rounds = int(BUDGET_S / max(time.perf_counter() - t, 1e-9))
        benchmark.group = group
        return benchmark.pedantic(function, rounds=min(max(rounds, least), most))

    return run


@pytest.fixture
def ladders(request):
    """Where a rung leaves its seconds, for the ratios at the end."""
    return request.config.stash.setdefault(LADDERS, {})


def pytest_terminal_summary(terminalreporter, config):
    for group, rungs in config.stash.get(LADDERS, {}).items():
        terminalreporter.section(f"{group}: one epoch, and how many times quicker than each rung")
        for k, (rung, epoch_s) in enumerate(rungs.items()):
            ratios = "".join(f"{slower / epoch_s:9.1f}" for slower in list(rungs.values())[:k])
            terminalreporter.write_line(f"{rung:36}{1e3 * epoch_s:10.1f} ms{ratios}")
