"""Makes the secret links of the status page, ends them, and knows them by their token. One writer of `StatusLink`."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime

from django.db import transaction

from monitor import audit
from monitor.languages import gettext as _
from monitor.models import StatusLink, User, ZohoAccount

TOKEN_BYTES = 32
MOST_OPEN = 50
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class StatusLinkRefused(Exception):  # noqa: N818 - it is no error of ours
    """Says why no link is made."""


def make(
    name: str, account: ZohoAccount | None, expires_at: datetime | None, *, by: User, now: datetime
) -> tuple[StatusLink, str]:
    """Makes a link.

    Args:
        name: for whom it is.
        account: the only one that it shows; None for all.
        expires_at: when it ends by itself; None for never.
        by: who makes it.
        now: the present.

    Returns:
        The link and its token, which is kept nowhere and cannot be shown again.

    Raises:
        StatusLinkRefused: there are as many open ones as there may be.
    """
    with transaction.atomic():
        if open_links(now) >= MOST_OPEN:
            raise StatusLinkRefused(
                _("There are %(n)s open links: end one that nobody needs first.") % {"n": MOST_OPEN}
            )
        token = secrets.token_urlsafe(TOKEN_BYTES)
        link = StatusLink.objects.create(
            name=name, token_hash=_digest(token), account=account, made_by=by, made_at=now, expires_at=expires_at
        )
        until = {"expires": expires_at.isoformat()} if expires_at is not None else {}
        audit.record(by, "status_link.make", link, now=now, account=account, detail={"name": name, **until})
    return link, token


def end(link: StatusLink, *, by: User, now: datetime) -> bool:
    """Ends a link; returns whether it was open."""
    with transaction.atomic():
        is_mine = StatusLink.objects.filter(pk=link.pk, ended_at=None).update(ended_at=now) > 0
        if is_mine:
            audit.record(by, "status_link.end", link, now=now, account=link.account_id, detail={"name": link.name})
    return is_mine


def find(token: str, now: datetime) -> StatusLink | None:
    """Returns the open link of a token; None for one that is none, or not any more. One statement at most."""
    if _TOKEN.fullmatch(token) is None:
        return None
    link = StatusLink.objects.filter(token_hash=_digest(token)).first()
    return link if link is not None and link.is_open_at(now) else None


def open_links(now: datetime) -> int:
    """Counts the links that open the page."""
    return sum(link.is_open_at(now) for link in StatusLink.objects.filter(ended_at=None))


def _digest(token: str) -> str:
    # The token is 256 random bits: there is nothing to guess that a slow hash would protect.
    return hashlib.sha256(token.encode("ascii")).hexdigest()
