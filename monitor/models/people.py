"""Who may do what. `may` is the only place that knows the roles' rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db import models

if TYPE_CHECKING:
    from monitor.models.accounts import ZohoAccount

SYSTEM_USERNAME = "system"


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer"
    OPERATOR = "operator", "Operator"
    ADMIN = "admin", "Admin"


class User(AbstractUser):
    """A person who signs in. Superusers are admins whatever their role says."""

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

    @property
    def is_operator(self) -> bool:
        return self.effective_role in (Role.OPERATOR, Role.ADMIN)

    @property
    def is_admin(self) -> bool:
        return self.effective_role == Role.ADMIN


_RIGHTS: dict[str, set[Role]] = {
    "view": {Role.VIEWER, Role.OPERATOR, Role.ADMIN},
    "export": {Role.OPERATOR, Role.ADMIN},
    "acknowledge": {Role.OPERATOR, Role.ADMIN},
    "read": {Role.OPERATOR, Role.ADMIN},
    "retry": {Role.OPERATOR, Role.ADMIN},
    "retry.accept_risk": {Role.ADMIN},
    "retry.override": {Role.ADMIN},
    "retry.bulk": {Role.ADMIN},
    "unmask": {Role.ADMIN},
    "accounts": {Role.ADMIN},
    "rules": {Role.ADMIN},
    "users": {Role.ADMIN},
    "mails": {Role.ADMIN},
}


def may(user: User | AnonymousUser | Any, action: str, account: ZohoAccount | None = None) -> bool:
    """Whether a person may do something.

    Args:
        user: who asks; anonymous and inactive people may nothing.
        action: a key of the rights table, such as ``"retry"``. An unknown one raises ``KeyError``: a
            misspelt right must not pass for "nobody" in one place and go unnoticed.
        account: the Zoho account it concerns; every person sees every account in this version.
    """
    roles = _RIGHTS[action]
    if not isinstance(user, User) or not user.is_active:
        return False
    if account is not None and account.pk is None:
        return False
    return user.effective_role in roles


def system_user() -> User:
    """The actor of what a command line does: it cannot sign in and gets no mail."""
    user, created = User.objects.get_or_create(
        username=SYSTEM_USERNAME,
        defaults={"role": Role.ADMIN, "wants_mail": False, "first_name": "Command", "last_name": "line"},
    )
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user
