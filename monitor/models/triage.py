"""Stores problems, what became of each failed run, and what people did about both. Written by `monitor.triage` only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.crm import UsageSnapshot, WebhookFailure, WorkflowRule
from monitor.models.executions import Execution
from monitor.models.flows import Flow
from monitor.models.masked_text import NamesPeople


class Problem(models.Model):
    """Holds what people see as one problem: its state, its owner, and when it was seen.

    Which failures it has follows from its groups (`FailureGroup`): one, or several once people merged some.
    """

    class State(models.TextChoices):
        NEW = "new", gettext_noop("New")
        ONGOING = "ongoing", gettext_noop("Ongoing")
        ESCALATING = "escalating", gettext_noop("Escalating")
        REGRESSED = "regressed", gettext_noop("Regressed")
        ARCHIVED = "archived", gettext_noop("Archived")
        RESOLVED = "resolved", gettext_noop("Resolved")

    class Source(models.TextChoices):
        RUNS = "runs", "Runs of flows"
        CRM = "crm", "Zoho CRM"

    # What somebody has to look at; the other two are put away until something happens.
    UNRESOLVED = (State.NEW, State.ONGOING, State.ESCALATING, State.REGRESSED)

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="problems")
    source = models.CharField(
        max_length=4, choices=Source.choices, default=Source.RUNS, help_text="what failed: `Failure` or `CrmFailure`"
    )
    title = models.CharField(max_length=300, help_text="the template of its first group, masked and cut")
    app = models.CharField(max_length=200, blank=True)
    remedy = models.CharField(max_length=20, help_text="class of what helps, see `monitor.triage.remedy`")
    first_seen_at = models.DateTimeField(help_text="when its first run failed, by Zoho's clock")
    last_seen_at = models.DateTimeField(help_text="when its newest run failed, by Zoho's clock")
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    state_since = models.DateTimeField()
    version = models.PositiveIntegerField(default=0, help_text="compare-and-set guard of every change of state")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="problems_owned"
    )
    resolved_before = models.DateTimeField(
        null=True, help_text="while resolved: a failure of a run that began earlier does not bring it back"
    )
    archived_until = models.DateTimeField(null=True, help_text="while archived: comes back then")
    archived_after = models.PositiveIntegerField(null=True, help_text="while archived: comes back at so many failures")
    unjudged = models.PositiveIntegerField(
        default=0, help_text="changes of its failures since it was judged; a judgement takes away what it has seen"
    )
    merged_into = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="merged")

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["new", "ongoing", "escalating", "regressed", "archived", "resolved"]),
                name="problem_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "state", "-last_seen_at"], name="problem_by_state"),
            models.Index(fields=["id"], name="problem_unjudged", condition=models.Q(unjudged__gt=0)),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return address_of("problem", self.pk)

    @property
    def is_unresolved(self) -> bool:
        return self.state in self.UNRESOLVED


class FailureGroup(models.Model):
    """Holds one fingerprint: the failures of one account that have one cause, as far as their words tell.

    A merge moves groups to another problem, so that it holds for what comes later; a split gives one its own again.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    fingerprint = models.CharField(max_length=64)
    version = models.PositiveSmallIntegerField(
        help_text="of the rules that made the fingerprint; 0 where they could not read the runs"
    )
    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="groups")
    app = models.CharField(max_length=200, blank=True)
    action = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=200, blank=True)
    template = models.TextField(help_text="what its failures say, masked")
    remedy = models.CharField(max_length=20)
    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "fingerprint"], name="one_group_per_fingerprint")]

    def __str__(self) -> str:
        return self.template


