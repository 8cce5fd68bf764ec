"""Tells of an incident: that it fires, grows, still fires, is over. Whatever is wrong with a template, a mail comes."""

from __future__ import annotations

import logging
from datetime import tzinfo
from typing import Any

from django.conf import settings

from monitor.figures import rate, span
from monitor.models import Notice
from monitor.notify.chart import ChartHour
from monitor.notify.compose import (
    NAME_LENGTH,
    Rendered,
    acknowledge_address,
    address,
    compose,
    in_words,
    whole,
    zone_of,
)
from monitor.notify.facts import MEMBERS_SHOWN, Facts, MemberFacts
from monitor.notify.words import shorten

logger = logging.getLogger(__name__)

REASON_LENGTH = 80  # in a subject


def render(facts: Facts, zone: str) -> Rendered:
    """Returns the message about an incident.

    Args:
        facts: what to tell.
        zone: the reader's time zone; an unknown one is UTC.
    """
    try:
        return compose("emails/alert", f"[{stamp(facts)}] {verdict(facts)}", _context(facts, zone_of(zone)))
    except Exception:
        # The fallback exists for just what nobody thought of: a broken template must not hold up the queue.
        logger.exception("incident %d: its mail could not be rendered; sending the plain one", facts.incident)
        return plain(facts.incident, facts.kind)


def plain(incident: int, kind: str) -> Rendered:
    """Returns the least that a mail must say, made without templates and without anything that came from outside."""
    said = "is over" if kind == Notice.Kind.RESOLVED else "is firing"
    return Rendered(
        subject=f"Incident {incident} {said}",
        text=f"Incident {incident} {said}. Details are on the alerts page of {settings.PUBLIC_URL}/\n",
        html="",
    )


def stamp(facts: Facts) -> str:
    """Returns what became of the incident, in a word or two."""
    return f"{_became(facts)}, flaps" if facts.flaps else _became(facts)


def _became(facts: Facts) -> str:
    if facts.says_both:
        return "Fired and recovered" if facts.closed_how == "recovered" else "Fired and closed"
    if not facts.is_firing:
        return "Recovered" if facts.closed_how == "recovered" else "Closed"
    if facts.escalation:
        return "Not acknowledged"
    if facts.is_gone_growth:
        return "Fired and recovered"
    if facts.is_growth:
        return "More alerts"
    return "Still firing" if facts.kind == Notice.Kind.REPEAT or not facts.news else "Firing"


def told_of(facts: Facts) -> tuple[MemberFacts, ...]:
    """Returns the alerts that a message tells of first: those that are new, else those that fire."""
    if facts.is_gone_growth:
        return facts.over_news
    return facts.news if facts.is_growth and facts.news else facts.firing or facts.members


def verdict(facts: Facts) -> str:
    """Returns what a reader has to know first, in one line."""
    members = facts.members
    if not members:
        return f"incident {facts.incident}"
    told = told_of(facts)
    flows = {member.flow for member in told}
    if len(members) == 1 or (len(flows) == 1 and None not in flows and (not facts.is_growth or facts.is_gone_growth)):
        # Also where several rules find the same of one flow: its name says more than how many they are.
        only = members[0] if len(members) == 1 else told[0]
        return f"{shorten(only.name, NAME_LENGTH)}: {shorten(only.reason, REASON_LENGTH)}".rstrip(": ")
    is_of_flows = len(flows) > 1 and None not in flows
    count = f"{len(flows)} flows" if is_of_flows else f"{len(told)} alert{'s' * (len(told) > 1)}"
    if facts.is_growth and not facts.is_gone_growth:
        count = f"{len(told)} more"
    return f"{count}: {shorten(facts.cause, REASON_LENGTH)}" if facts.cause else count


def _context(facts: Facts, zone: tzinfo) -> dict[str, Any]:
    shown = facts.members[:MEMBERS_SHOWN]
    ended = facts.closed_at or facts.at
    return {
        "facts": facts,
        "stamp": stamp(facts),
        "verdict": verdict(facts),
        "members": [(member, rate(member.rate) if member.rate is not None else "") for member in shown],
        "more": len(facts.members) - len(shown),
        "began": in_words(facts.began_at, zone),
        "noticed": in_words(facts.noticed_at, zone),
        "ended": in_words(ended, zone),
        "open_for": span((ended - facts.began_at).total_seconds(), least="min"),
        "as_of": in_words(facts.as_of, zone) if facts.as_of else "the account has not been read completely yet",
        "on_it": on_it(facts),
        "hours": [(hour, _hour_words(hour, zone)) for hour in facts.hours],
        "chart_words": _chart_words(facts.hours, zone),
        "changes": [(in_words(change.at, zone), change.what) for change in facts.changes],
        "may_acknowledge": facts.is_firing and not facts.is_acknowledged,
        "acknowledge_url": acknowledge_address(),
        "incident_url": address("incident", facts.incident),
    } | _links(facts)


def on_it(facts: Facts) -> str:
    """Returns who looks after the incident, and what they said."""
    if facts.closed_by:
        return f"closed by {facts.closed_by}"
    if not facts.owner:
        return "nobody yet"
    note = f": {facts.owner_note}" if facts.owner_note else ""
    return f"{facts.owner}{' (acknowledged)' if facts.is_acknowledged else ''}{note}"


def _links(facts: Facts) -> dict[str, str]:
    """Returns where to look further: the problem, the failures, and where they are retried."""
    flows = {member.flow for member in facts.members if member.flow is not None}
    found: dict[str, str] = {}
    if facts.problem is not None:
        found["problem_url"] = address("problem", facts.problem)
        found["retry_url"] = found["failures_url"] = f"{address('executions')}?problem={facts.problem}&outcome=open"
    pages = {(member.subject, member.page) for member in facts.members if member.page}
    if len(pages) == 1:
        subject, page = next(iter(pages))
        found["subject"], found["subject_url"] = subject.lower(), whole(page)
    if len(flows) == 1:
        flow = next(iter(flows))
        found["flow_url"] = address("flow", flow)
        found["problems_url"] = f"{address('problems')}?flow={flow}"
    return found


def _hour_words(hour: ChartHour, zone: tzinfo) -> str:
    return f"{hour.start.astimezone(zone):%H:%M}: {hour.failed} of {hour.failed + hour.succeeded} failed"


def _chart_words(hours: tuple[ChartHour, ...], zone: tzinfo) -> str:
    """Returns the chart as text: what failed in which hour."""
    bad = [_hour_words(hour, zone) for hour in hours if hour.failed]
    runs = sum(hour.failed + hour.succeeded for hour in hours)
    failed = sum(hour.failed for hour in hours)
    if not bad:
        return f"{runs} runs, none failed"
    return f"{runs} runs, {failed} failed ({'; '.join(bad)})"
