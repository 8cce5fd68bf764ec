"""Shows what people left out of the rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models import Window as OverRows
from django.db.models.functions import Coalesce, Greatest, RowNumber

from monitor.models import Correction, User, marked_account_hours, marked_hours, marked_hours_of_flows
from monitor.models.asking import Asking, answered, ask
from monitor.models.corrections import CorrectionQuerySet
from monitor.periods import Window
from monitor.queries.together import Row

SHOWN_BESIDE = 5  # reasons beside a rate
FLOWS_NAMED = 50  # of a group, beside its head


def corrections() -> CorrectionQuerySet:
    """Marked periods, one of each group, the newest first, with the joins and the other flows that pages need."""
    rows = Correction.objects.heads().select_related("account", "flow", "by", "taken_back_by", "incident")
    others = Correction.objects.select_related("flow").defer("flow__raw").order_by("pk")[:FLOWS_NAMED]
    group = Correction.objects.filter(head=OuterRef("pk")).order_by().values("head").annotate(n=Count("pk")).values("n")
    count = Coalesce(Subquery(group, output_field=IntegerField()), 0)
    rows = rows.annotate(more_flows=count, unnamed_flows=Greatest(count - FLOWS_NAMED, 0)).prefetch_related(
        Prefetch("others", queryset=others, to_attr="other_rows")
    )
    return rows.defer("account__client_secret", "flow__raw")


@dataclass(frozen=True)
class Marks:
    """Holds the corrections that touch a window, the newest period first."""

    rows: list[Correction]

    @property
    def hours(self) -> Q | None:
        """Says in SQL which buckets of hours they leave out; None for no bucket."""
        return marked_hours(self.rows)

    @property
    def account_hours(self) -> Q | None:
        """Says in SQL which sums of accounts' hours are left out as a whole; None for none."""
        return marked_account_hours(self.rows)

    @property
    def flow_hours(self) -> Q | None:
        """Says in SQL which buckets of flows are left out that are not in those sums; None for none."""
        return marked_hours_of_flows(self.rows)

    def beside(self, window: Window) -> list[Correction]:
        """Returns why runs of a window are in no rate, a group once: as many reasons as stand beside a rate."""
        found: dict[int, Correction] = {}
        for row in self.rows:
            if row.starts_at < window.end and row.ends_at > window.start:
                found.setdefault(row.head_id or row.pk, row)
        return list(found.values())[:SHOWN_BESIDE]


def marks_of(window: Window, account_id: int | None = None, flow_id: int | None = None) -> Marks:
    """Reads what is left out of the rates of a window. One statement.

    Args:
        window: that is counted.
        account_id: only of this account.
        flow_id: only of this flow.
    """
    return answered(ask_marks_of(window, account_id, flow_id))


def ask_marks_of(window: Window, account_id: int | None = None, flow_id: int | None = None) -> Asking[Marks]:
    """Asks for what `marks_of` returns."""
    rows = Correction.objects.within(window, account_id, flow_id).select_related("by", "flow", "account")
    found = yield from ask(rows.defer("account__client_secret", "flow__raw").order_by("-starts_at", "-pk"))
    return Marks(found)


_COLUMNS = [field.attname for field in Correction._meta.concrete_fields]


def marks_part(window: Window) -> QuerySet[Correction, Any]:
    """Asks for what `marks_from` reads, of everything, for `together`."""
    rows = Correction.objects.within(window).order_by("-starts_at", "-pk")
    return rows.values_list(*_COLUMNS, "by__username")


def marks_from(rows: Sequence[Row]) -> Marks:
    """Puts the rows of `marks_part` together as `marks_of` gives them. Pure."""
    found = []
    for *values, by in rows:
        one = Correction(**dict(zip(_COLUMNS, values, strict=True)))
        if one.by_id is not None:
            one.by = User(pk=one.by_id, username=by)
        found.append(one)
    return Marks(found)


def of_incident(incident_id: int) -> list[Correction]:
    """Returns the marked periods that were made on an incident's page and count. Two statements at most."""
    return answered(ask_of_incident(incident_id))


def ask_of_incident(incident_id: int) -> Asking[list[Correction]]:
    """Asks for what `of_incident` returns."""
    rows = yield from ask(corrections().prefetch_related(None).in_force().filter(incident=incident_id))
    heads: dict[int, Any] = {row.pk: row for row in rows}
    for row in rows:
        row.other_rows = []
    several = [pk for pk, row in heads.items() if row.more_flows]
    if not several:
        return rows
    place = OverRows(RowNumber(), partition_by="head", order_by="pk")
    others = Correction.objects.filter(head__in=several)
    others = others.alias(place=place).filter(place__lte=FLOWS_NAMED).select_related("flow").defer("flow__raw")
    for other in (yield from ask(others.order_by("pk"))):
        heads[other.head_id].other_rows.append(other)
    return rows


def outage_of(began_at: datetime, closed_at: datetime | None, now: datetime) -> Window:
    """Returns the period that a form for an incident offers: from its beginning to its end, or up to now."""
    return Window(began_at, max(closed_at or now, began_at))
