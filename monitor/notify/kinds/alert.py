"""Tells of an alert that fires, or is over. Whatever is wrong with a template, a mail comes out."""

from __future__ import annotations

import logging
from datetime import tzinfo
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from monitor.notify.compose import NAME_LENGTH, Rendered, address, compose, in_words, zone_of
from monitor.notify.facts import Facts
from monitor.notify.words import limit, per_cent, shorten, span
from monitor.privacy import mask_name

logger = logging.getLogger(__name__)


def render(facts: Facts, zone: str) -> Rendered:
    """Returns the message about a transition.

    Args:
        facts: what to tell.
        zone: the reader's time zone; an unknown one is UTC.
    """
    try:
        context = _context(facts, zone_of(zone))
        return compose("emails/alert", render_to_string("emails/alert/subject.txt", context), context)
    except Exception:
        # The fallback exists for just what nobody thought of: a broken template must not hold up the queue.
        logger.exception("alert %d: its mail could not be rendered; sending the plain one", facts.alert)
        return plain(facts.alert, facts.kind)


def plain(alert: int, kind: str) -> Rendered:
    """Returns the least that a mail must say, made without templates and without anything that came from outside."""
    said = "is firing" if kind == "firing" else "is over"
    return Rendered(
        subject=f"Alert {alert} {said}",
        text=f"Alert {alert} {said}. Details are on the alerts page of {settings.PUBLIC_URL}/\n",
        html="",
    )


def _context(facts: Facts, zone: tzinfo) -> dict[str, Any]:
    return {
        "facts": facts,
        "headline": _headline(facts),
        # A name may hold an address ("Mails to jane@…"); subjects stand in lists and logs of mail servers.
        "name": shorten(mask_name(facts.flow_name), NAME_LENGTH),
        "rate": per_cent(facts.rate),
        "first_attempt_rate": per_cent(facts.first_attempt_rate),
        "threshold": limit(facts.threshold),
        "recover_at": limit(facts.recover_at),
        "window": span(facts.window_hours * 3600),
        "as_of": in_words(facts.as_of, zone) if facts.as_of else "the account has not been read completely yet",
        "at": in_words(facts.at, zone),
        "fired_at": in_words(facts.fired_at, zone),
        "open_for": span((facts.at - facts.fired_at).total_seconds()),
        "alert_url": address("alert", facts.alert),
        "flow_url": address("flow", facts.flow),
        "problems_url": f"{address('problems')}?flow={facts.flow}",
    }


def _headline(facts: Facts) -> str:
    if facts.is_firing:
        return "Success rate below its threshold"
    return "Success rate has recovered" if facts.is_judged else "Alert closed"
