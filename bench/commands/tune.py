"""`mfbench tune`: one search for every backend of a family, on ratings held out of training."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.run import DATA, PATH, SPEC, Duration

if TYPE_CHECKING:
    from bench.specs import BackendSpec
    from bench.tune.plan import Plan
    from bench.tune.trials import Trial
    from mfimpls.contract import Backend

HOME = "results/local/tuning"


@click.command()
@click.option("-d", "--dataset", default="ml-100k", metavar=DATA, help="On which ratings.")
@click.option("-b", "--backend", "backends", multiple=True, metavar=SPEC, help="What to tune.")
@click.option("--trials", type=click.IntRange(1), default=20, help="Per backend.")
@click.option("--budget", "budget_s", type=Duration(), default="3s", help="Of training, a trial.")
@click.option("--threads", type=click.IntRange(1), help="Per trial; default: all cores.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of search, validation and start.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be tried; try nothing.")
@click.option("-f", "--force", is_flag=True, help="Start anew; drop the trials that are there.")
@click.option("--store", is_flag=True, help="Make the winners the suite's own settings.")
@click.option("-o", "--output", type=PATH, default=HOME, help="A folder per data set goes there.")
def tune(
    dataset: str,
    backends: Sequence[str],
    trials: int,
    budget_s: float,
    threads: int | None,
    seed: int,
    dry_run: bool,
    force: bool,
    store: bool,
    output: Path,
) -> None:
    """Search each backend's settings with equal trials; the same command goes on after a stop.

    The test ratings are never used: a tenth of the training ratings is held out to score on. First
    reg and reg_bias, which all backends share, are chosen by the RMSE of exact ALS there; then each
    backend's step sizes, optimizer, batch and order by training time to 1.01 x that RMSE.
    """
    from bench.environment import available_cores, machine
    from bench.plots import slug
    from bench.problems import canonical, open_problem
    from bench.tune import winners
    from bench.tune.plan import Plan, rank_of, settle
    from bench.tune.search import needed
    from bench.tune.validation import cut

    needed()
    name = canonical(dataset)
    problem = cut(name, seed)
    plan = Plan(
        dataset=name,
        entrants=_entrants(backends),
        trials=trials,
        budget_s=budget_s,
        seed=seed,
        threads=threads or available_cores(),
        rank=rank_of(name),
        machine=machine(),
        problem=problem,
        data_sha256=open_problem(problem).sha256,
        directory=output / slug(name),
        command=shlex.join(["mfbench", *sys.argv[1:]]),
    )
    if dry_run:
        _show(plan)
        return
    if force:
        shutil.rmtree(plan.directory, ignore_errors=True)
    settle(plan)
    found = _carried_out(plan)
    complete = _conclude(plan, found)
    if store:
        winners.store(plan, winners.entry(plan, found))
        click.echo(f"Stored in {winners.FILE}; mfbench run uses these settings from now on.")
    sys.exit(0 if complete else 1)


def _entrants(backends: Sequence[str]) -> list[tuple[BackendSpec, Backend]]:
    # Those named, else those of the default preset, each as plain as it comes.
    from bench import presets, request
    from bench.specs import BackendSpec, parse_backend

    names = dict.fromkeys(parse_backend(text).name for text in presets.preset("default").backends)
    specs = [parse_backend(text) for text in backends] or [BackendSpec(name) for name in names]
    loaded = request.declared(list({s.label: s for s in specs}.values()), named=bool(backends))
    return [(spec, loaded[spec.name]) for spec in specs if spec.name in loaded]


def _show(plan: Plan) -> None:
    from bench.tune import space
    from bench.tune.plan import FINALISTS, REPEATS, SOLVER
    from bench.units import seconds

    click.echo(f"{plan.dataset}: reg, reg_bias by {SOLVER}: {plan.trials} trials")
    most = plan.trials * plan.budget_s
    for spec, backend in plan.entrants:
        count = plan.searched(backend)
        click.echo(
            f"{spec.label}: {space.described(backend.caps)}: {count} trial" + "s" * (count > 1)
        )
        most += (count + FINALISTS * REPEATS) * plan.budget_s
    click.echo(f"{seconds(most)} of training at most; a trial ends where it meets the target.")


def _carried_out(plan: Plan) -> list[Trial]:
    from bench.runner import termination_as_interrupt
    from bench.tune.campaign import Campaign
    from bench.tune.plan import total
    from bench.tune.progress import Follower

    with Follower(total(plan)) as follower, termination_as_interrupt():
        try:
            return Campaign(plan, follower).run()
        except KeyboardInterrupt:
            click.echo("Interrupted; what is done is kept, and the same command goes on.", err=True)
            sys.exit(130)


def _conclude(plan: Plan, trials: Sequence[Trial]) -> bool:
    # Table and figure; False where a backend has no trial with a score.
    from bench.plots import tuning
    from bench.tune import campaign, table
    from bench.tune.trials import sensitivities

    target = campaign.target_of(trials)
    found = sensitivities(trials, target)
    model = campaign.best_model(trials)
    click.echo(f"Model: {table.spelled(model.settings)}, validation RMSE {model.rmse:.4f}")
    click.echo(table.text(found, target, f"{plan.dataset}, validation part"))
    for path in tuning.save(found, target, plan.dataset, plan.directory / "figures"):
        click.echo(str(path))
    failed = [one for one in found if one.failed]
    for one in failed:
        why = f"{one.winner.state}, {one.winner.reason}".rstrip(", ")
        line = f"{one.backend}: no trial came to a score: {why}"
        click.secho(line, fg="red", err=True)
    return not failed
