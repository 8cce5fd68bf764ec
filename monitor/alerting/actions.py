"""Does what people do about incidents: acknowledge, hand over, comment, close by hand, snooze, silence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from monitor import audit
from monitor.access import may
from monitor.alerting import escalations
from monitor.alerting.escalate import EscalationTrigger
from monitor.alerting.escalations import EscalationCause
from monitor.alerting.incidents import close, escalate, lock, named_in, note_event, wake
from monitor.figures import dated
from monitor.languages import gettext as _
from monitor.models import (
    AlertState,
    Escalation,
    Flow,
    Incident,
    IncidentAlert,
    Silence,
    Snooze,
    Tag,
    User,
    ZohoAccount,
)

NOTE_LENGTH = 300
COMMENT_LENGTH = 2000
LONGEST_SNOOZE = timedelta(days=30)
LONGEST_SILENCE = timedelta(days=365)
BY_MAIL = "by the link in a mail"


class AlertActRefused(Exception):  # noqa: N818 - it says what happened
    """Says that it cannot be done, and nothing was done.

    Attributes:
        message: one line for the person.
        code: for programs: over, already, not_acknowledged, text_missing, bad_time, no_owner, not_its_alert.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def acknowledge(incident: Incident, user: User, note: str, now: datetime, *, way: str = "") -> None:
    """Says that a person looks after an incident: it is not mailed again until it has recovered.

    Args:
        incident: which.
        user: who looks after it; its owner, where it has none.
        note: what they say to it; cut at 300 characters.
        now: when.
        way: how they said so, for the trail, where it was not on the pages.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it is over, or somebody was faster. Nothing that is over is opened again.
    """
    _check(incident, user)
    words = one_line(note)
    with transaction.atomic():
        held = _held(incident)
        if held.acknowledged_at is not None:
            words = _("%(person)s has acknowledged it already.") % {"person": _who(held.acknowledged_by)}
            raise AlertActRefused(words, "already")
        held.acknowledged_at, held.acknowledged_by, held.acknowledge_note = now, user, words
        held.owner = held.owner or user
        held.said_names = named_in(held, words)
        held.save(update_fields=["acknowledged_at", "acknowledged_by", "acknowledge_note", "said_names", "owner"])
        escalations.end(held, Escalation.Ended.ACKNOWLEDGED, now)
        note_event(held, "acknowledged", now, actor=user, note=words)
        _audit(held, user, "incident.acknowledge", now, {"note": words} | ({"way": way} if way else {}))


def take_back(incident: Incident, user: User, now: datetime) -> None:
    """Takes an acknowledgement back: the incident is mailed again as if nobody had said anything.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it is over, or nobody has acknowledged it.
    """
    _check(incident, user)
    with transaction.atomic():
        held = _held(incident)
        if held.acknowledged_at is None:
            raise AlertActRefused(_("Nobody has acknowledged it."), "not_acknowledged")
        held.acknowledged_at, held.acknowledged_by = None, None
        held.acknowledge_note = held.said_names = ""
        held.save(update_fields=["acknowledged_at", "acknowledged_by", "acknowledge_note", "said_names"])
        note_event(held, "unacknowledged", now, actor=user)
        escalate(held, [EscalationCause(EscalationTrigger.TAKEN_BACK)], now)
        _audit(held, user, "incident.unacknowledge", now, {})


def hand_over(incident: Incident, owner: User | None, user: User, now: datetime) -> None:
    """Gives an incident to a person, or to nobody.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it is over, or the owner may do nothing about it.
    """
    _check(incident, user)
    if owner is not None and not may(owner, "acknowledge", incident.account):
        words = _("%(person)s may not work on alerts.") % {"person": owner.get_username()}
        raise AlertActRefused(words, "no_owner")
    with transaction.atomic():
        held = _held(incident)
        before, held.owner = held.owner, owner
        if before == owner:
            return
        held.save(update_fields=["owner"])
        words = f"to {owner.get_username()}" if owner is not None else "to nobody"
        note_event(held, "handed_over", now, actor=user, note=words)
        _audit(held, user, "incident.hand_over", now, {"from": _name(before), "to": _name(owner)})


def comment(incident: Incident, text: str, user: User, now: datetime) -> None:
    """Adds a note to an incident's timeline, also after it is over.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: there is no text.
    """
    _check(incident, user)
    words = text.replace("\0", "").strip()[:COMMENT_LENGTH]
    if not words:
        raise AlertActRefused(_("Write a note first."), "text_missing")
    with transaction.atomic():
        note_event(incident, "comment", now, actor=user, note=words)
        _audit(incident, user, "incident.comment", now, {})


def close_by_hand(incident: Incident, why: str, user: User, now: datetime) -> None:
    """Closes an incident whose alerts may go on firing. What fires anew is an incident of its own.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it is over, or no reason is given.
    """
    _check(incident, user)
    words = one_line(why)
    if not words:
        raise AlertActRefused(_("Say why it is closed."), "text_missing")
    with transaction.atomic():
        held = _held(incident)
        open_members = IncidentAlert.objects.filter(incident=held, left_at=None)
        open_members.update(left_at=now, left_how=Incident.Closed.BY_HAND)
        close(held, Incident.Closed.BY_HAND, now, now, actor=user, note=words)
        _audit(held, user, "incident.close", now, {"why": words})


