"""Turns alerts that fire and recover into incidents, and says what is to be mailed of them.

One transaction for an account's transitions: an incident that opens, grows or closes, the line of its timeline, and the
notice for `monitor.notify` stand or fall together. Whoever does this to an account holds its row meanwhile, so that two
processes never open two incidents for one cause.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from monitor.alert_numbers import STEADY
from monitor.alerting import escalations
from monitor.alerting.escalate import EscalationTrigger
from monitor.alerting.escalations import EscalationCause
from monitor.alerting.evidence import causes_by_alert
from monitor.alerting.flapping import WITHIN, FlapStanding, after_edge
from monitor.alerting.grouping import AlertCauses, OpenIncident, choose
from monitor.alerting.in_order import in_order
from monitor.models import (
    AlertState,
    Escalation,
    Incident,
    IncidentAlert,
    IncidentEvent,
    Notice,
    Transition,
    User,
    ZohoAccount,
)
from monitor.models.hand_over import hold
from monitor.named_people import newest_failed, people_named

logger = logging.getLogger(__name__)

AT_ONCE = 500  # transitions of an account in one transaction
GROUP_INTERVAL = timedelta(minutes=5)
WAITS_AT_MOST = 4  # times the group wait, while one alert after the other joins
# What a first look finds comes as histories are read, some minutes apart, and is no news.
FIRST_INTERVAL, FIRST_WAITS, FIRST_WAITS_AT_MOST = timedelta(hours=1), 4, 20
FIRST_TAKES = timedelta(hours=1)  # what is found first later than that is an incident of its own
SEVERAL = 2  # flows whose sign-in is refused, before a third is no news
SEVERITIES = ("digest", "notify", "page")  # the higher, the later
QUIETEST = SEVERITIES[0]
Kind = Notice.Kind
Edge = Transition.Kind
ENDS = ("resolved", "closed")
CROSSINGS = ("firing", "resolved")  # whose number tells that an alert flaps


class MailPace(NamedTuple):
    """Holds how long a mail of an incident waits for more alerts, at most, and how long after the mail before."""

    wait: timedelta
    longest_wait: timedelta
    interval: timedelta


def pace_of(incident: Incident) -> MailPace:
    """Returns how fast an incident is mailed."""
    wait = timedelta(seconds=settings.ALERT_GROUP_WAIT)
    if incident.cause == Incident.Cause.FIRST:
        return MailPace(FIRST_WAITS * wait, FIRST_WAITS_AT_MOST * wait, FIRST_INTERVAL)
    return MailPace(wait, WAITS_AT_MOST * wait, GROUP_INTERVAL)


def follow(account: ZohoAccount, now: datetime) -> int:
    """Enters an account's new transitions into incidents, the oldest first.

    Args:
        account: whose.
        now: the time of the run.

    Returns:
        How many transitions were entered.
    """
    if not _new(account).exists():
        return 0
    with transaction.atomic():
        lock(account)
        new = in_order(_new(account).select_related("alert__rule", "alert__flow").order_by("pk")[:AT_ONCE])
        causes = causes_by_alert(account, [found for found in new if found.kind == Edge.FIRING])
        desk = _Desk(account, now, _lately(new))
        for found in new:
            is_told = desk.enter(found, causes.get(found.pk))
            states = Transition.Dispatch
            found.dispatch_state = states.DISPATCHED if is_told else states.SILENT
            found.dispatched_at = now
        Transition.objects.bulk_update(new, ["dispatch_state", "dispatched_at"], batch_size=100)
        desk.escalate()
    return len(new)


def lock(account: ZohoAccount | int) -> None:
    """Waits until nobody else changes the incidents of an account; call it in a transaction.

    Its notices that are not settled are held, too: one that is being written at this moment is settled before, or is
    written after what is changed now.
    """
    key = account if isinstance(account, int) else account.pk
    hold(ZohoAccount.objects.filter(pk=key))
    hold(Notice.objects.filter(incident__account=key, dispatch_state=Transition.Dispatch.NEW))


def _new(account: ZohoAccount) -> Any:
    return Transition.objects.filter(alert__rule__account=account, dispatch_state=Transition.Dispatch.NEW)


class _Desk:
    """Holds the open incidents of an account while transitions are entered."""

    def __init__(self, account: ZohoAccount, now: datetime, edges: dict[int, list[datetime]]) -> None:
        self.account, self.now, self.edges = account, now, edges
        self.flaps: dict[int, FlapStanding] = {}
        opened = Incident.objects.filter(account=account, closed_at=None).order_by("opened_at", "pk")
        self.opened: dict[int, Incident] = {one.pk: one for one in opened}
        members = IncidentAlert.objects.filter(incident__in=list(self.opened)).select_related("alert__rule")
        self.causes: dict[int, list[EscalationCause]] = {}
        self.left: set[int] = set()  # keys of incidents of which an alert is over
        self.members: dict[int, list[IncidentAlert]] = {key: [] for key in self.opened}
        for member in members.order_by("joined_at", "pk"):
            self.members[member.incident_id].append(member)

    def enter(self, found: Transition, causes: AlertCauses | None) -> bool:
        """Enters one transition; returns whether it is one that people are told of."""
        if found.kind == Edge.FIRING and causes is not None:
            is_told = self._fire(found, causes)
            self._flap(found)
            return is_told
        member = self._member(found)
        if found.kind in ENDS:
            is_told = self._end(found, member)
            self._flap(found)
            return is_told
        if member is not None:
            note_event(member.incident, found.kind, found.at, alert=found.alert, note=found.reason)
        return False

    def _member(self, found: Transition) -> IncidentAlert | None:
        """Returns the membership of a transition's episode, also in an incident that is closed."""
        known = IncidentAlert.objects.select_related("incident")
        return known.filter(alert=found.alert_id, episode=found.episode).first()

    def _fire(self, found: Transition, causes: AlertCauses) -> bool:
        if self._member(found) is not None:
            return False
        choice = choose(causes, [self._as_open(one, found.at) for one in self.opened.values()])
        severity = severity_of(found.alert)
        if choice.joins is None:
            incident = self._open(found, causes, choice.cause, choice.cause_key, severity)
        else:
            incident = self.opened[choice.joins]
        is_explained = choice.joins is not None and self._is_explained(incident, causes)
        muted = f"the sign-in to {incident.cause_key} does not work"[:200] if is_explained else ""
        if is_explained and causes.is_cause:
            self._mute(incident, muted)
        member = IncidentAlert.objects.create(
            incident=incident,
            alert=found.alert,
            episode=found.episode,
            began_at=causes.began_at,
            joined_at=self.now,
            muted="" if causes.is_cause else muted,
            causes=causes.stored(),
        )
        self.members[incident.pk].append(member)
        note_event(incident, "fired", found.at, alert=found.alert, note=found.reason)
        before = incident.severity
        if choice.joins is not None:
            self._grow(incident, member, severity)
        self._note_trigger(incident, member, is_new=choice.joins is None, has_risen=incident.severity != before)
        return True

    def _note_trigger(self, incident: Incident, member: IncidentAlert, *, is_new: bool, has_risen: bool) -> None:
        """Notes what may begin an escalation; what follows from another alert, or is known already, does not.

        One that flaps repeats no step that was taken or waits: it fires anew too often for that.
        """
        alert = member.alert
        if severity_of(alert) == QUIETEST:
            return
        others = [one for one in self.members[incident.pk] if one.pk != member.pk]
        is_anew = any(one.alert_id == alert.pk for one in others) and not member.muted
        if not is_new and self._flap_standing(alert).holds(self.now):
            trigger = EscalationTrigger.FLAPS
        elif is_anew:
            trigger = EscalationTrigger.FIRED_ANEW
        elif is_new or has_risen or self._is_news(member):
            trigger = EscalationTrigger.OPENED if is_new else EscalationTrigger.JOINED
        else:
            return
        # By then it is an outage; a page is one at once.
        wait = STEADY if trigger is EscalationTrigger.FLAPS and severity_of(alert) != SEVERITIES[-1] else timedelta(0)
        self.causes.setdefault(incident.pk, []).append(EscalationCause(trigger, alert, wait))

    def escalate(self) -> None:
        """Ends the escalations that no alert asks for any more, and begins those of what fired."""
        for key in self.left & self.opened.keys():
            escalations.end_unnamed(self.opened[key], self.now)
        for key in self.causes.keys() & self.opened.keys():
            escalate(self.opened[key], self.causes[key], self.now)

    def _is_explained(self, incident: Incident, causes: AlertCauses) -> bool:
        """Returns whether an alert follows from a connection that is known to be broken.

        Failures by 401 and 403 share an incident, but a few prove nothing: one of two hosts may refuse, or one record.
        Zoho's word lets an alert go unsaid, or the connection's own alert, or that the sign-in of several flows is
        refused.
        """
        if incident.cause != Incident.Cause.CONNECTION:
            return False
        firing = [one.causes for one in self.members[incident.pk] if one.left_at is None]
        if causes.is_cause or causes.is_broken or any(known.get("is_cause") for known in firing):
            return True
        refused = sum(bool(known.get("is_refused")) for known in firing)
        return causes.is_refused and refused >= SEVERAL

    def _mute(self, incident: Incident, why: str) -> None:
        """Notes of the alerts that fire already what they follow from; other connections' own do not."""
        for known in self.members[incident.pk]:
            if known.left_at is None and not known.muted and not known.causes.get("is_cause"):
                known.muted = why
                known.save(update_fields=["muted"])

    def _open(self, found: Transition, causes: AlertCauses, cause: str, key: str, severity: str) -> Incident:
        incident = Incident.objects.create(
            account=self.account,
            cause=cause,
            cause_key=key,
            began_at=causes.began_at,
            opened_at=found.at,
            severity=severity,
        )
        self.opened[incident.pk], self.members[incident.pk] = incident, []
        notify(incident, Kind.FIRING, self.now, due_at=self.now + pace_of(incident).wait)
        logger.info("incident %d: opened by alert %d", incident.pk, found.alert_id)
        return incident

    def _grow(self, incident: Incident, member: IncidentAlert, severity: str) -> None:
        """Notes that an alert joined; what is to be mailed of it waits for more of them.

        One for digests brings no mail.
        """
        has_risen = SEVERITIES.index(severity) > SEVERITIES.index(incident.severity)
        incident.began_at = min(incident.began_at, member.began_at)
        incident.severity = severity if has_risen else incident.severity
        incident.save(update_fields=["began_at", "severity"])
        if severity == QUIETEST:
            return
        waiting = incident.notices.filter(dispatch_state=Transition.Dispatch.NEW)
        held = {one.kind: one for one in waiting.exclude(kind=Kind.ESCALATE)}
        # What kept a mail quiet until now (a snooze, working hours) need not hold for the alert that joined.
        soon = self.now + pace_of(incident).wait
        waiting.exclude(why_silent="").filter(due_at__gt=soon).update(due_at=soon)
        if (first := held.get(Kind.FIRING)) is not None:
            due_at = min(self.now + pace_of(incident).wait, first.at + pace_of(incident).longest_wait)
            waiting.filter(pk=first.pk, why_silent="", due_at__lt=due_at).update(due_at=due_at)
        elif (has_risen or self._is_news(member)) and Kind.UPDATE not in held:
            last = incident.notices.all().told().aggregate(at=Max("dispatched_at"))["at"] or self.now
            due_at = max(self.now + pace_of(incident).wait, last + pace_of(incident).interval)
            notify(incident, Kind.UPDATE, self.now, due_at=due_at)

    def _flap(self, found: Transition) -> None:
        """Notes that an alert fires and recovers again and again, and has one notice say so."""
        if found.kind not in CROSSINGS:
            return
        alert = found.alert
        before = self._flap_standing(alert)
        after = after_edge(before, self.edges.get(alert.pk, ()), found.at)
        if after.since is not None and (member := self._member(found)) is not None:
            if not before.holds(found.at):
                note_event(member.incident, "flaps", found.at, alert=alert)
            is_told = after.is_told or self._tell_flapping(member.incident, alert.pk, after.since)
            after = replace(after, is_told=is_told)
        self.flaps[alert.pk] = after
        if after != before:
            AlertState.objects.filter(pk=alert.pk).update(
                flaps_since=after.since, flaps_until=after.until, flaps_told=after.is_told
            )

    def _flap_standing(self, alert: AlertState) -> FlapStanding:
        return self.flaps.get(alert.pk) or FlapStanding(alert.flaps_since, alert.flaps_until, alert.flaps_told)

    def _tell_flapping(self, incident: Incident, alert: int, since: datetime) -> bool:
        """Has a notice say that an alert flaps, once; returns whether one that went out says so.

        A mail that something fires is the best to say it: that of an end reaches only who was told of the beginning,
        and a step of an escalation goes to others.
        """
        states = Transition.Dispatch
        sent = Q(dispatch_state=states.DISPATCHED, dispatched_at__gte=since)
        known = Notice.objects.filter(incident__members__alert=alert).exclude(kind=Kind.ESCALATE).distinct()
        told = [one for one in known.filter(sent | Q(dispatch_state=states.NEW)) if alert in one.flapping]
        if told:
            return any(one.dispatch_state == states.DISPATCHED for one in told)
        waiting = incident.notices.filter(dispatch_state=states.NEW).exclude(kind=Kind.ESCALATE)
        best = max(waiting, key=lambda one: (one.kind in (Kind.FIRING, Kind.UPDATE), one.seq), default=None)
        if best is not None:
            best.flapping = [*best.flapping, alert]
            best.save(update_fields=["flapping"])
        return False

    def _is_news(self, member: IncidentAlert) -> bool:
        """Returns whether people are told that an alert joined: not of what follows, nor twice of one subject."""
        mine = _subject_of(member.alert)
        others = (one for one in self.members[member.incident_id] if one.pk != member.pk and one.left_at is None)
        return not member.muted and all(_subject_of(one.alert) != mine for one in others)

    def _end(self, found: Transition, member: IncidentAlert | None) -> bool:
        if member is None:
            return False
        is_ended = found.to_state == AlertState.State.NO_DATA or found.kind != Edge.RESOLVED
        how = Incident.Closed.ENDED if is_ended else Incident.Closed.RECOVERED
        note_event(member.incident, how, found.at, found.alert, found.reason)
        if member.left_at is not None:
            return False
        IncidentAlert.objects.filter(pk=member.pk).update(left_at=found.at, left_how=how)
        for known in self.members.get(member.incident_id, []):
            if known.pk == member.pk:
                known.left_at, known.left_how = found.at, how
        if (incident := self.opened.get(member.incident_id)) is None:
            return True
        firing = [known for known in self.members[incident.pk] if known.left_at is None]
        if not firing:
            self._close(incident, found.at)
            return True
        self.left.add(incident.pk)
        severity = loudest(severity_of(known.alert) for known in firing)
        # What nobody was mailed of does not make it quieter: its end is told to those who know of it.
        if severity not in (QUIETEST, incident.severity):
            incident.severity = severity
            incident.save(update_fields=["severity"])
        return True

    def _close(self, incident: Incident, at: datetime) -> None:
        ways = {known.left_how for known in self.members[incident.pk]}
        how = Incident.Closed.ENDED if ways == {Incident.Closed.ENDED} else Incident.Closed.RECOVERED
        close(incident, how, at, self.now)
        del self.opened[incident.pk]

    def _as_open(self, incident: Incident, at: datetime) -> OpenIncident:
        members = [AlertCauses.restored(one.causes, one.began_at) for one in self.members[incident.pk]]
        is_fresh = at - incident.opened_at <= FIRST_TAKES
        return OpenIncident(incident.pk, incident.cause, incident.cause_key, members, is_fresh=is_fresh)


