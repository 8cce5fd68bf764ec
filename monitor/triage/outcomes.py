"""Reads what became of runs that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.models import ChainMark, Execution, Failure, RetryAttempt, WriteOff
from monitor.triage.fate import FailedOnce, fate_of


def fates_of(runs: Sequence[Execution], entered: Mapping[int, Failure]) -> dict[int, str]:
    """Returns how some runs that failed once ended, by their primary keys. Three statements.

    Args:
        runs: with their status.
        entered: the entries of those that are in the ledger, by the same keys.
    """
    keys = [run.pk for run in runs]
    retries = RetryAttempt.objects.filter(execution__in=keys, state=RetryAttempt.State.SUCCEEDED)
    good = set(retries.values_list("execution_id", flat=True))
    made_good = ChainMark.objects.filter(execution__in=keys, kind=ChainMark.Kind.MADE_GOOD)
    good |= set(made_good.values_list("execution_id", flat=True))
    given_up = set(WriteOff.objects.filter(failure__in=keys).values_list("failure_id", flat=True))
    return {
        run.pk: fate_of(
            FailedOnce(
                status=run.status,
                has_good_retry=run.pk in good,
                # Also where the later run is no longer kept.
                is_superseded=run.pk in entered and entered[run.pk].fate == Failure.Fate.SUPERSEDED,
                is_written_off=run.pk in given_up,
            )
        )
        for run in runs
    }
