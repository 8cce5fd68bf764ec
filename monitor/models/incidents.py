"""Stores incidents: alerts of one cause, what people did about them, and what is to be mailed of them.

Written by `monitor.alerting` only, but for the marks with which `monitor.notify` claims a notice.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.alerts import AlertState, Transition
from monitor.models.flows import Flow
from monitor.models.masked_text import NamesPeople
from monitor.models.ownership import Tag


class Incident(NamesPeople):
    """Holds the alerts of one cause from the first that fired until all have recovered. It is never opened again."""

    class Cause(models.TextChoices):
        """Names what its alerts have in common."""

        ACCOUNT = "account", gettext_noop("The account")
        CONNECTION = "connection", gettext_noop("A connection")
        PROBLEM = "problem", gettext_noop("A problem")
        ERROR = "error", gettext_noop("An app and kind of error")
        TIME = "time", gettext_noop("They began together")
        FIRST = "first", gettext_noop("First findings")
        ALONE = "alone", gettext_noop("Nothing")

    class Closed(models.TextChoices):
        """Names how it was closed."""

        RECOVERED = "recovered", gettext_noop("Recovered")
        ENDED = "ended", gettext_noop("Not checked any more")
        BY_HAND = "by_hand", gettext_noop("Closed by hand")

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="incidents")
    cause = models.CharField(max_length=10, choices=Cause.choices)
    cause_key = models.CharField(max_length=200, blank=True, help_text="of the cause: an app, a problem's key")
    began_at = models.DateTimeField(help_text="the earliest beginning of its alerts, by Zoho's clock")
    opened_at = models.DateTimeField(help_text="when it was noticed")
    closed_at = models.DateTimeField(null=True)
    closed_how = models.CharField(max_length=9, choices=Closed.choices, blank=True)
    severity = models.CharField(max_length=6, default="notify", help_text="the highest of its alerts' rules")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="incidents_owned"
    )
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    acknowledge_note = models.CharField(max_length=300, blank=True)
    last_seq = models.PositiveIntegerField(default=0, help_text="number of its newest notice")

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closed_at=None, closed_how="")
                | ~models.Q(closed_at=None) & ~models.Q(closed_how=""),
                name="a_closed_incident_says_how",
            ),
        ]
        indexes = [
            models.Index(fields=["account"], name="incident_open", condition=models.Q(closed_at=None)),
            models.Index(fields=["-opened_at", "-id"], name="incident_newest"),
        ]

    def __str__(self) -> str:
        return f"incident {self.pk}"

    def get_absolute_url(self) -> str:
        return address_of("incident", self.pk)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class IncidentAlert(models.Model):
    """Records that an episode of an alert belongs to an incident. An episode belongs to one."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="members")
    alert = models.ForeignKey(AlertState, on_delete=models.CASCADE, related_name="incident_links")
    episode = models.PositiveIntegerField()
    began_at = models.DateTimeField(help_text="by Zoho's clock")
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, help_text="when it recovered, or was not checked any more")
    left_how = models.CharField(max_length=9, choices=Incident.Closed.choices, blank=True)
    muted = models.CharField(max_length=200, blank=True, help_text="what it follows from; empty where it is a cause")
    causes = models.JSONField(default=dict, help_text="what was known of its cause when it fired")

    class Meta:
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["alert", "episode"], name="an_episode_belongs_to_one_incident"),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id}: alert {self.alert_id}, episode {self.episode}"

    @property
    def is_firing(self) -> bool:
        return self.left_at is None


class IncidentEvent(NamesPeople):
    """Is a line of an incident's timeline: who, what, when. Append-only."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    alert = models.ForeignKey(AlertState, on_delete=models.CASCADE, null=True, related_name="+")
    note = models.CharField(max_length=2000, blank=True, help_text="a person's own words, or the alert's reason")

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.kind}"


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Adds what tells which notices may be settled."""

    def in_turn(self) -> NoticeQuerySet:
        """Gives those that are not settled, and of whose incident no earlier one is.

        Steps of an escalation are written down before they are due: they keep none waiting, and wait for none.
        """
        escalate = models.Q(kind=Notice.Kind.ESCALATE)
        new = Notice.objects.filter(~escalate, dispatch_state=Transition.Dispatch.NEW)
        earlier = new.filter(incident=models.OuterRef("incident"), seq__lt=models.OuterRef("seq"))
        return self.filter(~models.Exists(earlier) | escalate, dispatch_state=Transition.Dispatch.NEW)

    def told(self) -> NoticeQuerySet:
        """Gives those that messages were written of; steps of an escalation go to others, and do not count."""
        return self.filter(dispatch_state=Transition.Dispatch.DISPATCHED).exclude(kind=Notice.Kind.ESCALATE)


