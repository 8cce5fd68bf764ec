"""Stores the people who sign in, and their roles."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

SYSTEM_USERNAME = "system"


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"


class User(AbstractUser):
    """Holds a person who signs in. Superusers are admins whatever their role says."""

    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    wants_mail = models.BooleanField("alert mails", default=True)
    timezone = models.CharField(max_length=64, default="UTC")

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=[r.value for r in Role]), name="user_role_known"),
        ]

    @property
    def effective_role(self) -> Role:
        return Role.ADMIN if self.is_superuser else Role(self.role)


def system_user() -> User:
    """Returns the actor of what a command line does: it cannot sign in and gets no mail."""
    user, created = User.objects.get_or_create(
        username=SYSTEM_USERNAME,
        defaults={"role": Role.ADMIN, "wants_mail": False, "first_name": "Command", "last_name": "line"},
    )
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user
