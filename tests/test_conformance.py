"""Every backend in the house, on every device that it declares, passes every check."""

from contextlib import nullcontext

import pytest

from mfimpls import conformance, objective, registry
from mfimpls.conformance import CHECKS, Failed, NotApplicable, learning, reference, setting
from mfimpls.conformance.paths import check_follows_its_path
from mfimpls.conformance.seeds import limited
from mfimpls.contract import OPTIMIZERS, ORDERS, Backend, Caps

REFERENCES = [
    Backend(
        "written_sgd",
        Caps(
            path="sgd",
            uses=("lr", "decay", "batch", "optimizer", "order"),
            optimizers=OPTIMIZERS,
            orders=ORDERS,
        ),
        reference.sgd,
    ),
    Backend("written_als", Caps(path="als", monotone=True), reference.als),
]


def contestants():
    """Each backend of a common path that can be imported here, on each device that it declares."""
    for name in registry.names():
        if not registry.declared(name).caps.walks_a_common_path:  # it has tests of its own
            continue
        try:
            backend = registry.load(name)
        except ImportError as error:
            yield pytest.param(None, "", id=name, marks=pytest.mark.skip(reason=str(error)))
            continue
        for device in backend.caps.devices:
            marks = [pytest.mark.cuda] if device == "cuda" else []
            yield pytest.param(backend, device, id=f"{name}@{device}", marks=marks)
    for backend in REFERENCES:
        yield pytest.param(backend, "cpu", id=backend.name)


@pytest.fixture(autouse=True)
def one_thread():
    with limited(1):
        yield


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("backend", "device"), list(contestants()))
def test_backend(backend, device, check):
    if device == "cuda":
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("torch finds no CUDA device here")
    try:
        check(backend, device)
    except NotApplicable as reason:
        pytest.skip(str(reason))


RIGHT = [{"optimizer": optimizer} for optimizer in OPTIMIZERS] + [{"order": "blocks"}]
WRONG = [
    {"reg": 0.0, "reg_bias": 0.0},
    {"reg": 0.1, "reg_bias": 0.2},
    {"reg": 0.4, "reg_bias": 0.8},
    {"reg_bias": 0.0},
    {"reg_bias": 0.2},
]


@pytest.mark.parametrize(
    ("changes", "right"),
    [(changes, True) for changes in RIGHT] + [(changes, False) for changes in WRONG],
)
def test_the_stationarity_bound_has_room_on_both_sides(changes, right):
    problem, hyper = setting.small_problem(), setting.settings(REFERENCES[0])
    walked = setting.settings(REFERENCES[0], **changes)
    init = setting.start(problem, hyper)
    end = setting.last(reference.sgd, problem, walked, learning.CONVERGED_EPOCHS, init)
    found = objective.stationarity(problem, hyper, end, init)
    bound = learning.STATIONARITY_BOUND
    assert found < bound / 3 if right else found > bound * 3


@pytest.mark.parametrize(
    ("factor", "objective", "passes"),
    [(1.0, "J", True), (0.5, "J", False), (0.5, "another", True), (1.5, "another", False)],
)
def test_rows_without_ratings_may_shrink_where_something_else_is_minimised(
    factor, objective, passes
):
    def fit(problem, hyper, init):
        for snapshot in reference.als(problem, hyper, init):
            found = snapshot().copy()
            found.P[setting.EMPTY_USER] *= factor
            yield found.copy

    backend = Backend("decays", Caps(path="als", objective=objective), fit)
    with nullcontext() if passes else pytest.raises(Failed, match="has no training rating"):
        conformance.check_empty_rows_keep_init(backend)


def test_verdicts_are_one_row_a_check():
    found = list(conformance.verdicts(REFERENCES[1]))
    assert len(found) == len(CHECKS)
    assert {v.status for v in found} == {"passed", "not applicable"}
    assert all(v.message for v in found if v.status != "passed")


def test_a_crash_is_a_failed_verdict():
    def crash(problem, hyper, init):
        raise ZeroDivisionError("no users")
        yield

    found = list(conformance.verdicts(Backend("crash", Caps(path="als"), crash)))
    assert "It raised ZeroDivisionError: no users" in {v.message for v in found}


def test_a_path_without_a_written_definition_is_not_judged():
    with pytest.raises(NotApplicable, match=r"path 'ccd' has no written definition"):
        check_follows_its_path(Backend("other", Caps(path="ccd"), reference.als))


def test_every_check_is_public_and_says_what_it_checks():
    for check in CHECKS:
        assert getattr(conformance, check.__name__) is check
        assert check.__name__ in conformance.__all__
        assert check.__doc__
