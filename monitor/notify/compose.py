"""Puts templates together to a message: subject, text and HTML."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from monitor.notify.links import UNSIGNED
from monitor.notify.words import clean, shorten

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


def compose(folder: str, subject: str, context: dict[str, Any]) -> Rendered:
    """Returns a message made of the templates `body.txt` and `body.html`.

    Args:
        folder: of the templates, such as ``"emails/alert"``.
        subject: of any length; what a header must not hold is taken out.
        context: of the templates; the addresses that all mails have are added.
    """
    context = context | {
        "profile_url": address("profile"),
        "public_url": settings.PUBLIC_URL,
        "unsubscribe_url": unsubscribe_address(),
    }
    text = render_to_string(f"{folder}/body.txt", context).strip() + "\n"
    html = _inliner.inline(render_to_string(f"{folder}/body.html", context))
    # A name of the form "=?utf-8?q?x=0ABcc:?=" is plain ASCII to us and a line break to who decodes the header.
    return Rendered(shorten(clean(subject).replace("=?", "= ?"), SUBJECT_LENGTH), text, html)


def address(name: str, *args: int) -> str:
    """Returns the whole address of a page."""
    return whole(reverse(name, args=args))


def unsubscribe_address(token: str = UNSIGNED) -> str:
    """Returns the address that switches a kind of mails off; in a stored mail it stands without its signature."""
    return whole(reverse("unsubscribe_by_mail", args=[token]))


def acknowledge_address(token: str = UNSIGNED) -> str:
    """Returns the address that acknowledges an incident; in a stored mail it stands without its signature."""
    return whole(reverse("acknowledge_by_mail", args=[token]))


def whole(path: str) -> str:
    """Returns the whole address of a path."""
    return f"{settings.PUBLIC_URL}{path}"


def in_words(at: datetime, zone: tzinfo) -> str:
    """Writes a time as all mails do."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


def zone_of(name: str) -> tzinfo:
    """Returns a time zone by its name; UTC where there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
