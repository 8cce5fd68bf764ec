"""Takes a handed out password for its one sign-in."""

from __future__ import annotations

from datetime import datetime

from monitor.models import User


def take(person: User, now: datetime) -> bool:
    """Uses a person's password up, where it is one that was handed out.

    Args:
        person: who gave the right password; what the database says of it counts, not this instance.
        now: the present.

    Returns:
        Whether they may come in: the password is their own, or this is its first use and its time is not over. Of
        two at the same moment one may.
    """
    rows = User.objects.filter(pk=person.pk)
    if rows.filter(one_time_until=None).exists():
        return True
    return bool(rows.filter(one_time_used_at=None, one_time_until__gt=now).update(one_time_used_at=now))
