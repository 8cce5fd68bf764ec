"""Stores alert rules (people's), alert states and transitions (`monitor.alerting`'s)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.flows import Flow
from monitor.models.ownership import Tag

MOST_MINUTES = 7 * 24 * 60
SUBJECT_LABELS = {
    "flow": gettext_noop("Flow"),
    "account": gettext_noop("Account"),
    "connection": gettext_noop("Connection"),
    "crm_rule": gettext_noop("Workflow rule"),
    "problem": gettext_noop("Problem"),
}
_NO_SCOPE = {"flow": None, "subject_key": "", "tag": None, "owner": None, "module": ""}
# At most one of what narrows a rule is set: all but that one are empty.
_ONE_SCOPE = tuple(tuple((other, value) for other, value in _NO_SCOPE.items() if other != name) for name in _NO_SCOPE)
USUAL_THRESHOLD, USUAL_WINDOW_HOURS, USUAL_MIN_RUNS = 95.0, 7 * 24, 20


class AlertRuleManager(models.Manager["AlertRule"]):
    """Gives the rules that people have: those that are deleted stay for the history of their alerts."""

    def get_queryset(self) -> models.QuerySet[AlertRule]:
        return super().get_queryset().filter(deleted_at=None)


class AlertRule(models.Model):
    """Holds what a person wants alerts about: a kind of condition with its options, and its subjects.

    The narrower rule replaces the wider one of its kind (`monitor.alerting.scope`). Two of one kind and one scope stand
    beside each other, with an alert each.
    """

    class Severity(models.TextChoices):
        PAGE = "page", gettext_noop("Page")
        NOTIFY = "notify", gettext_noop("Notify")
        DIGEST = "digest", gettext_noop("Digest")

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="alert_rules")
    flow = models.ForeignKey(
        Flow, on_delete=models.CASCADE, null=True, blank=True, related_name="alert_rules", help_text="empty: each flow"
    )
    subject_key = models.CharField(
        max_length=64, blank=True, help_text="of a kind that is about no flow: its one subject; empty: each of them"
    )
    # Neither goes while a rule is for it: the rule would be for each flow of its account then.
    tag = models.ForeignKey(
        Tag, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="only what has this tag"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="only what this person looks after",
    )
    module = models.CharField(max_length=200, blank=True, help_text="only workflow rules of this module of CRM")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=32, default="success_rate", help_text="a folder of monitor.alerting.kinds")
    options = models.JSONField(default=dict, blank=True, help_text="as the kind reads them; what is left out is usual")
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.NOTIFY)
    for_minutes = models.PositiveIntegerField(
        "pending for (minutes)",
        default=0,
        validators=[MaxValueValidator(MOST_MINUTES)],
        help_text="breached for so long before it fires",
    )
    keep_firing_minutes = models.PositiveIntegerField(
        "keeps firing for (minutes)",
        default=0,
        validators=[MaxValueValidator(MOST_MINUTES)],
        help_text="clear for so long before it recovers",
    )
    repeat_hours = models.PositiveIntegerField(
        "repeats after (hours)", default=4, validators=[MaxValueValidator(MOST_MINUTES // 60)]
    )
    waits_for_reruns = models.BooleanField(
        "waits for Zoho's own re-runs",
        default=True,
        help_text="a failure that Zoho runs again by itself counts only once the patience is over",
    )
    patience_minutes = models.PositiveIntegerField(
        "patience with re-runs (minutes)",
        default=35,
        validators=[MinValueValidator(1), MaxValueValidator(25 * 60)],
        help_text="after the first failure",
    )
    recipients = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="+", help_text="none: everybody who gets alert mails"
    )
    working_hours = models.JSONField(
        default=dict, blank=True, help_text="zone, days, from, to, holidays; empty: at all hours"
    )
    is_active = models.BooleanField("enabled", default=True)
    is_default = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, editable=False, help_text="its alerts and their history stay")

    objects = AlertRuleManager()
    with_deleted = models.Manager["AlertRule"]()

    class Meta:
        base_manager_name = "with_deleted"
        ordering = ["account", "name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind"],
                condition=models.Q(is_default=True, deleted_at=None),
                name="one_default_rule_of_a_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(*(models.Q(**dict(item)) for item in _ONE_SCOPE), _connector=models.Q.OR),
                name="a_rule_has_one_scope",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def threshold(self) -> Any:
        """Is the success rate below which it fires, in per cent; None for a kind that has none."""
        return self._option("threshold", USUAL_THRESHOLD)

    @property
    def recover_at(self) -> Any:
        """Is the success rate at which it recovers, in per cent: the threshold, unless another one is chosen."""
        return self._option("recover_at", self.threshold)

    @property
    def window_hours(self) -> Any:
        """Is the length of its window; None for a kind that has none."""
        return self._option("window_hours", USUAL_WINDOW_HOURS)

    @property
    def min_runs(self) -> Any:
        """Is how many runs it needs to say anything."""
        return self._option("min_runs", USUAL_MIN_RUNS)

    def _option(self, name: str, usual: Any) -> Any:
        return self.options.get(name, usual if self.kind == "success_rate" else None)


class RuleBudget(models.Model):
    """Holds the pace that a rule's budget of false alerts goes by: counted anew once a day. Written by alerting."""

    rule = models.OneToOneField(AlertRule, on_delete=models.CASCADE, primary_key=True, related_name="budget")
    counted_on = models.DateField(help_text="the day (UTC); the pace is that of the 28 before it")
    flows = models.PositiveIntegerField(help_text="that the rule was for")
    runs_a_month = models.FloatField(help_text="of all of them together")

    def __str__(self) -> str:
        return f"{self.rule_id}: {self.runs_a_month:.0f} runs a month"


