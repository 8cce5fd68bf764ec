"""Finds the views of the list of executions that a person has: their own, and those that others share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, QuerySet, When

from monitor.access import may
from monitor.models import SavedView, User
from monitor.models.prepared import Prepared

MOST_OWN = 50  # of a person
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class NamedView:
    """Holds a view as the list offers it.

    Attributes:
        pk: its primary key.
        name: of the view.
        query: the filters as they stand in the list's address.
        is_default: it is what this person's list opens with.
        shared_by: who shares it; empty for one that is the person's own alone.
        may_change: this person may rename or delete it.
    """

    pk: int
    name: str
    query: str
    is_default: bool
    shared_by: str
    may_change: bool


def _views_of(person: int) -> QuerySet[SavedView, Any]:
    is_of_others = Case(When(person=person, then=0), default=1)
    rows = SavedView.objects.filter(Q(person=person) | Q(is_shared=True)).order_by(is_of_others, "name", "pk")
    columns = "pk", "name", "query", "is_default", "is_shared", "person", "person__username"
    return rows.values_list(*columns)[:MOST_SHOWN]


_VIEWS = Prepared(_views_of, int)


def views_of(person: User) -> list[NamedView]:
    """Returns the views of a person, their own first, then what others share. One statement.

    Of more than MOST_SHOWN those that others share are left out: nobody has more than MOST_OWN.
    """
    may_share = may(person, "views.share")
    found = []
    for pk, name, query, is_default, is_shared, owner, username in _VIEWS.rows(person.pk):
        is_own = owner == person.pk
        may_change = may_share and (is_own or may(person, "users")) if is_shared else is_own
        shared_by = username if is_shared else ""
        found.append(NamedView(pk, name, query, is_own and is_default, shared_by, may_change))
    return found


def changeable(person: User) -> QuerySet[SavedView]:
    """Returns the views that a person may change: their own; shared ones if they may share; admins all shared ones."""
    own = Q(person=person) if may(person, "views.share") else Q(person=person, is_shared=False)
    return SavedView.objects.filter(own | Q(is_shared=True) if may(person, "users") else own)