class Notice(models.Model):
    """Records that something of an incident is to be mailed, in the transaction in which it happened.

    `monitor.notify` claims it by `dispatch_state` once it is due, and may put it off (`due_at`).
    """

    class Kind(models.TextChoices):
        FIRING = "firing", gettext_noop("Firing")
        UPDATE = "update", gettext_noop("More alerts")
        REPEAT = "repeat", gettext_noop("Still firing")
        RESOLVED = "resolved", gettext_noop("Recovered")
        ESCALATE = "escalate", gettext_noop("Escalation")

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="notices")
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    at = models.DateTimeField()
    due_at = models.DateTimeField()
    dispatch_state = models.CharField(
        max_length=10, choices=Transition.Dispatch.choices, default=Transition.Dispatch.NEW
    )
    dispatched_at = models.DateTimeField(null=True)
    recipients = models.PositiveIntegerField(null=True, help_text="how many people it went to")
    why_silent = models.CharField(max_length=200, blank=True, help_text="why it was not mailed, or waits")
    flapping = models.JSONField(default=list, help_text="keys of the alerts of which it says that they flap")
    tells_up_to = models.BigIntegerField(null=True, help_text="key of the newest `IncidentAlert` that it tells of")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["incident_id", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "seq"], name="one_notice_of_a_number"),
            models.UniqueConstraint(
                fields=["incident", "kind"],
                condition=models.Q(kind__in=["firing", "resolved"]),
                name="an_incident_fires_and_resolves_once",
            ),
            models.UniqueConstraint(
                fields=["incident", "kind"],
                condition=models.Q(kind__in=["update", "repeat"], dispatch_state="new"),
                name="one_notice_of_a_kind_waits",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="notice_due", condition=models.Q(dispatch_state="new")),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id}.{self.seq} {self.kind}"

    def told_before(self) -> int | None:
        """Returns the newest `IncidentAlert` that the messages before this one knew; None where there were none.

        Not until when: what is entered while a message is written bears an earlier time, and stands not in it.
        """
        told = Notice.objects.filter(incident=self.incident_id).told().exclude(pk=self.pk)
        if self.kind != Notice.Kind.ESCALATE:
            told = told.filter(seq__lt=self.seq)  # a step is numbered long before it is due
        known: int | None = told.aggregate(newest=models.Max("tells_up_to"))["newest"]
        return known


class Snooze(models.Model):
    """Records that nothing is mailed of a subject's alerts until a time, because a person said so."""

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="snoozes")
    alert = models.ForeignKey(AlertState, on_delete=models.CASCADE, related_name="+", help_text="that it was set on")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, null=True, related_name="snoozes")
    until = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    why = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, help_text="when a person ended it early")

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"snooze until {self.until}"

    def covers(self, alert: AlertState) -> bool:
        """Returns whether an alert is about the subject that is snoozed, whichever rule it is of."""
        return alert.flow_id == self.flow_id if self.flow_id is not None else alert.pk == self.alert_id


class Silence(models.Model):
    """Records that nothing is mailed of the alerts that fit, from one time to another.

    With a start ahead it is a maintenance window. An empty matcher fits everything.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, null=True, related_name="silences")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, null=True, related_name="silences")
    kind = models.CharField(max_length=40, blank=True, help_text="of the alert's rule")
    text = models.CharField(max_length=200, blank=True, help_text="part of the flow's or the rule's name")
    tag = models.ForeignKey(
        Tag, on_delete=models.PROTECT, null=True, related_name="+", help_text="of what the alert is about"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="who looks after what the alert is about",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()
    why = models.CharField(max_length=300)
    ended_at = models.DateTimeField(null=True, help_text="when a person ended it early")

    class Meta:
        ordering = ["-ends_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="a_silence_ends_later"),
        ]

    def __str__(self) -> str:
        return self.why

    @property
    def goes_by_marks(self) -> bool:
        """Is whether tags or owners have to be known to tell what fits."""
        return self.tag_id is not None or self.owner_id is not None

    def covers(self, alert: AlertState, account_id: int, tags: Collection[int] = (), owner: int | None = None) -> bool:
        """Returns whether an alert of an account fits: each matcher that is set has to.

        Args:
            alert: with its rule and flow.
            account_id: its account.
            tags: keys of the tags of what it is about.
            owner: the key of who looks after that.
        """
        names = f"{alert.flow.flow_name if alert.flow is not None else ''}\n{alert.rule.name}".casefold()
        return (
            self.account_id in (None, account_id)
            and self.flow_id in (None, alert.flow_id)
            and self.kind in ("", alert.rule.kind)
            and self.text.casefold() in names
            and (self.tag_id is None or self.tag_id in tags)
            and self.owner_id in (None, owner)
        )

    def state_at(self, now: datetime) -> str:
        """Returns "planned", "running" or "over"."""
        if self.ended_at is not None or self.ends_at <= now:
            return "over"
        return "planned" if now < self.starts_at else "running"
