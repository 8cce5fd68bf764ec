"""Reads what admins said of retries of flows, beside what the flows are made of now."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import OuterRef, Subquery

from monitor.models import Flow, FlowVersion, RetryPin, zoho_ahead
from monitor.models.definitions import actions_in
from monitor.privacy import mask_name, mask_text
from monitor.retry.pinned import PinnedClass, PinnedWord

MOST_ACTIONS = 500


def words_on(flows: Collection[Flow], ahead: dict[int, timedelta]) -> dict[int, PinnedWord]:
    """Returns what was said of some flows, by their primary keys. Two statements at most.

    Args:
        flows: with their times of change; what was said is asked for where it was not joined in.
        ahead: by the account's primary key, Zoho's clock less ours.
    """
    by_key = {flow.pk: flow for flow in flows}
    joined = {key for key, flow in by_key.items() if _is_joined(flow)}
    pins = [pin for key in sorted(joined) if (pin := _pin_of(by_key[key])) is not None]
    if asked := by_key.keys() - joined:
        pins += RetryPin.objects.filter(flow__in=asked).select_related("by")
    if not pins:
        return {}
    newest = newest_versions([pin.flow_id for pin in pins])
    return {
        pin.flow_id: _word(pin, by_key[pin.flow_id], newest.get(pin.flow_id), ahead.get(by_key[pin.flow_id].account_id))
        for pin in pins
    }


def word_on(flow: Flow) -> PinnedWord | None:
    """Returns what was said of one flow, None where nothing was. At most three statements.

    Args:
        flow: as for `words_on`.
    """
    if _is_joined(flow) and _pin_of(flow) is None:
        return None
    ahead = zoho_ahead(flow.account_id).first() or timedelta(0)
    return words_on([flow], {flow.account_id: ahead}).get(flow.pk)


def actions_of(flow: Flow) -> list[tuple[str, str]]:
    """Returns the actions of a flow as it is now: Zoho's id, and what people call it. One statement."""
    version = newest_versions([flow.pk]).get(flow.pk)
    return named_actions(version.content) if version is not None else []


def _is_joined(flow: Flow) -> bool:
    return RetryPin._meta.get_field("flow").remote_field.is_cached(flow)


def _pin_of(flow: Flow) -> RetryPin | None:
    return getattr(flow, "retry_pin", None)  # no row is an AttributeError, too


def newest_versions(flows: Collection[int]) -> dict[int, FlowVersion]:
    """Returns what some flows are made of now, by their primary keys; those of which nothing was read are left out."""
    newest = FlowVersion.objects.filter(flow=OuterRef("flow")).order_by("-number").values("pk")[:1]
    rows = FlowVersion.objects.filter(flow__in=list(flows), pk=Subquery(newest))
    return {version.flow_id: version for version in rows.defer("changes")}


def named_actions(content: Any) -> list[tuple[str, str]]:
    """Returns the actions of a definition in their order: Zoho's id, and what people call it, masked."""
    found: dict[str, str] = {}
    for key, app, kind in actions_in(content):
        found.setdefault(key, mask_name(": ".join(word for word in (app, kind) if word)) or "an action")
    return list(found.items())[:MOST_ACTIONS]


def _word(pin: RetryPin, flow: Flow, version: FlowVersion | None, ahead: timedelta | None) -> PinnedWord:
    edited = flow.modified_time - (ahead or timedelta(0)) if flow.modified_time is not None else None
    is_edited = edited is not None and edited > pin.at
    read_at = flow.definition_read_at
    is_other = version is not None and version.number != pin.version
    actions = tuple(named_actions(version.content)) if version is not None else ()
    known = frozenset(pin.known)
    if version is not None and pin.version is None and not is_edited:
        # It was read for the first time since, and is still as it was then.
        is_other, known = False, frozenset(key for key, _ in actions)
    changed_at = version.first_seen_at if is_other and version is not None else edited if is_edited else None
    return PinnedWord(
        kind=cast("PinnedClass", pin.retry_class),
        who=pin.by.get_username(),
        at=pin.at,
        reason=mask_text(pin.reason, people=pin.people),
        repeatable=frozenset(pin.repeatable),
        known=known,
        actions=actions,
        changed_at=changed_at,
        is_unread=_is_unread(edited, read_at, version, is_edited=is_edited),
    )


def _is_unread(
    edited: datetime | None, read_at: datetime | None, version: FlowVersion | None, *, is_edited: bool
) -> bool:
    """Returns whether the flow is another than the one that was read, whenever that was said of it."""
    if read_at is not None and edited is not None and read_at < edited:
        return True
    return is_edited and (version is None or read_at is None)
