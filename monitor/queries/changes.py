"""Reads what was changed at Zoho, of all kinds of things, the newest first.

Edits and states have a table for each kind, with an index by time: of each a page's worth is read from a place on. What
came and what was deleted stands in the rows of the things themselves, which are few. All are merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import CharField, F, IntegerField, Model, Q, QuerySet, Value

from monitor.languages import gettext_noop
from monitor.models import (
    ConnectedVersion,
    ConnectedWorkflow,
    Connection,
    ConnectionChange,
    Flow,
    FlowVersion,
    RuleVersion,
    WorkflowRule,
)
from monitor.models.addresses import address_of
from monitor.privacy import mask_name
from monitor.queries.change_words import changes_in_words, status_in_words, switched

FLOW, RULE, CONNECTED, CONNECTION = "flow", "rule", "connected", "connection"
KINDS = {
    FLOW: gettext_noop("Flow"),
    RULE: gettext_noop("Workflow rule"),
    CONNECTED: gettext_noop("Connected workflow"),
    CONNECTION: gettext_noop("Connection"),
}
PAGE_SIZE, FILE_STEP = 50, 500
# What is seen so long after an account was connected was not there before.
SETTLED = timedelta(days=1)
_NAMES: dict[str, tuple[type[Model], str, str]] = {
    FLOW: (Flow, "flow_name", "flow_id"),
    RULE: (WorkflowRule, "name", "rule_id"),
    CONNECTED: (ConnectedWorkflow, "name", "workflow_id"),
    CONNECTION: (Connection, "connection_name", "connection_id"),
}
_PAGES = {FLOW: "flow", RULE: "rule", CONNECTED: "connected_workflow", CONNECTION: "connection"}


@dataclass(frozen=True, order=True)
class ChangePlace:
    """Holds a place in the list: what is newer is greater; of one moment, and of one kind, by the primary key."""

    at: datetime
    source: int
    pk: int


@dataclass(frozen=True)
class ChangeFilter:
    """Says what a person looks for; empty values do not narrow.

    Attributes:
        text: a part of a thing's name as it is shown, or the whole of its id.
        kind: of which kind of thing.
        start: seen at or after.
        end: seen before.
        after: only what is older than this place.
        before: only what is newer than this place.
    """

    text: str = ""
    kind: str = ""
    account_id: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    after: ChangePlace | None = None
    before: ChangePlace | None = None


@dataclass(frozen=True)
class SeenChange:
    """Holds one change.

    Attributes:
        place: in the list; its `at` is when the change was seen.
        kind: of what.
        act: what was done: edited, on, off, new, deleted, back, status.
        account: its name.
        name: of the thing, masked.
        url: of the thing's page.
        seen_before: the last time it was seen otherwise; None where that is not known.
        made_at: when it was made, as Zoho says; None where Zoho does not.
        by: who made it, as Zoho says, masked; "" where Zoho does not.
        words: what was changed.
        diff_url: of the page with the whole of it.
    """

    place: ChangePlace
    kind: str
    act: str
    account: str
    name: str
    url: str
    seen_before: datetime | None = None
    made_at: datetime | None = None
    by: str = ""
    words: list[str] = field(default_factory=list)
    diff_url: str = ""


@dataclass(frozen=True)
class ChangePage:
    """Holds a page of changes. `older` and `newer` are the places where the neighbouring pages begin, if any."""

    rows: list[SeenChange]
    older: ChangePlace | None
    newer: ChangePlace | None


@dataclass(frozen=True)
class _Source:
    """Describes changes of one sort.

    Attributes:
        number: its rank among changes of one moment.
        kind: of whose changes it is.
        at: its column of time.
        rows: all of its changes.
        thing: its way to the thing; "" where its rows are the things.
    """

    number: int
    kind: str
    at: str
    rows: Callable[[], QuerySet[Any]]
    thing: str = ""

    def way(self, column: str) -> str:
        return f"{self.thing}__{column}" if self.thing else column

    def place(self, row: Any) -> ChangePlace:
        return ChangePlace(getattr(row, self.at), self.number, row.pk)


def page(wanted: ChangeFilter, size: int = PAGE_SIZE) -> ChangePage:
    """Reads a page. Five statements, one more where a text is sought; fewer where only one kind is wanted."""
    newer = wanted.before is not None and wanted.after is None
    found = _some(wanted, _keys_of(wanted), size + 1, newer=newer)
    has_more, shown = len(found) > size, found[:size]
    if newer:
        shown.reverse()
    if not shown:
        return ChangePage([], None, None)
    first, last = shown[0].place, shown[-1].place
    came_from_older, came_from_newer = newer, wanted.after is not None
    return ChangePage(
        shown,
        older=last if (has_more and not newer) or came_from_older else None,
        newer=first if (has_more and newer) or came_from_newer else None,
    )


def newer_count(wanted: ChangeFilter, place: ChangePlace, most: int) -> int:
    """Returns how many changes that fit are newer than a place, counted no further than one beyond `most`.

    As many statements as a page.
    """
    return len(_some(replace(wanted, after=None, before=place), _keys_of(wanted), most + 1, newer=True))


def count(wanted: ChangeFilter) -> int:
    """Counts all changes that fit. A statement for each source of changes."""
    keys, wanted = _keys_of(wanted), replace(wanted, after=None, before=None)
    return sum(rows.count() for _, rows in _wanted_of((*TABLES, *THINGS), wanted, keys, newer=False))


def walk(wanted: ChangeFilter) -> Iterator[SeenChange]:
    """Yields all changes that fit, the newest first, read in pieces."""
    keys, wanted = _keys_of(wanted), replace(wanted, after=None, before=None)
    while found := _some(wanted, keys, FILE_STEP, newer=False):
        yield from found
        wanted = replace(wanted, after=found[-1].place)


def _some(wanted: ChangeFilter, keys: Mapping[str, list[int]] | None, count: int, *, newer: bool) -> list[SeenChange]:
    """Reads the first so many changes of the kinds that are wanted on the way to older or newer ones."""

    sign = "" if newer else "-"
    pieces = [
        [_READ[source.kind](source, row) for row in rows.order_by(f"{sign}{source.at}", f"{sign}pk")[:count]]
        for source, rows in _wanted_of(TABLES, wanted, keys, newer=newer)
    ]
    things = [_as_thing(source, rows) for source, rows in _wanted_of(THINGS, wanted, keys, newer=newer)]
    if things:
        together = things[0].union(*things[1:], all=True) if len(things) > 1 else things[0]
        ordered = together.order_by(*(f"{sign}{name}" for name in ("seen", "rank", "key")))[:count]
        pieces.append([_came_or_went(*row) for row in ordered])
    merged = merge(*pieces, key=lambda change: change.place, reverse=not newer)
    return list(islice(merged, count))


def _wanted_of(
    sources: Iterable[_Source], wanted: ChangeFilter, keys: Mapping[str, list[int]] | None, *, newer: bool
) -> list[tuple[_Source, QuerySet[Any]]]:
    """Returns the sources of the kinds that are wanted, with their rows that fit."""
    mine = [one for one in sources if wanted.kind in ("", one.kind) and (keys is None or keys[one.kind])]
    return [(one, one.rows().filter(_condition(one, wanted, keys, newer=newer))) for one in mine]


def _condition(source: _Source, wanted: ChangeFilter, keys: Mapping[str, list[int]] | None, *, newer: bool) -> Q:
    fits = Q() if keys is None else Q(**{f"{source.way('pk')}__in": keys[source.kind]})
    if wanted.account_id is not None:
        fits &= Q(**{source.way("account"): wanted.account_id})
    if wanted.start is not None:
        fits &= Q(**{f"{source.at}__gte": wanted.start})
    if wanted.end is not None:
        fits &= Q(**{f"{source.at}__lt": wanted.end})
    place = wanted.before if newer else wanted.after
    if place is None:
        return fits
    word = "gt" if newer else "lt"
    # The first condition alone bounds the index; the second settles equal times.
    beyond = Q(**{f"{source.at}__{word}": place.at})
    if source.number == place.source:
        beyond |= Q(**{source.at: place.at, f"pk__{word}": place.pk})
    elif (source.number > place.source) == newer:
        beyond |= Q(**{source.at: place.at})
    return fits & Q(**{f"{source.at}__{word}e": place.at}) & beyond


def _keys_of(wanted: ChangeFilter) -> dict[str, list[int]] | None:
    """Finds the things that are called so; None where no text is sought. One statement."""
    if not wanted.text:
        return None
    text = wanted.text.casefold()
    every = [
        model._default_manager.order_by().values_list(  # a union wants the same columns of each
            Value(kind, output_field=CharField()), "pk", name, zohos
        )
        for kind, (model, name, zohos) in _NAMES.items()
    ]
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for kind, pk, name, zohos in every[0].union(*every[1:], all=True):
        if text in _shown(name, zohos).casefold() or zohos == wanted.text:
            found[kind].append(pk)
    return found


def _shown(name: str, zohos: str) -> str:
    return mask_name(name) or zohos


def _versions(model: type[Any], thing: str, kind: str) -> Callable[[], QuerySet[Any]]:
    _, name, zohos = _NAMES[kind]
    own = ("number", "changes", "change_count", "seen_before", "first_seen_at", "modified_by", "modified_time")

    def rows() -> QuerySet[Any]:
        kept: QuerySet[Any] = model.objects.filter(number__gt=1).select_related(f"{thing}__account")
        return kept.only(*own, *(f"{thing}__{column}" for column in ("account__name", name, zohos)))

    return rows


def _edit(source: _Source, row: Any) -> SeenChange:
    thing = getattr(row, source.thing)
    _, name, zohos = _NAMES[source.kind]
    page = address_of(_PAGES[source.kind], thing.pk)
    return SeenChange(
        place=source.place(row),
        kind=source.kind,
        act=switched(row.changes) or "edited",
        account=thing.account.name,
        name=_shown(getattr(thing, name), getattr(thing, zohos)),
        url=page,
        seen_before=row.seen_before,
        made_at=row.modified_time,
        by=mask_name(row.modified_by),
        words=changes_in_words(row.changes, row.change_count),
        diff_url=f"{page}versions/{row.number}/",
    )


def _connection_changes() -> QuerySet[Any]:
    rows = ConnectionChange.objects.exclude(kind=ConnectionChange.Kind.CAME).select_related("connection__account")
    return rows.defer("connection__raw", "connection__account__client_secret")


def _status(source: _Source, row: ConnectionChange) -> SeenChange:
    one = row.connection
    return SeenChange(
        place=source.place(row),
        kind=CONNECTION,
        act=row.kind,
        account=one.account.name,
        name=one.shown_name,
        url=one.get_absolute_url(),
        seen_before=row.seen_before,
        words=[] if row.kind == ConnectionChange.Kind.DELETED else [status_in_words(row.before, row.status)],
    )


def _things(kind: str, at: str) -> Callable[[], QuerySet[Any]]:
    model = _NAMES[kind][0]

    def rows() -> QuerySet[Any]:
        every = model._default_manager.order_by()
        if at == "gone_at":
            return every.filter(gone_at__isnull=False)
        # What was there when its account was connected is no change.
        return every.filter(first_seen_at__gt=F("account__created_at") + SETTLED)

    return rows


def _as_thing(source: _Source, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Selects what came or went in the columns that all kinds have in common."""
    _, name, zohos = _NAMES[source.kind]
    rank = Value(source.number, output_field=IntegerField())
    beside = F("seen_at") if source.at == "gone_at" else F("created_time")
    made = {"rank": rank, "seen": F(source.at), "key": F("pk"), "of": F("account__name"), "beside": beside}
    found: QuerySet[Any] = rows.annotate(**made, called=F(name), zohos=F(zohos))
    return found.values_list(*made, "called", "zohos")


