"""Stores the people who sign in, and their roles."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_noop

SYSTEM_USERNAME = "system"
ONE_TIME_PASSWORD_LASTS = timedelta(hours=72)
USUAL_DIGEST_HOUR = 7


class Role(models.TextChoices):
    VIEWER = "viewer", gettext_noop("Viewer")
    OPERATOR = "operator", gettext_noop("Operator")
    ADMIN = "admin", gettext_noop("Admin")


class Weekday(models.IntegerChoices):
    """Names the days of a week as Python's calendar counts them."""

    MONDAY = 0, gettext_noop("Monday")
    TUESDAY = 1, gettext_noop("Tuesday")
    WEDNESDAY = 2, gettext_noop("Wednesday")
    THURSDAY = 3, gettext_noop("Thursday")
    FRIDAY = 4, gettext_noop("Friday")
    SATURDAY = 5, gettext_noop("Saturday")
    SUNDAY = 6, gettext_noop("Sunday")


def off_at_first() -> list[str]:
    """Returns the kinds of mails that a new person does not get until they ask for them."""
    return ["digest_daily", "alive"]


class User(AbstractUser):
    """Holds a person who signs in. Superusers are admins whatever their role says."""

    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    wants_mail = models.BooleanField("alert mails", default=True)
    unwanted_mails = models.JSONField(
        default=off_at_first,
        blank=True,
        help_text="kinds of mails, beside alerts, that the person has switched off",
    )
    digest_hour = models.PositiveSmallIntegerField(default=USUAL_DIGEST_HOUR, help_text="by the person's clock")
    digest_weekday = models.PositiveSmallIntegerField(choices=Weekday.choices, default=Weekday.MONDAY)
    wants_empty_digests = models.BooleanField(default=False, help_text="also where there is nothing to say")
    digests_from = models.DateTimeField(
        null=True,
        editable=False,
        help_text="when mails of a day or week were asked for last; empty: from the beginning",
    )
    timezone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(
        max_length=8, blank=True, default="", help_text="one of monitor.languages; empty: what the browser asks for"
    )
    single_keys = models.BooleanField(default=True, help_text="single keys act anywhere on a page, such as g o and ?")
    # Of a password that an admin handed out; both are empty once the person has one of their own.
    one_time_until = models.DateTimeField(null=True, editable=False, help_text="the handed out password ends here")
    one_time_used_at = models.DateTimeField(null=True, editable=False, help_text="the one sign-in with it")

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=[r.value for r in Role]), name="user_role_known"),
            models.CheckConstraint(condition=models.Q(digest_hour__lt=24), name="digest_hour_of_a_day"),
        ]

    @property
    def effective_role(self) -> Role:
        return Role.ADMIN if self.is_superuser else Role(self.role)

    @property
    def has_one_time_password(self) -> bool:
        """Returns whether the password is one that an admin handed out, to be changed before anything else."""
        return self.one_time_until is not None

    def set_password(self, raw_password: str | None) -> None:
        """Sets a password of the person's own; `set_one_time_password` one to be handed out. Saves nothing."""
        super().set_password(raw_password)
        self.one_time_until = self.one_time_used_at = None

    def set_one_time_password(self, raw_password: str, now: datetime) -> None:
        """Sets a password that is good for one sign-in within 72 hours. Saves nothing."""
        self.set_password(raw_password)
        self.one_time_until = now + ONE_TIME_PASSWORD_LASTS


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
