"""Mirrors Zoho Flow's flows and connections. Written by `monitor.ingest` only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_noop

from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.definitions import HasDefinition
from monitor.privacy import mask_name

# Zoho's words for a flow that is switched off. One of any other word, or of none, may be running: it is watched.
SWITCHED_OFF = ("inactive", "disabled", "deactivated", "paused", "suspended", "stopped", "draft", "off")

# The signature of the hole that a flow is whose runs Zoho does not give.
FLOW_REFUSED = "refused"


# Zoho's words for a sign-in that does not work. Of one of any other word but "active", or of none, nothing is known.
BROKEN = ("inactive", "disabled", "expired", "invalid", "revoked", "error", "failed", "broken", "disconnected")


NAMELESS = "(without a name)"


class HistoryOrder(models.TextChoices):
    """Names how a flow's history is read for the first time, by what its newest page showed."""

    UNKNOWN = "", "not looked at yet"
    NEWEST = "newest", "newest first, by time"
    PAGES = "pages", "page by page"


class Flow(HasDefinition):
    """Holds what Zoho's list says of a flow, with the counters that Zoho keeps of it, and when the list had it last.

    How far its runs are mirrored stands in `FlowProgress`.
    """

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="flows")
    flow_id = models.CharField(max_length=64)
    flow_name = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=32)
    trigger_app = models.CharField(max_length=200, blank=True)
    created_time = models.DateTimeField(null=True)
    modified_time = models.DateTimeField(null=True)
    execution_count = models.BigIntegerField(null=True)
    success_count = models.BigIntegerField(null=True)
    failure_count = models.BigIntegerField(null=True)
    raw = models.JSONField(default=dict)

    list_page = models.PositiveSmallIntegerField(null=True, help_text="page of Zoho's list that had it last")
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="start of the last sweep whose list had it")
    missed_sweeps = models.PositiveSmallIntegerField(default=0)
    gone_at = models.DateTimeField(null=True, help_text="deleted in Zoho; its history stays here")
    may_wait = models.BooleanField(default=False, help_text="its definition has a step that waits, as Delay does")
    apps = models.TextField(
        blank=True, help_text="of its trigger and its actions, as names of apps are compared, each between line ends"
    )

    class Meta:
        ordering = ["flow_name", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "flow_id"], name="one_row_per_flow")]

    def __str__(self) -> str:
        return self.shown_name

    def get_absolute_url(self) -> str:
        return address_of("flow", self.pk)

    @property
    def shown_name(self) -> str:
        """Returns the name for pages and mails: masked, and never empty, so that a link always has a text."""
        return mask_name(self.flow_name) or NAMELESS

    def counted(self, *, every: int, ended: int) -> int:
        """Returns how many of our rows Zoho's total stands beside.

        Zoho does not say whether `execution_count` has the runs that are still going. Where it is the sum of
        the other two it has not, or there are none: then only finished rows are held against it.
        """
        total, finished = self.execution_count, (self.success_count, self.failure_count)
        if total is not None and None not in finished and total == sum(count or 0 for count in finished):
            return ended
        return every

    def tally(self, statuses: Iterable[str]) -> tuple[int, int, int]:
        """Counts runs as Zoho's counters do: in all, good, bad. One of no status may be any, and counts in all."""
        counts = Counter(statuses)
        success, failed = counts["success"], counts["failed"]
        return self.counted(every=counts.total(), ended=counts.total() - counts["running"]), success, failed

    @property
    def is_reading_history(self) -> bool:
        """Returns whether what Zoho still holds of it has not been read to its end for the first time."""
        return self.gone_at is None and self.progress.executions_read_at is None

    def covers(self, start: datetime) -> bool:
        """Returns whether every run that began at `start` or later is mirrored, as far as the account is read."""
        past = self.progress
        return past.executions_read_at is not None or (past.covered_from is not None and past.covered_from <= start)

    @property
    def is_active(self) -> bool:
        """Returns whether it is watched: it is there, and Zoho does not say that it is switched off."""
        return self.gone_at is None and self.status not in SWITCHED_OFF

    @property
    def has_counters(self) -> bool:
        """Returns whether Zoho's list names all three counters of it in a form that can be read."""
        return None not in (self.execution_count, self.success_count, self.failure_count)

    @property
    def has_moved(self) -> bool:
        """Returns whether Zoho's counters differ from those of the last complete read (or never were read)."""
        return self.progress.executions_read_at is None or self.counters_moved

    @property
    def counters_moved(self) -> bool:
        """Returns whether Zoho's counters differ from those up to which the newest runs were read."""
        now = (self.execution_count, self.success_count, self.failure_count)
        past = self.progress
        read = (past.read_execution_count, past.read_success_count, past.read_failure_count)
        return not self.has_counters or now != read