def _lately(new: list[Transition]) -> dict[int, list[datetime]]:
    """Reads when alerts fired and recovered in the day before their new edges. One statement."""
    mine = [found for found in new if found.kind in CROSSINGS]
    if not mine:
        return {}
    rows = Transition.objects.filter(
        alert__in={found.alert_id for found in mine}, kind__in=CROSSINGS, at__gt=min(one.at for one in mine) - WITHIN
    )
    edges: dict[int, list[datetime]] = {}
    for alert, at in rows.values_list("alert_id", "at"):
        edges.setdefault(alert, []).append(at)
    return edges


def _subject_of(alert: AlertState) -> tuple[str, int | None, str]:
    return alert.subject_kind, alert.flow_id, alert.subject_key


def severity_of(alert: AlertState) -> str:
    """Returns how loud the mails of an alert are."""
    return alert.rule.severity


def loudest(severities: Iterable[str]) -> str:
    """Returns the loudest of some severities."""
    return max(severities, key=SEVERITIES.index, default=QUIETEST)


def close(
    incident: Incident, how: str, at: datetime, now: datetime, *, actor: User | None = None, note: str = ""
) -> None:
    """Closes an incident; call it in a transaction that holds its account.

    Args:
        incident: an open one.
        how: one of `Incident.Closed`.
        at: when it was over.
        now: the present.
        actor: who closed it; None where its alerts are over.
        note: why, in the person's words.
    """
    escalations.end(incident, Escalation.Ended.OVER, now)
    incident.closed_at, incident.closed_how = at, how
    members = incident.members.select_related("alert__rule")
    incident.severity = loudest([incident.severity, *(severity_of(member.alert) for member in members)])
    incident.save(update_fields=["closed_at", "closed_how", "severity"])
    note_event(incident, "closed", at, actor=actor, note=note)
    # A mail that waits for the end of a snooze has nothing to wait for any more, and would hold up the last one.
    waiting = incident.notices.filter(dispatch_state=Transition.Dispatch.NEW)
    waiting.exclude(why_silent="").update(due_at=now)
    notify(incident, Kind.RESOLVED, now, due_at=now)
    if incident.cause == Incident.Cause.ACCOUNT:
        wake(incident.account_id, now)
    logger.info("incident %d: closed (%s)", incident.pk, how)


