"""People who sign in."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from monitor.models import Role, User
from monitor.models.people import SYSTEM_USERNAME


def people() -> QuerySet[User]:
    """Everybody but the command line's own user, who cannot sign in."""
    return User.objects.exclude(username=SYSTEM_USERNAME).order_by("-is_active", "username")


def other_admins(user: User) -> QuerySet[User]:
    """Active admins besides this one: without any of them nobody could administer."""
    return people().filter(Q(role=Role.ADMIN) | Q(is_superuser=True), is_active=True).exclude(pk=user.pk)
