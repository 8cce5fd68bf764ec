"""Records that could not be mirrored are put aside, escaped, and counted; their page goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.db.models import F

from monitor.models import Quarantine, ZohoAccount
from monitor.zoho.shapes import Rejected


def put_aside(account: ZohoAccount, stream: str, rejected: Iterable[Rejected], now: datetime) -> int:
    """Keeps each record once; seen again, it is counted.

    Returns:
        How many were given.
    """
    count = 0
    for record in rejected:
        count += 1
        text = record.raw_text.encode("ascii", "backslashreplace").decode("ascii").replace("\x00", "\\x00")
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        known = Quarantine.objects.filter(account=account, stream=stream, fingerprint=fingerprint)
        if not known.update(seen_at=now, times_seen=F("times_seen") + 1):
            Quarantine.objects.get_or_create(
                account=account,
                stream=stream,
                fingerprint=fingerprint,
                defaults={"reason": record.reason[:300], "raw_text": text, "first_seen_at": now, "seen_at": now},
            )
    return count