def escalate(incident: Incident, causes: Sequence[EscalationCause], now: datetime) -> None:
    """Begins the escalations of an incident; call it in a transaction that holds its account."""
    for begun in escalations.begin(incident, causes, now, lambda *notice: notify(*notice[:3], due_at=notice[3])):
        note_event(incident, "escalation", now, note=begun.policy_name)


def wake(account_id: int, now: datetime) -> None:
    """Makes the waiting notices of an account due, for what kept them quiet may be over; call it in a transaction."""
    lock(account_id)
    waiting = Notice.objects.filter(incident__account=account_id, dispatch_state=Transition.Dispatch.NEW)
    waiting.exclude(why_silent="").update(due_at=now)


def notify(incident: Incident, kind: str, now: datetime, *, due_at: datetime) -> Notice:
    """Hands something of an incident over to be mailed; call it in a transaction that holds its account."""
    incident.last_seq += 1
    incident.save(update_fields=["last_seq"])
    return Notice.objects.create(incident=incident, seq=incident.last_seq, kind=kind, at=now, due_at=due_at)


def remind(account: ZohoAccount, now: datetime) -> int:
    """Has mails of incidents that are still open and that nobody acknowledged repeated, as often as their rules say.

    Args:
        account: whose.
        now: the present.

    Returns:
        How many are repeated.
    """
    with transaction.atomic():
        found = Incident.objects.filter(account=account, closed_at=None, acknowledged_at=None)
        # Steps of an escalation go to others, and wait for their own time.
        others = Notice.objects.filter(incident=OuterRef("pk")).exclude(kind=Kind.ESCALATE)
        quiet = found.exclude(Exists(others.filter(dispatch_state=Transition.Dispatch.NEW)))
        told_at = Max("notices__dispatched_at", filter=~Q(notices__kind=Kind.ESCALATE))
        due = [one for one in quiet.annotate(told_at=told_at) if _is_to_repeat(one, now)]
        if not due:
            return 0
        lock(account)
        # Asked again: another process may have done it before the lock was ours.
        again = quiet.filter(pk__in=[one.pk for one in due]).annotate(told_at=told_at)
        still = [one for one in again if _is_to_repeat(one, now)]
        for one in still:
            notify(one, Kind.REPEAT, now, due_at=now)
    return len(still)


