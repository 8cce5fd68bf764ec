"""Stores what the stages did, what people did, and whether the worker lives."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount


class StageRun(models.Model):
    """Records one run of a stage, also when nothing changed: a quiet poller differs from a dead one."""

    class Outcome(models.TextChoices):
        RUNNING = "running", gettext_noop("Running")
        OK = "ok", gettext_noop("OK")
        PARTIAL = "partial", gettext_noop("Goes on later")
        FAILED = "failed", gettext_noop("Failed")

    stage = models.CharField(max_length=20)
    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, null=True, related_name="stage_runs")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.RUNNING)
    summary = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [models.Index(fields=["stage", "account", "-started_at"], name="stagerun_recent")]

    def __str__(self) -> str:
        return f"{self.stage} at {self.started_at}: {self.outcome}"


class AuditEntry(models.Model):
    """Records who did what to which thing. Append-only: saving an existing row or deleting one is refused."""

    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=50)
    account = models.ForeignKey(ZohoAccount, on_delete=models.SET_NULL, null=True, related_name="+")
    object_type = models.CharField(max_length=50)
    object_id = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True, help_text="the client's; empty where no request was made")
    request_id = models.CharField(max_length=64, blank=True, help_text="X-Request-ID of the answer")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["object_type", "object_id"], name="audit_object")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.object_type} {self.object_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("an audit entry is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("an audit entry is never deleted")


class AuditTally(models.Model):
    """Counts what can be brought about at will, such as a wrong password, so that the trail holds few rows of it.

    One row for each kind, thing and network in an hour, and for each kind and thing one without network for the rest.
    """

    hour = models.DateTimeField()
    action = models.CharField(max_length=50)
    object_type = models.CharField(max_length=50, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    network = models.CharField(max_length=45, blank=True)
    times = models.PositiveBigIntegerField(default=0)
    told = models.PositiveBigIntegerField(default=0, help_text="how many of them the trail knows of")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "action", "object_type", "object_id", "network"], name="one_tally_an_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id} {self.hour:%Y-%m-%d %H}: {self.times}"


class WorkerBeat(models.Model):
    """Records the sign of life of one process of the worker: the supervisor and each of the cluster's workers."""

    name = models.CharField(max_length=64, unique=True, help_text="supervisor, canary, worker:PID")
    pid = models.PositiveIntegerField(default=0)
    beat_at = models.DateTimeField()
    busy_since = models.DateTimeField(null=True)
    task = models.CharField(max_length=100, blank=True)
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} at {self.beat_at}"
