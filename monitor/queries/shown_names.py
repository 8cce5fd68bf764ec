"""Searches and sorts by names as pages show them, so that neither tells what masking hides in a name."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, F, Q, QuerySet, Value, When

from monitor.privacy import mask_name


def shows(rows: QuerySet[Any], text: str, *names: str) -> Q:
    """Makes the condition that one of some names, as it is shown, has a text in it. One statement.

    The database compares the names that are shown as they are; few are not, and these are compared here.

    Args:
        rows: where the names stand; what they are narrowed to does not matter.
        text: in whatever case.
        names: columns of `rows`.
    """
    masked: list[int] = []
    found: list[int] = []
    for pk, *values in rows.order_by().values_list("pk", *names):
        shown = [mask_name(value) for value in values]
        if shown != values:
            masked.append(pk)
            if any(text.casefold() in value.casefold() for value in shown):
                found.append(pk)
    as_stored = Q()
    for name in names:
        as_stored |= Q(**{f"{name}__icontains": text})
    return (as_stored & ~Q(pk__in=masked)) | Q(pk__in=found) if masked else as_stored


def by_shown_name(rows: QuerySet[Any], name: str) -> tuple[Any, ...]:
    """Makes an order by a name as it is shown: where something is hidden in it, its place tells nothing. One statement.

    Those come first, in the order in which they came to be known.

    Args:
        rows: where the names stand; what they are narrowed to does not matter.
        name: column of `rows`.
    """
    names = rows.order_by().values_list("pk", name)
    hidden = [pk for pk, value in names if mask_name(value) != value]
    if not hidden:
        return (name, "pk")
    return (Case(When(pk__in=hidden, then=Value("")), default=F(name)), "pk")