class AlertState(models.Model):
    """Holds where one rule stands for one subject: a flow, or what the rule's kind names otherwise."""

    class State(models.TextChoices):
        OK = "ok", gettext_noop("OK")
        PENDING = "pending", gettext_noop("Pending")
        FIRING = "firing", gettext_noop("Firing")
        RECOVERING = "recovering", gettext_noop("Recovering")
        NO_DATA = "no_data", gettext_noop("No data")
        LEARNING = "learning", gettext_noop("Learning")
        ERROR = "error", gettext_noop("Error")

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="states")
    subject_kind = models.CharField(max_length=16, default="flow", help_text="what it is about")
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, null=True, related_name="alert_states")
    subject_key = models.CharField(max_length=64, blank=True, help_text="which one it is, where it is no flow")
    subject_name = models.CharField(max_length=200, blank=True, help_text="that one's name as it was shown last")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OK)
    since = models.DateTimeField(help_text="when the state was found")
    evaluated_at = models.DateTimeField(help_text="the newest evaluation; what cannot have changed needs none")
    episode = models.PositiveIntegerField(default=0, help_text="how often it has fired; names an incident")
    is_open = models.BooleanField(default=False, help_text="an incident is open (also while there is no data)")
    is_resting = models.BooleanField(
        default=True, help_text="it is not evaluated: rule or flow is off or gone, or the data are too old"
    )
    began_at = models.DateTimeField(null=True, help_text="when what is found began, by Zoho's clock")
    fired_at = models.DateTimeField(null=True, help_text="when it fired last")
    recovered_at = models.DateTimeField(null=True, help_text="when it recovered last: what ended before is over")
    leaving_since = models.DateTimeField(
        null=True, help_text="since when it is on its way to fire or to recover, where that has to last"
    )
    again_at = models.DateTimeField(null=True, help_text="when the answer may change although no run ends")
    anchor = models.DateTimeField(null=True, help_text="the earliest end of a run that the condition still needs")
    flaps_since = models.DateTimeField(null=True, help_text="since when it fires and recovers again and again")
    flaps_until = models.DateTimeField(null=True, help_text="when it will have been calm for long enough")
    flaps_told = models.BooleanField(default=False, help_text="a notice says so")
    learned = models.JSONField(null=True, help_text="what the condition learned of the subject's own usual")
    rule_mark = models.CharField(max_length=32, blank=True, help_text="digest of the rule that it was evaluated by")
    numbers = models.JSONField(default=dict, help_text="what the condition found")
    rate = models.FloatField(null=True, help_text="per cent")
    first_attempt_rate = models.FloatField(null=True, help_text="per cent")
    runs = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=0, help_text="compare-and-set guard of the evaluator")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "flow"], name="one_state_per_rule_and_flow"),
            models.UniqueConstraint(
                fields=["rule", "subject_kind", "subject_key"],
                condition=models.Q(flow=None),
                name="one_state_per_rule_and_subject",
            ),
            models.CheckConstraint(
                condition=models.Q(subject_kind="flow", flow__isnull=False)
                | (~models.Q(subject_kind="flow") & models.Q(flow=None) & ~models.Q(subject_key="")),
                name="alert_state_has_a_subject",
            ),
        ]
        indexes = [models.Index(fields=["is_open", "-since"], name="alertstate_open")]

    def __str__(self) -> str:
        return f"{self.rule} / {self.shown_name}: {self.state}"

    def flaps_at(self, now: datetime) -> bool:
        """Returns whether it fires and recovers so often that nothing is mailed of it."""
        return self.flaps_until is not None and now < self.flaps_until

    @property
    def shown_name(self) -> str:
        """Is the name of what it is about, as everybody may see it."""
        return self.flow.shown_name if self.flow is not None else self.subject_name or self.subject_key

    @property
    def subject_url(self) -> str:
        """Is the address of the page of what it is about."""
        if self.flow is not None:
            return self.flow.get_absolute_url()
        page = {"crm_rule": "rule", "problem": "problem", "connection": "connection"}.get(self.subject_kind)
        if page is None:
            return address_of("account", self.rule.account_id)
        return address_of(page, int(self.subject_key))

    @property
    def subject_label(self) -> str:
        """Is what it is about, in a word or two."""
        return SUBJECT_LABELS.get(self.subject_kind, self.subject_kind)

    @property
    def checked_at(self) -> datetime:
        """Is when it was evaluated, or was left out of an evaluation because nothing can have changed."""
        cursor: AlertCursor | None = getattr(self.rule.account, "alert_cursor", None)
        if cursor is None or self.is_resting:
            return self.evaluated_at
        return max(self.evaluated_at, cursor.evaluated_at)

    @property
    def watched_flow(self) -> Flow:
        """Is the flow that it is about.

        Raises:
            ValueError: it is about something else.
        """
        if self.flow is None:
            raise ValueError(f"alert {self.pk} is about {self.subject_kind} {self.subject_key}")
        return self.flow

    def get_absolute_url(self) -> str:
        return address_of("alert", self.pk)


