"""Does a backend keep the contract? Plain check functions, for authors in this house and outside.

    from mfimpls.conformance import CHECKS

    @pytest.mark.parametrize("check", CHECKS)
    def test_conformance(check):
        check(my_backend)                 # or check(my_backend, device="cuda")

A check raises Failed, an AssertionError whose message says what was seen and where to look, or
NotApplicable where the declared capabilities leave it nothing to hold. `verdicts` runs them all.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mfimpls.conformance.declared import (
    check_refuses_before_the_first_yield,
    check_starts_with_what_it_declares,
    check_uses_what_it_declares,
    refuses_ratings,
)
from mfimpls.conformance.edges import (
    check_biases_off,
    check_biases_on,
    check_empty_rows_keep_init,
    check_one_rating,
    check_rank_above_size,
)
from mfimpls.conformance.interface import (
    check_closes_early,
    check_finite,
    check_leaves_its_input_untouched,
    check_leaves_the_process_as_it_was,
    check_predicts_pair_by_pair,
    check_shapes_and_dtypes,
    check_starts_at_init,
)
from mfimpls.conformance.learning import (
    check_float64_is_float64,
    check_is_monotone,
    check_loss_falls,
    check_mean_is_constant,
    check_reaches_a_stationary_point,
)
from mfimpls.conformance.paths import check_follows_its_path
from mfimpls.conformance.seeds import (
    check_ignores_the_test_set,
    check_repeats,
    check_seed_matters,
    check_threads_do_not_matter,
)
from mfimpls.conformance.setting import Failed, NotApplicable
from mfimpls.conformance.snapshots import (
    check_snapshot_does_not_alias,
    check_snapshot_is_fresh,
    check_snapshots_train_nothing,
)
from mfimpls.conformance.steps import check_step_follows_the_judge
from mfimpls.conformance.timing import check_epoch_is_done_at_yield, check_snapshot_hides_no_work
from mfimpls.contract import Backend

Check = Callable[..., None]  # (backend, device="cpu")

CHECKS: tuple[Check, ...] = (
    check_refuses_before_the_first_yield,
    check_starts_with_what_it_declares,
    check_starts_at_init,
    check_shapes_and_dtypes,
    check_predicts_pair_by_pair,
    check_finite,
    check_leaves_its_input_untouched,
    check_leaves_the_process_as_it_was,
    check_snapshot_does_not_alias,
    check_snapshot_is_fresh,
    check_snapshots_train_nothing,
    check_epoch_is_done_at_yield,
    check_snapshot_hides_no_work,
    check_closes_early,
    check_biases_off,
    check_biases_on,
    check_empty_rows_keep_init,
    check_one_rating,
    check_rank_above_size,
    check_ignores_the_test_set,
    check_repeats,
    check_seed_matters,
    check_threads_do_not_matter,
    check_uses_what_it_declares,
    check_float64_is_float64,
    check_loss_falls,
    check_is_monotone,
    check_mean_is_constant,
    check_reaches_a_stationary_point,
    check_step_follows_the_judge,
    check_follows_its_path,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found; status is passed, failed or not applicable.

    expected says what the check holds a backend to, where is the place to look at after a failure.
    """

    check: str
    status: str
    message: str = ""
    expected: str = ""
    where: str = ""


def verdicts(backend: Backend, device: str = "cpu") -> Iterator[Verdict]:
    """Run every check; whatever a backend raises is a failure of that check."""
    for check in CHECKS:
        name = check.__name__.removeprefix("check_").replace("_", " ")
        expected = " ".join((check.__doc__ or "").split())
        where = f"{check.__name__} in {check.__module__}"
        try:
            check(backend, device)
        except NotApplicable as reason:
            yield Verdict(name, "not applicable", str(reason), expected, where)
        except Failed as failure:
            yield Verdict(name, "failed", str(failure), expected, where)
        except Exception as error:
            message = f"It raised {type(error).__name__}: {error}"
            yield Verdict(name, "failed", message, expected, _raised_at(error))
        else:
            yield Verdict(name, "passed", "", expected, where)


def _raised_at(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"


__all__ = [
    "CHECKS",
    "Check",
    "Failed",
    "NotApplicable",
    "Verdict",
    "refuses_ratings",
    "verdicts",
    *(check.__name__ for check in CHECKS),
]
