"""Stores alert rules (people's), alert states and transitions (`monitor.alerting`'s)."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from monitor.models.accounts import ZohoAccount
from monitor.models.flows import Flow


class AlertRule(models.Model):
    """Holds a threshold for the success rate over a window, applied to each flow of an account by itself."""

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="alert_rules")
    flow = models.ForeignKey(
        Flow, on_delete=models.CASCADE, null=True, blank=True, related_name="alert_rules", help_text="empty: each flow"
    )
    name = models.CharField(max_length=200)
    threshold = models.FloatField(
        "fires below (%)", default=95.0, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    recover_at = models.FloatField(
        "recovers at (%)", default=95.0, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    window_hours = models.PositiveIntegerField(
        "window (hours)", default=168, validators=[MinValueValidator(1), MaxValueValidator(24 * 90)]
    )
    min_runs = models.PositiveIntegerField("minimum number of runs", default=20, validators=[MinValueValidator(1)])
    is_active = models.BooleanField("enabled", default=True)
    is_default = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["account", "name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(threshold__gte=0, threshold__lte=100), name="alert_threshold_is_a_percentage"
            ),
            models.CheckConstraint(
                condition=models.Q(recover_at__gte=models.F("threshold")), name="alert_recovers_at_or_above_threshold"
            ),
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_default=True), name="one_default_rule_per_account"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AlertState(models.Model):
    """Holds where one rule stands for one flow."""

    class State(models.TextChoices):
        OK = "ok", "OK"
        FIRING = "firing", "Firing"
        NO_DATA = "no_data", "No data"

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="states")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="alert_states")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OK)
    since = models.DateTimeField()
    evaluated_at = models.DateTimeField()
    episode = models.PositiveIntegerField(default=0, help_text="how often it has fired; names an incident")
    is_open = models.BooleanField(default=False, help_text="an incident is open (also while there is no data)")
    rate = models.FloatField(null=True, help_text="per cent")
    first_attempt_rate = models.FloatField(null=True, help_text="per cent")
    runs = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=0, help_text="compare-and-set guard of the evaluator")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    acknowledge_note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "flow"], name="one_state_per_rule_and_flow")]
        indexes = [models.Index(fields=["is_open", "-since"], name="alertstate_open")]

    def __str__(self) -> str:
        return f"{self.rule} / {self.flow}: {self.state}"

    def get_absolute_url(self) -> str:
        return reverse("alert", args=[self.pk])


class Transition(models.Model):
    """Records a change of an alert's state, once; `monitor.notify` claims it by `dispatch_state`."""

    class Kind(models.TextChoices):
        FIRING = "firing", "Firing"
        RESOLVED = "resolved", "Recovered"
        NO_DATA = "no_data", "No data"
        DATA_BACK = "data_back", "Data is back"

    class Dispatch(models.TextChoices):
        NEW = "new", "New"
        DISPATCHED = "dispatched", "Dispatched"
        SILENT = "silent", "Not for mail"

    alert = models.ForeignKey(AlertState, on_delete=models.CASCADE, related_name="transitions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    episode = models.PositiveIntegerField()
    from_state = models.CharField(max_length=8)
    to_state = models.CharField(max_length=8)
    at = models.DateTimeField()
    rate = models.FloatField(null=True)
    first_attempt_rate = models.FloatField(null=True)
    runs = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)
    dispatch_state = models.CharField(max_length=10, choices=Dispatch.choices, default=Dispatch.NEW)
    dispatched_at = models.DateTimeField(null=True)
    recipients = models.PositiveIntegerField(null=True, help_text="how many people it went to")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "episode", "kind"],
                condition=models.Q(kind__in=["firing", "resolved"]),
                name="an_episode_fires_and_resolves_once",
            )
        ]
        indexes = [models.Index(fields=["dispatch_state", "at"], name="transition_dispatch")]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.kind} at {self.at}"