def snooze(incident: Incident, alert: AlertState, until: datetime, why: str, user: User, now: datetime) -> None:
    """Has nothing mailed of an alert's subject until a time; what still fires then is mailed then.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: the time is not ahead or too far, or the alert is not one of the incident.
    """
    _check(incident, user)
    if not now < until <= now + LONGEST_SNOOZE:
        raise AlertActRefused(_("Choose a time ahead, at most 30 days."), "bad_time")
    if not incident.members.filter(alert=alert).exists():
        raise AlertActRefused(_("This alert does not belong to the incident."), "not_its_alert")
    words = one_line(why)
    with transaction.atomic():
        Snooze.objects.create(
            account_id=incident.account_id, alert=alert, flow_id=alert.flow_id, until=until, by=user, at=now, why=words
        )
        note_event(
            incident, "snoozed", now, alert=alert, actor=user, note=f"until {until:%Y-%m-%d %H:%M} UTC. {words}".strip()
        )
        _audit(incident, user, "incident.snooze", now, {"alert": alert.pk, "until": until.isoformat(), "why": words})


def end_snooze(row: Snooze, user: User, now: datetime) -> None:
    """Ends a snooze now: what waited for its end is mailed.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it is over.
    """
    if not may(user, "acknowledge", row.account):
        raise PermissionDenied
    with transaction.atomic():
        if not Snooze.objects.filter(pk=row.pk, ended_at=None, until__gt=now).update(ended_at=now):
            raise AlertActRefused(_("It is over already."), "over")
        wake(row.account_id, now)
        audit.record(user, "snooze.end", row, now=now, account=row.account_id)


def silence(
    user: User,
    now: datetime,
    *,
    starts_at: datetime,
    ends_at: datetime,
    why: str,
    account: ZohoAccount | None = None,
    flow: Flow | None = None,
    kind: str = "",
    text: str = "",
    tag: Tag | None = None,
    owner: User | None = None,
) -> Silence:
    """Has nothing mailed of the alerts that fit, from one time to another.

    Args:
        user: who says so.
        now: the present.
        starts_at: from when on; ahead for a maintenance window.
        ends_at: until when.
        why: the reason.
        account: only of this account.
        flow: only of this flow.
        kind: only of rules of this kind.
        text: only where the flow's or the rule's name has this part.
        tag: only of what has this tag.
        owner: only of what this person looks after.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it would end before it starts, or is over or too long, or has no reason.
    """
    if not may(user, "silence", account):
        raise PermissionDenied
    words = one_line(why)
    if not words:
        raise AlertActRefused(_("Say why."), "text_missing")
    if not max(starts_at, now) < ends_at <= max(starts_at, now) + LONGEST_SILENCE:
        raise AlertActRefused(_("It must end after it starts, in the future, and last a year at most."), "bad_time")
    with transaction.atomic():
        row = Silence.objects.create(
            account=account,
            flow=flow,
            kind=kind,
            text=one_line(text)[:200],
            tag=tag,
            owner=owner,
            starts_at=starts_at,
            ends_at=ends_at,
            by=user,
            at=now,
            why=words,
        )
        detail = {"from": starts_at.isoformat(), "to": ends_at.isoformat(), "why": words}
        detail |= {"tag": tag.name} if tag is not None else {}
        detail |= {"owner": owner.get_username()} if owner is not None else {}
        audit.record(user, "silence.add", row, now=now, account=account, detail=detail)
    return row


def end_silence(row: Silence, user: User, now: datetime) -> None:
    """Ends a silence now, or calls a planned one off: what waited for its end is mailed.

    Raises:
        PermissionDenied: the person may not.
        AlertActRefused: it is over.
    """
    if not may(user, "silence", row.account):
        raise PermissionDenied
    with transaction.atomic():
        if not Silence.objects.filter(pk=row.pk, ended_at=None, ends_at__gt=now).update(ended_at=now):
            raise AlertActRefused(_("It is over already."), "over")
        every = ZohoAccount.objects.order_by("pk").values_list("pk", flat=True)
        for account in [row.account_id] if row.account_id else every:
            wake(account, now)
        audit.record(user, "silence.end", row, now=now, account=row.account_id)


def _check(incident: Incident, user: User) -> None:
    if not may(user, "acknowledge", incident.account):
        raise PermissionDenied


def _held(incident: Incident) -> Incident:
    """Returns the incident as it is now, held until the transaction ends.

    Raises:
        AlertActRefused: it is over.
    """
    lock(incident.account_id)
    held = Incident.objects.select_related("account", "owner", "acknowledged_by").get(pk=incident.pk)
    if held.closed_at is not None:
        said = (
            _("It has recovered already, at %(at)s UTC. Nothing was changed.")
            if held.closed_how == Incident.Closed.RECOVERED
            else _("It is over already, at %(at)s UTC. Nothing was changed.")
        )
        raise AlertActRefused(said % {"at": dated(f"{held.closed_at:%Y-%m-%d %H:%M}")}, "over")
    return held


def _audit(incident: Incident, user: User, action: str, now: datetime, detail: dict[str, Any]) -> None:
    audit.record(user, action, incident, now=now, account=incident.account_id, detail=detail)


def one_line(text: str) -> str:
    """Returns a person's own words in one line, as long as such a line is stored."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()[:NOTE_LENGTH]


def _who(person: User | None) -> str:
    return _name(person) or _("Somebody")


def _name(person: User | None) -> str | None:
    return person.get_username() if person is not None else None
