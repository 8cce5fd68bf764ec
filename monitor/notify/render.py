"""Facts → subject, text and HTML. Whatever is wrong with a template, a mail comes out."""

from __future__ import annotations

import logging
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from monitor.notify.facts import Facts
from monitor.notify.words import clean, limit, per_cent, shorten, span
from monitor.privacy import mask_name

logger = logging.getLogger(__name__)

SUBJECT_LENGTH = 120
NAME_LENGTH = 60
# Remote style sheets are neither needed nor fetched: rendering must not depend on another host.
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Holds one message; `html` is empty where it is text only."""

    subject: str
    text: str
    html: str


def render(facts: Facts, zone: str) -> Rendered:
    """Returns the message about a transition.

    Args:
        facts: what to tell.
        zone: the reader's time zone; an unknown one is UTC.
    """
    try:
        context = _context(facts, _zone(zone))
        # A name of the form "=?utf-8?q?x=0ABcc:?=" is plain ASCII to us and a line break to who decodes the header.
        subject = clean(render_to_string("emails/alert/subject.txt", context)).replace("=?", "= ?")
        text = render_to_string("emails/alert/body.txt", context).strip() + "\n"
        html = _inliner.inline(render_to_string("emails/alert/body.html", context))
    except Exception:
        # The fallback exists for just what nobody thought of: a broken template must not hold up the queue.
        logger.exception("alert %d: its mail could not be rendered; sending the plain one", facts.alert)
        return plain(facts.alert, facts.kind)
    return Rendered(shorten(subject, SUBJECT_LENGTH), text, html)


def plain(alert: int, kind: str) -> Rendered:
    """Returns the least that a mail must say, made without templates and without anything that came from outside."""
    told = "is firing" if kind == "firing" else "is over"
    return Rendered(
        subject=f"Alert {alert} {told}",
        text=f"Alert {alert} {told}. Details are on the alerts page of {settings.PUBLIC_URL}/\n",
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
        "as_of": _told(facts.as_of, zone) if facts.as_of else "the account has not been read completely yet",
        "at": _told(facts.at, zone),
        "fired_at": _told(facts.fired_at, zone),
        "open_for": span((facts.at - facts.fired_at).total_seconds()),
        "alert_url": _address("alert", facts.alert),
        "flow_url": _address("flow", facts.flow),
        "profile_url": _address("profile"),
        "public_url": settings.PUBLIC_URL,
    }


def _headline(facts: Facts) -> str:
    if facts.is_firing:
        return "Success rate below its threshold"
    return "Success rate has recovered" if facts.is_judged else "Alert closed"


def _address(name: str, *args: int) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=args)}"


def _told(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


def _zone(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
