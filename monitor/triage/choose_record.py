"""Lets a person choose the field by which a flow's records are known, and take the choice back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from monitor import audit
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import Flow, RecordField, User
from monitor.triage.acts import ActRefused
from monitor.triage.find_record import DEEPEST, ENOUGH, find_path, id_at
from monitor.triage.shown_values import nested, shown_at
from monitor.triage.supersede import samples_of

LONGEST_PATH = 200
MOST_OFFERED = 30


@dataclass(frozen=True)
class OfferedField:
    """Holds a field that could tell records apart.

    Attributes:
        path: keys joined by dots.
        present: runs, of those looked at, that have something like an id there.
        distinct: how many different ones.
    """

    path: str
    present: int
    distinct: int


@dataclass(frozen=True)
class RecordFieldDetail:
    """Holds by what a flow's records are known, and what else a person may choose.

    Attributes:
        field: what was found and chosen; None where no run has failed yet.
        shown: the path in force, as people may see it; "" where there is none.
        shown_found: the path that was found by itself.
        looked_at: the newest runs with trigger data, of which `offered` tells.
        offered: the likeliest first; empty unless asked for.
    """

    field: RecordField | None
    shown: str
    shown_found: str
    looked_at: int
    offered: list[OfferedField]


def detail(flow: Flow, *, with_offers: bool) -> RecordFieldDetail:
    """Reads by what a flow's records are known. No statement, one with what may be chosen.

    Args:
        flow: with its `record_field` and who chose it.
        with_offers: the newest runs are read for what may be chosen.
    """
    field = getattr(flow, "record_field", None)  # no row is an AttributeError, too
    samples = samples_of(flow.pk) if with_offers else []
    path, found = (field.path, field.found) if field is not None else ("", "")
    return RecordFieldDetail(field, shown_path(path), shown_path(found), len(samples), offers(samples))


def shown_path(path: str) -> str:
    """Returns a path as people may see it: a key may hold personal data as well."""
    keys = path.split(".")
    return ".".join(shown_at(nested(keys), keys)[0]) if path else ""


def offers(samples: Sequence[Any]) -> list[OfferedField]:
    """Lists the fields of some runs that hold something like an id, those that tell most apart first. Pure."""
    values: dict[str, list[str]] = defaultdict(list)
    for data in samples:
        if isinstance(data, Mapping):
            for path, value in _ids(data, ()):
                values[path].append(value)
    found = [OfferedField(path, len(some), len(set(some))) for path, some in values.items()]
    fit = [one for one in found if one.distinct > 1 and shown_path(one.path) == one.path]
    return sorted(fit, key=lambda one: (-one.distinct, -one.present, one.path))[:MOST_OFFERED]


def _ids(data: Mapping[str, Any], before: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        path = (*before, key)
        if isinstance(value, Mapping) and len(path) < DEEPEST:
            yield from _ids(value, path)
        elif key and "." not in key and len(".".join(path)) <= LONGEST_PATH and (text := id_at(data, key)):
            yield ".".join(path), text


def choose(flow: Flow, path: str, actor: User, now: datetime) -> None:
    """Has a flow's records known by the field that a person names, from now on and for what is open.

    Args:
        flow: with its account.
        path: keys joined by dots.
        actor: an admin.
        now: the present.

    Raises:
        ActRefused: not permitted, no path, or a field that tells no records apart in the newest runs.
    """
    _permitted(flow, actor)
    path = path.strip()
    if not path or len(path) > LONGEST_PATH or "\0" in path or "" in path.split("."):
        raise ActRefused(_("Name the field by its keys, joined by dots, such as data.id."), "bad_path")
    samples = samples_of(flow.pk)
    ids = [found for found in (id_at(data, path) for data in samples) if found]
    if not ids:
        raise ActRefused(
            _("None of the newest %(n)s runs with trigger data has an id there.") % {"n": len(samples)}, "not_there"
        )
    if len(ids) >= ENOUGH and len(set(ids)) == 1:
        raise ActRefused(_("It is the same in all runs: it tells no records apart."), "same_in_all")
    with transaction.atomic():
        before = _held(flow)
        if before.chosen == path:
            raise ActRefused(_("It is chosen already."), "already_so")
        _set(before, path, actor, now)
        audit.record(actor, "record_field.choose", flow, now=now, account=flow.account_id, detail=_told(before, path))


def take_back(flow: Flow, actor: User, now: datetime) -> None:
    """Has a flow's records known again by the field that is found by itself.

    Raises:
        ActRefused: not permitted, or nothing was chosen.
    """
    _permitted(flow, actor)
    with transaction.atomic():
        before = _held(flow)
        if not before.chosen:
            raise ActRefused(_("Nobody has chosen a field."), "already_so")
        samples = samples_of(flow.pk)
        found = find_path(samples)
        _set(before, "", None, None, found=found, samples=len(samples), found_at=now)
        told = _told(before, found)
        audit.record(actor, "record_field.take_back", flow, now=now, account=flow.account_id, detail=told)


def _permitted(flow: Flow, actor: User) -> None:
    if not may(actor, "record_field", flow.account):
        raise ActRefused(_("Only an admin may choose the field of a flow's records."), "not_permitted")


def _held(flow: Flow) -> RecordField:
    RecordField.objects.get_or_create(flow=flow)
    return RecordField.objects.select_for_update(no_key=True, of=("self",)).get(pk=flow.pk)


def _set(before: RecordField, path: str, actor: User | None, now: datetime | None, **found: Any) -> None:
    RecordField.objects.filter(pk=before.pk).update(chosen=path, chosen_by=actor, chosen_at=now, **found)


def _told(before: RecordField, path: str) -> dict[str, str]:
    return {"from": shown_path(before.path), "to": shown_path(path)}