class FlowProgress(models.Model):
    """Holds how far the runs of a flow are mirrored, and what is due for it.

    Zoho's counters stand in `Flow`. Beside them: as they stood at the last complete read (`read_*`; equal means nothing
    to ask; while the history is read for the first time: at the last read of the newest runs), and what Zoho had
    already forgotten at the first complete read (`baseline_*`: counter = baseline + mirrored + pruned from then on).
    """

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, primary_key=True, related_name="progress")
    read_execution_count = models.BigIntegerField(null=True)
    read_success_count = models.BigIntegerField(null=True)
    read_failure_count = models.BigIntegerField(null=True)
    baseline_total = models.BigIntegerField(null=True)
    baseline_success = models.BigIntegerField(null=True)
    baseline_failed = models.BigIntegerField(null=True)
    pruned_success = models.BigIntegerField(default=0)
    pruned_failed = models.BigIntegerField(default=0)
    newest_started = models.DateTimeField(null=True)
    history_read_at = models.DateTimeField(null=True, help_text="start of the last complete read of all history")
    executions_read_at = models.DateTimeField(null=True, help_text="start of the last complete read")
    backfill_page = models.PositiveIntegerField(default=0, help_text="next page of an unfinished history read")
    history_order = models.CharField(max_length=6, choices=HistoryOrder.choices, blank=True)
    history_began_at = models.DateTimeField(null=True, help_text="when its first reading began, while it goes on")
    history_calls = models.PositiveIntegerField(default=0, help_text="calls that its first reading took so far")
    covered_from = models.DateTimeField(
        null=True, help_text="runs that began since then are mirrored, while older history is still being read"
    )
    hole_reason = models.CharField(max_length=300, blank=True)
    hole_signature = models.CharField(max_length=120, blank=True)
    hole_since = models.DateTimeField(null=True, help_text="when that hole was found first: what is missing is older")
    hole_tries = models.PositiveSmallIntegerField(default=0)
    baseline_firm = models.BooleanField(default=False, help_text="read between two lists with equal counters")
    recheck_at = models.DateTimeField(null=True, help_text="read again then, even where no counter moved")
    tried_counters = models.CharField(
        max_length=80, blank=True, help_text="Zoho's counters when it could not be read: not again for these alone"
    )
    wanted_at = models.DateTimeField(null=True, help_text="somebody waits for its executions since then")
    asked_at = models.DateTimeField(null=True, help_text="when somebody last asked for its executions, answered or not")
    hinted_at = models.DateTimeField(null=True, help_text="a callback hinted at it; nobody waits")
    pruned_before = models.DateTimeField(null=True, help_text="runs that began earlier are counted, not kept")

    def __str__(self) -> str:
        return f"progress of flow {self.flow_id}"

    @property
    def is_refused(self) -> bool:
        """Returns whether Zoho does not give its runs, or no longer: nothing is known of its present."""
        return self.hole_signature == FLOW_REFUSED

    @property
    def is_provisional(self) -> bool:
        """Returns whether its baseline may be off by runs that were under way while it was read."""
        return self.baseline_total is not None and not self.baseline_firm and not self.hole_reason

    @property
    def pruned(self) -> int:
        """Returns how many of its runs are counted and no longer kept."""
        return self.pruned_success + self.pruned_failed


class Connection(models.Model):
    """Mirrors a sign-in that flows use for an app; a broken one breaks every flow on it."""

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="connections")
    connection_id = models.CharField(max_length=64)
    connection_name = models.CharField(max_length=500)
    app = models.CharField(max_length=200, blank=True)
    auth_type = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=32)
    status_since = models.DateTimeField(help_text="when this status was first seen here")
    status_after = models.DateTimeField(null=True, help_text="the last list that still had the status before it")
    created_time = models.DateTimeField(null=True)
    raw = models.JSONField(default=dict)
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["connection_name", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "connection_id"], name="one_row_per_connection")]

    def __str__(self) -> str:
        return self.connection_name

    def get_absolute_url(self) -> str:
        return address_of("connection", self.pk)

    @property
    def shown_name(self) -> str:
        """Returns the name for pages and mails: masked, and never empty, so that a link always has a text."""
        return mask_name(self.connection_name) or mask_name(self.app) or NAMELESS

    @property
    def is_broken(self) -> bool:
        """Returns whether Zoho says that it does not work."""
        return self.gone_at is None and self.status in BROKEN

    @property
    def failures_from(self) -> datetime:
        """Returns from when on a failure may be due to its status: it changed between two lists."""
        return self.status_after or self.status_since


class ConnectionChange(models.Model):
    """Records that a connection came, became another status, was deleted or came back, as the lists showed it.

    It happened between `seen_before`, the last list that had it otherwise, and `at`. Append-only.
    """

    class Kind(models.TextChoices):
        CAME = "came", gettext_noop("First seen")
        STATUS = "status", gettext_noop("Another status")
        DELETED = "deleted", gettext_noop("Deleted in Zoho")
        BACK = "back", gettext_noop("Listed again")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="changes", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    before = models.CharField(max_length=32, blank=True, help_text="the status before, in Zoho's word")
    status = models.CharField(max_length=32, blank=True, help_text="the status from then on, in Zoho's word")
    seen_before = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["connection", "-at", "-id"], name="connectionchange_of"),
            models.Index(fields=["-at", "-id"], name="connectionchange_newest"),
        ]

    def __str__(self) -> str:
        return f"connection {self.connection_id}: {self.kind} {self.status}"
