"""People who sign in."""

from __future__ import annotations

from django.db.models import QuerySet

from monitor.access import who_may
from monitor.models import User
from monitor.models.people import SYSTEM_USERNAME


def people() -> QuerySet[User]:
    """Everybody but the command line's own user, who cannot sign in."""
    return User.objects.exclude(username=SYSTEM_USERNAME).order_by("-is_active", "username")


def other_admins(user: User) -> QuerySet[User]:
    """Active admins besides this one: without any of them nobody could administer."""
    return people().filter(who_may("users")).exclude(pk=user.pk)
