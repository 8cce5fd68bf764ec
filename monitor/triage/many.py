"""Does one thing with several problems: with all of them, or with none."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TypeVar

from django.db import transaction

from monitor.languages import gettext as _
from monitor.models import Problem
from monitor.models.hand_over import again_on_deadlock
from monitor.triage.acts import ActRefused

Answer = TypeVar("Answer")


def with_each(problems: Collection[int], act: Callable[[Problem], Answer]) -> dict[int, Answer]:
    """Does something with each of some problems, in the order of their keys, as all who lock several do.

    After a deadlock all of it is done again, with the problems as they are then.

    Args:
        problems: primary keys. None of them is nothing, never all.
        act: what is done with one; it locks no failure.

    Returns:
        What it returned, by the primary keys.

    Raises:
        ActRefused: by one of them, or one is gone or was merged away; nothing was written.
    """
    return again_on_deadlock(partial(_with_each, sorted(set(problems)), act))


@transaction.atomic
def _with_each(keys: Collection[int], act: Callable[[Problem], Answer]) -> dict[int, Answer]:
    rows = Problem.objects.filter(pk__in=keys, merged_into=None).select_related("account", "owner").order_by("pk")
    found = list(rows.defer("account__client_secret"))
    if len(found) != len(keys):
        raise ActRefused(_("One of them was merged meanwhile; load the page again."), "changed_meanwhile")
    answers = {}
    for row in found:
        try:
            answers[row.pk] = act(row)
        except ActRefused as refusal:
            raise ActRefused(
                _("Problem %(key)s: %(why)s") % {"key": row.pk, "why": refusal.message}, refusal.code
            ) from None
    return answers