class Failure(models.Model):
    """Is the ledger's entry of a run that failed: where it belongs, and how it ended.

    `failed = recovered + retried + superseded + written off + open`, for each flow and in all. A retry's own run has
    no entry: what becomes of it is told by the run that was retried.
    """

    class Fate(models.TextChoices):
        OPEN = "open", gettext_noop("Open")
        RECOVERED = "recovered", gettext_noop("Recovered")
        RETRIED = "retried", gettext_noop("Retried")
        SUPERSEDED = "superseded", gettext_noop("Superseded")
        WRITTEN_OFF = "written_off", gettext_noop("Written off")

    execution = models.OneToOneField(Execution, on_delete=models.CASCADE, primary_key=True, related_name="failure")
    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="failed_runs", db_index=False)
    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="failures", db_index=False)
    failed_at = models.DateTimeField(help_text="when it failed, by Zoho's clock")
    began_at = models.DateTimeField(null=True)
    record = models.CharField(
        max_length=64, blank=True, help_text="keyed digest of the record's id in its trigger data"
    )
    error_digest = models.CharField(
        max_length=32, blank=True, help_text="keyed, of what told the cause: while it is the same, the group stays"
    )
    fate = models.CharField(max_length=12, choices=Fate.choices, default=Fate.OPEN)
    fate_at = models.DateTimeField(help_text="since when")
    superseded_by = models.ForeignKey(
        Execution, on_delete=models.SET_NULL, null=True, related_name="supersedes", db_index=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(fate__in=["open", "recovered", "retried", "superseded", "written_off"]),
                name="fate_known",
            ),
        ]
        indexes = [
            models.Index(fields=["group", "fate", "-failed_at"], name="failure_by_group"),
            models.Index(fields=["account", "fate", "failed_at"], name="failure_by_age"),
            models.Index(fields=["flow", "fate", "failed_at"], name="failure_by_flow"),
            models.Index(
                fields=["superseded_by"], name="failure_superseded", condition=models.Q(superseded_by__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id}: {self.fate}"


class CrmFailure(models.Model):
    """Is the ledger's entry of what failed in CRM: one call of a webhook, or so many actions of a rule within a day.

    `failed = open + written off`: Zoho runs nothing of it again. Entries are added and never counted up. Decision:
    docs/decisions/0012-problems-of-crm.md.
    """

    class Fate(models.TextChoices):
        OPEN = "open", gettext_noop("Open")
        WRITTEN_OFF = "written_off", gettext_noop("Accepted")

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="crm_failures", db_index=False)
    rule = models.ForeignKey(WorkflowRule, on_delete=models.CASCADE, null=True, related_name="crm_failures")
    kind = models.CharField(max_length=8, help_text="webhook or action")
    webhook_failure = models.OneToOneField(
        WebhookFailure, on_delete=models.CASCADE, null=True, related_name="crm_failure"
    )
    snapshot = models.ForeignKey(UsageSnapshot, on_delete=models.CASCADE, null=True, related_name="crm_failures")
    action_id = models.CharField(max_length=64, blank=True, help_text="empty where Zoho's counters do not tell it")
    action_type = models.CharField(max_length=200, blank=True)
    action_name = models.CharField(max_length=500, blank=True)
    count = models.PositiveBigIntegerField(default=1, help_text="failures that it stands for")
    failed_at = models.DateTimeField(help_text="by Zoho's clock; of actions when the counter that shows them was read")
    fate = models.CharField(max_length=12, choices=Fate.choices, default=Fate.OPEN)
    fate_at = models.DateTimeField(help_text="since when")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(fate__in=["open", "written_off"]), name="crm_fate_known"),
            models.CheckConstraint(
                condition=models.Q(webhook_failure__isnull=False) ^ models.Q(snapshot__isnull=False),
                name="crm_failure_of_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["group", "fate", "-failed_at"], name="crmfailure_by_group"),
            models.Index(fields=["account", "webhook_failure"], name="crmfailure_taken"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.webhook_failure_id or self.snapshot_id}: {self.count} {self.fate}"


class WriteOff(NamesPeople):
    """Records that a person has given a failed run up, with a reason. Taken back, the row goes; the trail keeps it."""

    failure = models.OneToOneField(Failure, on_delete=models.CASCADE, primary_key=True, related_name="write_off")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=500)

    def __str__(self) -> str:
        return f"{self.failure_id}: {self.reason}"


class RecordField(models.Model):
    """Says where in a flow's trigger data the id of the record stands: as found, and as a person set it."""

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, primary_key=True, related_name="record_field")
    found = models.CharField(max_length=200, blank=True, help_text="path of keys; empty where none was found")
    found_at = models.DateTimeField(null=True)
    samples = models.PositiveSmallIntegerField(
        default=0, help_text="runs that it was found by: few are looked at again"
    )
    chosen = models.CharField(max_length=200, blank=True, help_text="by a person; empty: as found")
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    chosen_at = models.DateTimeField(null=True)
    look_from = models.DateTimeField(
        null=True, help_text="runs since then are still to be looked through for successes of the same record"
    )
    look_key = models.BigIntegerField(default=0, help_text="of the run at that time that was looked at last")
    applied = models.CharField(max_length=200, blank=True, help_text="path that the records of failures were read by")
    applied_mark = models.CharField(max_length=17, blank=True, help_text="of the key that these records were made with")
    apply_key = models.BigIntegerField(
        null=True, help_text="while another path is applied: the failure up to which it was done"
    )

    def __str__(self) -> str:
        return self.path

    @property
    def path(self) -> str:
        return self.chosen or self.found


class ProblemAct(NamesPeople):
    """Is a line of a problem's activity log: what a person did, or what the program found. Append-only."""

    problem = models.ForeignKey(Problem, on_delete=models.CASCADE, related_name="acts")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=2000, blank=True, help_text="a person's own words: a note, a reason")
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.problem_id}: {self.kind}"