class AlertCursor(models.Model):
    """Holds when an account's alerts were evaluated last, and up to which recount."""

    account = models.OneToOneField(ZohoAccount, on_delete=models.CASCADE, primary_key=True, related_name="alert_cursor")
    evaluated_at = models.DateTimeField()
    counted_at = models.DateTimeField(null=True, help_text="the newest `CountedFlow.changed_at` that was looked at")

    def __str__(self) -> str:
        return f"{self.account_id}: {self.evaluated_at}"


class Transition(models.Model):
    """Records a change of an alert's state, once; incidents claim it by `dispatch_state`."""

    class Kind(models.TextChoices):
        FIRING = "firing", gettext_noop("Firing")
        RESOLVED = "resolved", gettext_noop("Recovered")
        CLOSED = "closed", gettext_noop("Closed")
        PENDING = "pending", gettext_noop("Pending")
        CLEARED = "cleared", gettext_noop("Cleared before it fired")
        RECOVERING = "recovering", gettext_noop("Recovering")
        RELAPSED = "relapsed", gettext_noop("Breached again")
        NO_DATA = "no_data", gettext_noop("No data")
        LEARNING = "learning", gettext_noop("Learning")
        ERROR = "error", gettext_noop("Error")
        DATA_BACK = "data_back", gettext_noop("Data is back")

    class Dispatch(models.TextChoices):
        NEW = "new", "New"
        DISPATCHED = "dispatched", "Dispatched"
        SILENT = "silent", "Not for mail"

    alert = models.ForeignKey(AlertState, on_delete=models.CASCADE, related_name="transitions")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    episode = models.PositiveIntegerField()
    from_state = models.CharField(max_length=10)
    to_state = models.CharField(max_length=10)
    at = models.DateTimeField(help_text="when it was noticed")
    began_at = models.DateTimeField(null=True, help_text="when it began, by Zoho's clock")
    is_first = models.BooleanField(
        default=False, help_text="found by the first evaluation of its rule, or the first after a pause"
    )
    numbers = models.JSONField(default=dict, help_text="what the condition found")
    rate = models.FloatField(null=True)
    first_attempt_rate = models.FloatField(null=True)
    runs = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True)
    dispatch_state = models.CharField(max_length=10, choices=Dispatch.choices, default=Dispatch.NEW)
    dispatched_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "episode", "kind"],
                condition=models.Q(kind__in=["firing", "resolved", "closed"]),
                name="an_episode_fires_and_ends_once",
            )
        ]
        indexes = [models.Index(fields=["dispatch_state", "at"], name="transition_dispatch")]

    def __str__(self) -> str:
        return f"{self.alert_id} {self.kind} at {self.at}"
