"""Masks anew what is searched of a row, where the rules of masking have changed or its details have gone for their age.

Until then nobody finds the row by its text (`monitor.models.masked_text.says`): older rules may have hidden less. It
may be killed anywhere; the next run finds what is left.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from monitor.models import Execution, WebhookFailure
from monitor.models.masked_text import HasMaskedText, stale

BATCH = 500  # rows in a transaction


def remask(go_on: Callable[[], bool]) -> int:
    """Masks anew what waits for it, some hundred rows in a transaction; returns how many.

    Args:
        go_on: asked before each transaction; False ends the run.
    """
    count = 0
    for model in (Execution, WebhookFailure):
        is_last = False
        while not is_last and go_on():
            done = _batch(model)
            count += done
            is_last = done < BATCH
    return count


@transaction.atomic
def _batch(model: type[HasMaskedText]) -> int:
    # Who stores a page of runs waits for the rows, and then writes both columns by what it has stored itself.
    rows: list[HasMaskedText] = list(model._default_manager.filter(stale()).select_for_update()[:BATCH])
    columns = [row.mask_text() for row in rows]
    if columns:
        model._default_manager.bulk_update(rows, columns[0])
    return len(rows)