def _came_or_went(
    rank: int, seen: datetime, key: int, account: str, beside: datetime | None, *names: str
) -> SeenChange:
    source = _THING_OF[rank]
    is_gone = source.at == "gone_at"
    return SeenChange(
        place=ChangePlace(seen, rank, key),
        kind=source.kind,
        act="deleted" if is_gone else "new",
        account=account,
        name=_shown(*names),
        url=address_of(_PAGES[source.kind], key),
        seen_before=beside if is_gone else None,
        made_at=None if is_gone else beside,
    )


TABLES = (
    _Source(1, FLOW, "first_seen_at", _versions(FlowVersion, "flow", FLOW), "flow"),
    _Source(2, RULE, "first_seen_at", _versions(RuleVersion, "rule", RULE), "rule"),
    _Source(3, CONNECTED, "first_seen_at", _versions(ConnectedVersion, "workflow", CONNECTED), "workflow"),
    _Source(4, CONNECTION, "at", _connection_changes, "connection"),
)
# A connection that is gone is told by its own changes.
_KINDS_OF_THINGS = (
    *((kind, "first_seen_at") for kind in KINDS),
    (FLOW, "gone_at"),
    (RULE, "gone_at"),
    (CONNECTED, "gone_at"),
)
THINGS = tuple(_Source(5 + n, kind, at, _things(kind, at)) for n, (kind, at) in enumerate(_KINDS_OF_THINGS))
_THING_OF = {source.number: source for source in THINGS}
_READ: dict[str, Callable[[_Source, Any], SeenChange]] = {
    FLOW: _edit,
    RULE: _edit,
    CONNECTED: _edit,
    CONNECTION: _status,
}
