"""What the tests of adapters to other people's libraries share."""

from dataclasses import replace

from mfimpls import load
from mfimpls.conformance import setting, verdicts
from mfimpls.conformance.seeds import limited
from mfimpls.objective import rmse


def hold(name, **options):
    """Run every check on a peer; what failed, and what its capabilities leave out. `options` take
    the place of its defaults.
    """
    backend = load(name)
    chosen = (replace(o, default=options.get(o.name, o.default)) for o in backend.caps.options)
    backend = replace(backend, caps=replace(backend.caps, options=tuple(chosen)))
    with limited(1):
        found = list(verdicts(backend))
    failed = {v.check: v.message for v in found if v.status == "failed"}
    return failed, {v.check for v in found if v.status == "not applicable"}


def trained(name, epochs, **wanted):
    """The small problem, the settings, the start and what a peer learns in so many epochs."""
    backend, problem = load(name), setting.small_problem()
    options = wanted.pop("options", {})
    hyper = replace(setting.settings(backend, **wanted), options=options)
    found = setting.end(backend, problem, hyper, epochs)
    return problem, hyper, setting.start(problem, hyper), found


def seen(problem):
    """Which test pairs have a user and an item with training ratings."""
    users, items, _ = problem.test.columns
    return (users != setting.EMPTY_USER) & (items != setting.EMPTY_ITEM)


def judged(problem, factors):
    """Test RMSE over the pairs of `seen`, by the judge."""
    part = type(problem.test).of(*(column[seen(problem)] for column in problem.test.columns))
    return rmse(problem.mean, factors, part), part
