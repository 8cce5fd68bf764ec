"""Reads whom a notice of an incident concerns, and what keeps it quiet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db.models import Q

from monitor.alert_numbers import STEADY
from monitor.hushes import explaining, quiet_by
from monitor.models import (
    AlertRule,
    AlertState,
    Channel,
    ChannelMessage,
    Delivery,
    Incident,
    IncidentAlert,
    Notice,
    SendAttempt,
    Silence,
    Snooze,
    User,
)
from monitor.notify.channels.routing import ChannelFacts, channels_for
from monitor.notify.channels.services import SERVICES
from monitor.notify.channels.standing import gone_standings
from monitor.notify.hours import WorkingHours
from monitor.notify.recipients import entitled, recipients, refused_readers
from monitor.notify.when_to_send import Hush, NoticeFacts, Why
from monitor.routing.decide import Heard, Reachable, who_hears
from monitor.routing.read import active_routes, as_route, routed


@dataclass(frozen=True, slots=True)
class Audience:
    """Holds the people whom a notice concerns, one for each address, the channels it may go to, and its fate's facts.

    Attributes:
        heard: who hears of it by rules and routes, but for its end: of that hears who was told of something of it.
        severity: by which channels are chosen that no route names.
    """

    people: list[User]
    facts: NoticeFacts
    channels: list[Channel]
    heard: Heard
    severity: str

    def channels_of(self, notice: Notice, *, says_both: bool) -> list[Channel]:
        """Returns the channels that a notice goes to."""
        told = channels_told(notice.incident_id)
        known = [
            ChannelFacts(
                key=channel.pk,
                account=channel.account_id,
                severity=channel.severity,
                has_incidents=SERVICES[channel.service].has_incidents,
                is_told=channel.pk in told,
            )
            for channel in self.channels
        ]
        account, severity = notice.incident.account_id, self.severity
        chosen: set[int] = set()
        if self.heard.every_channel or notice.kind == Notice.Kind.RESOLVED:
            chosen |= {*channels_for(known, account=account, severity=severity, kind=notice.kind, says_both=says_both)}
        if notice.kind != Notice.Kind.RESOLVED:
            # Nobody has to come for what is over: a service with incidents of its own is not called for it.
            named = [one for one in known if one.key in self.heard.channels]
            chosen |= {one.key for one in named if not (says_both and one.has_incidents)}
        return [channel for channel in self.channels if channel.pk in chosen]


def channels_told(incident: int) -> set[int]:
    """Returns the keys of the channels where something of an incident went, goes, or may have arrived."""
    messages = ChannelMessage.objects.filter(notice__incident=incident)
    may_have_arrived = Q(send_attempts__outcome=SendAttempt.Outcome.UNKNOWN)
    told = messages.filter(~Q(state=Delivery.State.DEAD) | may_have_arrived)
    return set(told.order_by().values_list("channel", flat=True))


def audience_of(notice: Notice, now: datetime, *, of_all: bool = False) -> Audience:
    """Reads what a notice's fate depends on.

    Args:
        notice: with its incident as it is now.
        now: the present.
        of_all: whether hearers are asked of all that the incident had, at its loudest, also of what recovered since.
    """
    incident = notice.incident
    loud = _loud(notice)
    told_before = notice.told_before()
    concerned = loud if of_all else _concerned(notice, loud, told_before)
    facts = _facts(notice, loud, concerned, told_before, now)
    # An end waits for a channel that is off: it closes what the beginning opened there.
    of = Channel.objects.all() if notice.kind == Notice.Kind.RESOLVED else Channel.objects.filter(is_active=True)
    channels = list(of.defer("address", "secrets"))
    heard = _heard(notice, [link.alert for link in concerned], channels)
    was_page = of_all and any(link.alert.rule.severity == AlertRule.Severity.PAGE for link in loud)
    severity = AlertRule.Severity.PAGE.value if was_page else incident.severity
    return Audience(_people(notice, heard), facts, channels, heard, severity)


def facts_of_notice(notice: Notice, now: datetime) -> NoticeFacts:
    """Reads what keeps a notice back, or not, without who hears of it.

    Args:
        notice: with its incident as it is now.
        now: the present.
    """
    loud, told_before = _loud(notice), notice.told_before()
    return _facts(notice, loud, _concerned(notice, loud, told_before), told_before, now)


def _loud(notice: Notice) -> list[IncidentAlert]:
    """Returns the alerts of an incident that are mailed; all, where none is."""
    joined = notice.incident.members.select_related("alert__rule", "alert__flow")
    links = list(joined.prefetch_related("alert__rule__recipients"))
    return [link for link in links if not _is_for_digest(link)] or links


def _facts(
    notice: Notice,
    loud: Sequence[IncidentAlert],
    concerned: Sequence[IncidentAlert],
    told_before: int | None,
    now: datetime,
) -> NoticeFacts:
    incident = notice.incident
    return NoticeFacts(
        kind=notice.kind,
        waited=notice.why_silent,
        is_open=incident.is_open,
        is_acknowledged=incident.acknowledged_at is not None,
        severity=incident.severity,
        hushes=_hushes(notice, _about(notice, loud, told_before), now) if incident.is_open else (),
        hours=[_hours(link) for link in concerned],
        is_flapping=bool(loud) and all(_flaps(notice, link, now) for link in loud),
    )


def _is_for_digest(link: IncidentAlert) -> bool:
    """Returns whether nothing is mailed of an alert, so that it decides nothing of the mails of its incident."""
    return link.alert.rule.severity == AlertRule.Severity.DIGEST


def _concerned(notice: Notice, loud: Sequence[IncidentAlert], told_before: int | None) -> Sequence[IncidentAlert]:
    """Returns the alerts by which hearers and hours are decided: those that fire, and those that nobody was told of.

    Of what is over that is all. What recovered before the incident's first mail stands in it, and whose it is hears so.
    """
    if not notice.incident.is_open:
        return loud
    firing = [link for link in loud if link.left_at is None]
    if notice.kind == Notice.Kind.ESCALATE:
        return firing or loud
    return [link for link in loud if link.left_at is None or told_before is None or link.pk > told_before] or loud


def _about(notice: Notice, loud: Sequence[IncidentAlert], told_before: int | None) -> list[IncidentAlert]:
    """Returns the firing alerts that a mail would be about: of an update those that joined since the mail before."""
    firing = [link for link in loud if link.left_at is None]
    if notice.kind != Notice.Kind.UPDATE:
        return firing
    return [link for link in firing if told_before is None or link.pk > told_before] or firing


def _hours(link: IncidentAlert) -> WorkingHours | None:
    """Returns the working hours that an alert waits for; a page waits for none."""
    rule = link.alert.rule
    return None if rule.severity == AlertRule.Severity.PAGE else WorkingHours.read(rule.working_hours)


def _heard(notice: Notice, alerts: Sequence[AlertState], channels: Sequence[Channel]) -> Heard:
    """Returns who hears of a notice: by rules and routes, or as the step of the escalation says."""
    mine = {channel.pk for channel in channels if channel.account_id in (None, notice.incident.account_id)}
    mine -= set(gone_standings().values_list("channel", flat=True))
    reachable = Reachable(set(entitled().values_list("pk", flat=True)), mine, refused_readers())
    found = routed(alerts)
    if notice.kind != Notice.Kind.ESCALATE:
        return who_hears(found, active_routes(), reachable)
    return who_hears([replace(one, chosen=frozenset()) for one in found], [as_route(notice.step)], reachable)


def _people(notice: Notice, heard: Heard) -> list[User]:
    """Returns the people; of the end only those to whom something of it went out."""
    if notice.kind == Notice.Kind.RESOLVED:
        told = Delivery.objects.filter(notice__incident=notice.incident_id).exclude(state=Delivery.State.DEAD)
        return list(entitled().filter(pk__in=told.values("recipient")))
    return recipients(None if heard.everybody else heard.people)


def _flaps(notice: Notice, link: IncidentAlert, now: datetime) -> bool:
    """Returns whether nothing is mailed of an alert because it flaps; one notice says so, and is mailed.

    A page is never kept back for it, nor what has fired for a while without a break: that is an outage.
    """
    is_page = link.alert.rule.severity == AlertRule.Severity.PAGE
    is_steady = (link.left_at or now) - link.joined_at >= STEADY
    return link.alert.flaps_at(now) and not (is_page or is_steady or link.alert_id in notice.flapping)


def _hushes(notice: Notice, links: Sequence[IncidentAlert], now: datetime) -> list[Hush | None]:
    incident = notice.incident
    if incident.cause != Incident.Cause.ACCOUNT and explaining([incident.account_id]):
        return [Hush(Why.MUTED, None) for _ in links]
    quiet = quiet_by([link.alert for link in links], now)
    return [_hush(found) or _flap_hush(notice, link, now) for found, link in zip(quiet, links, strict=True)]


def _flap_hush(notice: Notice, link: IncidentAlert, now: datetime) -> Hush | None:
    """Returns until when an alert is kept quiet for it flaps. A step waits for the first mail, and not for this."""
    until = link.alert.flaps_until
    if until is None or notice.kind == Notice.Kind.ESCALATE or not _flaps(notice, link, now):
        return None
    return Hush(Why.FLAPS, min(until, link.joined_at + STEADY))


def _hush(quiet: Sequence[Snooze | Silence]) -> Hush | None:
    """Returns what keeps an alert quiet for the longest; None for nothing."""
    found = [
        Hush(Why.SNOOZED, one.until) if isinstance(one, Snooze) else Hush(Why.SILENCED, _until(one)) for one in quiet
    ]
    return max(
        found, key=lambda hush: (hush.until is None, hush.until or datetime.min.replace(tzinfo=UTC)), default=None
    )


def _until(silence: Silence) -> datetime | None:
    """Returns when a silence ends for an alert; None where that may be earlier: it can lose the tag or the owner."""
    return None if silence.goes_by_marks else silence.ends_at
