"""Stores who hears of which alerts: routes and policies (people's), and running escalations (`monitor.alerting`'s)."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount
from monitor.models.channels import Channel
from monitor.models.incidents import Incident, Notice
from monitor.models.ownership import Tag

MOST_WAIT = 7 * 24 * 60  # minutes of a step


class EscalationPolicy(models.Model):
    """Holds who is notified, step by step, while nobody acknowledges an incident."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class EscalationStep(models.Model):
    """Holds one step of a policy: after how long nobody has acknowledged, and who is notified then."""

    policy = models.ForeignKey(EscalationPolicy, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    after_minutes = models.PositiveIntegerField(validators=[MaxValueValidator(MOST_WAIT)])
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    to_owner = models.BooleanField(default=False, help_text="the owners of what the alerts are about")
    channels = models.ManyToManyField(Channel, blank=True, related_name="+")

    class Meta:
        ordering = ["policy", "position"]
        constraints = [models.UniqueConstraint(fields=["policy", "position"], name="one_step_at_a_position")]

    def __str__(self) -> str:
        return f"{self.policy_id}.{self.position}: after {self.after_minutes} min"


class Route(models.Model):
    """Holds who hears of the alerts that fit. Routes are gone through in their order; the first that fits decides.

    An empty matcher fits everything.
    """

    class Severity(models.TextChoices):
        PAGE = "page", "Page"
        NOTIFY = "notify", "Notify"

    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField(help_text="the lower the earlier")
    account = models.ForeignKey(
        ZohoAccount, on_delete=models.CASCADE, null=True, blank=True, related_name="alert_routes"
    )
    severity = models.CharField(max_length=6, choices=Severity.choices, blank=True, help_text="of the alert's rule")
    # It would fit everything if its tag went.
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    to_owner = models.BooleanField(default=False, help_text="the owner of what the alert is about")
    channels = models.ManyToManyField(Channel, blank=True, related_name="+")
    policy = models.ForeignKey(EscalationPolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="routes")
    goes_on = models.BooleanField(default=False, help_text="the next route that fits is followed too")
    is_active = models.BooleanField("enabled", default=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name


class Escalation(models.Model):
    """Holds a running escalation of an incident: a copy of the policy as it was when it began."""

    class Ended(models.TextChoices):
        ACKNOWLEDGED = "acknowledged", gettext_noop("Acknowledged")
        OVER = "over", gettext_noop("Over")
        ANEW = "anew", gettext_noop("Began anew")

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="escalations")
    policy = models.ForeignKey(EscalationPolicy, on_delete=models.SET_NULL, null=True, related_name="+")
    policy_name = models.CharField(max_length=100)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_how = models.CharField(max_length=12, choices=Ended.choices, blank=True)

    class Meta:
        ordering = ["began_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "policy"],
                condition=models.Q(ended_at=None),
                name="a_policy_runs_once_for_an_incident",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.policy_name}"


class RunningStep(models.Model):
    """Holds a step of a running escalation with the notice that it waits for: its due time, and what became of it.

    People and channels are keys, as the policy had them.
    """

    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="steps")
    notice = models.OneToOneField(Notice, on_delete=models.CASCADE, related_name="step")
    position = models.PositiveSmallIntegerField()
    after_minutes = models.PositiveIntegerField()
    people = models.JSONField(default=list)
    to_owner = models.BooleanField(default=False)
    channels = models.JSONField(default=list)

    class Meta:
        ordering = ["escalation", "position"]
        constraints = [models.UniqueConstraint(fields=["escalation", "position"], name="a_step_is_taken_once")]

    def __str__(self) -> str:
        return f"{self.escalation_id}.{self.position}"
