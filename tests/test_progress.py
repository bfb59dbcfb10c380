"""What is seen while cases run."""

import io
from pathlib import Path

import fake_records as fake
from rich.console import Console

from bench.plan import Job
from bench.progress import Reporter


def seen(reporter):
    console = Console(file=io.StringIO(), width=200)
    with console.capture() as captured:
        console.print(reporter.bar.get_renderable())
    return captured.get()


def test_the_bar_names_data_set_and_settings_in_full_and_how_far_the_case_is():
    case = fake.case("torch_sgd[batch=64]", "synthetic[size=m]")
    job = Job(case, "torch_sgd", Path(), "", "")
    with Reporter([job], []) as reporter:
        hear = reporter.begin(job)
        hear(fake.points(0.1, 0.93)[10])
        shown = seen(reporter)
    assert "synthetic[size=m] torch_sgd[batch=64] on 2 threads: epoch 10, test RMSE" in shown