def _is_to_repeat(incident: Any, now: datetime) -> bool:
    if incident.told_at is None or incident.severity == QUIETEST:
        return False
    hours = [
        hours
        for member in incident.members.filter(left_at=None).select_related("alert__rule")
        if severity_of(member.alert) != QUIETEST and (hours := repeat_of(member.alert)) is not None
    ]
    return bool(hours) and now - incident.told_at >= min(hours)


def repeat_of(alert: AlertState) -> timedelta | None:
    """Returns after how long a mail of an alert is repeated; None for never."""
    return timedelta(hours=alert.rule.repeat_hours) if alert.rule.repeat_hours else None


def note_event(
    incident: Incident,
    kind: str,
    at: datetime,
    alert: AlertState | None = None,
    note: str = "",
    actor: User | None = None,
) -> None:
    """Adds a line to an incident's timeline."""
    note = note[:2000]
    named = named_in(incident, note) if actor is not None else ""
    IncidentEvent.objects.create(
        incident=incident, kind=kind, at=at, alert=alert, note=note, said_names=named, actor=actor
    )


def named_in(incident: Incident, words: str) -> str:
    """Finds the people of the failed runs of an incident's flows whom a person's words name, a line each."""
    if not words:
        return ""
    flows = incident.members.filter(alert__flow__isnull=False).values_list("alert__flow", flat=True).distinct()
    return "\n".join(people_named(words, newest_failed(flow__in=list(flows))))
