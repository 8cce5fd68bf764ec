"""Rows for export: streamed, with Zoho's own ids and field names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from monitor.models import (
    AlertState,
    CrmFailure,
    Execution,
    Failure,
    Flow,
    Problem,
    RetryAttempt,
    RetryItem,
    WebhookFailure,
    WorkflowRule,
)
from monitor.models.masked_text import said_of_run
from monitor.ownership import ownership_of
from monitor.privacy import mask_name, mask_text
from monitor.queries.freshness import Mirror
from monitor.queries.incidents import with_acknowledgement
from monitor.standing.facts import Presents, silent_among, standing_of, with_facts

CHUNK = 2000
CHUNK_WITH_DATA = 200  # rows that are read with what their runs were about, which may be large
Getter = Callable[[Any], Any]


@dataclass(frozen=True)
class Export:
    """Holds one kind of export: `columns` by name in order, `since_field` what --since is held against.

    `chunk` is how many rows are in memory at once. `then` holds rows of another table, under the same columns, that
    follow these.
    """

    rows: QuerySet[Any]
    columns: dict[str, Getter]
    since_field: str
    chunk: int = CHUNK
    then: Export | None = None

    def records(self, since: datetime | None) -> Iterator[dict[str, Any]]:
        """Yields the rows, oldest key first, a chunk at a time."""
        rows = self.rows if since is None else self.rows.filter(**{f"{self.since_field}__gte": since})
        for row in rows.order_by("pk").iterator(chunk_size=self.chunk):
            yield {name: get(row) for name, get in self.columns.items()}
        if self.then is not None:
            yield from self.then.records(since)

    def with_age(self, fresh: Mirror) -> Export:
        """Adds how old and how complete the mirror of a row's account is."""
        then = self.then.with_age(fresh) if self.then is not None else None
        return replace(self, columns=self.columns | _age(self.columns["account"], fresh), then=then)


@dataclass(frozen=True)
class MaskedColumns:
    """Makes columns of what Zoho, an app or a person wrote: masked, or as it was written.

    Attributes:
        masked: False only for a person who may unmask and gave a reason.
    """

    masked: bool = True

    def texts(self, *names: str) -> dict[str, Getter]:
        """Makes columns of what Zoho or an app said, masked as on every page."""
        return {name: self._through(mask_text, name) for name in names}

    def errors(self, *names: str) -> dict[str, Getter]:
        """Makes columns of what was said of a run or a record, in which its own names are hidden too."""
        if not self.masked:
            return _of(*names)
        return {name: partial(_masked_error, name) for name in names}

    def answers(self, *names: str, **renamed: str) -> dict[str, Getter]:
        """Makes columns of what was said of a run when it was retried; its people are hidden, as on the pages."""
        columns = {name: name for name in names} | renamed
        if not self.masked:
            return _of(**columns)
        return {column: partial(_said_of_run, path) for column, path in columns.items()}

    def policy(self) -> dict[str, Getter]:
        """Makes the column of whose order a retry was; a person of the run may stand in its name as in a reason."""

        def name(row: RetryAttempt) -> str | None:
            if row.policy is None:
                return None
            return said_of_run(row.policy.name, row.execution) if self.masked else row.policy.name

        return {"policy": name}

    @property
    def run_is_read_for_answers(self) -> bool:
        """Returns whether `answers` reads what a run was about: then it is joined, or each row would ask for it."""
        return self.masked

    def names(self, *names: str, **renamed: str) -> dict[str, Getter]:
        """Makes columns of the names that people gave to things."""
        return {
            column: self._through(mask_name, path)
            for column, path in ({name: name for name in names} | renamed).items()
        }

    def description(self) -> dict[str, Getter]:
        """Makes the column of what a thing is for."""
        return {"description": self._through(partial(mask_text, definition=True), "description")}

    def _through(self, hide: Callable[[str], str], path: str) -> Getter:
        get = _getter(path)
        if not self.masked:
            return get
        return lambda row: hide(found) if (found := get(row)) is not None else None


def _masked_error(name: str, row: Execution | WebhookFailure) -> str:
    return mask_text(getattr(row, name), people=row.people)


def _said_of_run(path: str, row: RetryAttempt | RetryItem) -> str:
    return said_of_run(_getter(path)(row) or "", row.execution)


def _skipping_item(row: RetryAttempt | RetryItem) -> RetryItem | None:
    """Returns the item of a batch that skipped the run, None where none did."""
    item = row if isinstance(row, RetryItem) else getattr(row, "item", None)
    return item if item is not None and item.state == RetryItem.State.SKIPPED else None


def _skip_reason(row: RetryAttempt | RetryItem) -> str:
    """Returns why its batch skipped the run after all, for programs; "" where it did not."""
    item = _skipping_item(row)
    return item.code if item is not None else ""


def _skip_note(row: RetryAttempt | RetryItem, *, masked: bool) -> str:
    """Returns the same for people."""
    item = _skipping_item(row)
    if item is None:
        return ""
    return said_of_run(item.note, row.execution) if masked else item.note


def _of(*names: str, **renamed: str) -> dict[str, Getter]:
    fields = {name: name for name in names} | renamed
    return {column: _getter(path) for column, path in fields.items()}


def _getter(path: str) -> Getter:
    names = path.split(".")

    def get(row: Any) -> Any:
        for name in names:
            row = getattr(row, name) if row is not None else None
        return row

    return get


def exports(fresh: Mirror | None = None, now: datetime | None = None, *, masked: bool = True) -> dict[str, Export]:
    """Returns the kinds of export by name. Trigger data is personal data and left out.

    Args:
        fresh: where given, each row ends with how old and how complete the mirror of its account is.
        now: the present; where given too, a flow's row says how it stands.
        masked: False only for a person who may unmask and gave a reason.
    """
    kinds = _of_zoho(MaskedColumns(masked)) | _of_ours(MaskedColumns(masked))
    if fresh is None:
        return kinds
    if now is not None:
        kinds["flows"] = _with_standing(kinds["flows"], fresh, now)
    return {name: kind.with_age(fresh) for name, kind in kinds.items()}


def _with_standing(flows: Export, fresh: Mirror, now: datetime) -> Export:
    presents = Presents(fresh.presents, silent_among(now))
    columns: dict[str, Getter] = {
        "standing": lambda row: standing_of(row, presents).code,
        "standing_reason": lambda row: standing_of(row, presents).reason,
    }
    rows = with_facts(flows.rows.select_related("account", "progress", "ownership__owner"), now)
    return replace(flows, rows=rows, columns=flows.columns | columns)


def _age(account: Getter, fresh: Mirror) -> dict[str, Getter]:
    by_name = {one.name: one for one in fresh.accounts}
    return {
        "mirror_as_of": lambda row: by_name[account(row)].as_of if account(row) in by_name else None,
        "mirror_complete": lambda row: account(row) in by_name and by_name[account(row)].is_trustworthy,
    }


# What people set of a flow or workflow rule; tags stand in one field, apart by spaces.
_OWNERSHIP: dict[str, Getter] = {
    "owner": lambda row: ownership_of(row).name,
    "tags": lambda row: " ".join(ownership_of(row).tags),
}


def _owned(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("account", "ownership__owner").prefetch_related("ownership__tags")


def _of_zoho(shown: MaskedColumns) -> dict[str, Export]:
    return {
        "flows": Export(
            _owned(Flow.objects.select_related("account").defer("raw", "account__client_secret")),
            _of("flow_id")
            | shown.names("flow_name")
            | shown.description()
            | shown.texts("status")
            | shown.names("trigger_app")
            | _of("created_time", "modified_time")
            | _of("execution_count", "success_count", "failure_count", account="account.name")
            | _of("first_seen_at", "seen_at", "gone_at")
            | _OWNERSHIP,
            "seen_at",
        ),
        "executions": Export(
            Execution.objects.select_related("account", "flow").defer("trigger_data", "account__client_secret"),
            _of("execution_id", flow_id="flow.flow_id")
            | shown.names(flow_name="flow.flow_name")
            | shown.texts("status")
            | _of("started_time", "completed_time", "duration_ms")
            | shown.errors("error_code", "error_message", "error_details")
            | _of("error_action_id", "actions_executed", "actions_successful", "actions_failed")
            | _of("first_status", "rerun_count", account="account.name", details_removed_at="payload_removed_at"),
            "started_time",
        ),
        "rules": Export(
            _owned(WorkflowRule.objects.select_related("account").defer("raw", "account__client_secret")),
            shown.names("name")
            | shown.description()
            | _of("module", "active", "execute_when", id="rule_id")
            | _of("last_executed_time", "created_time", "modified_time")
            | shown.names("modified_by")
            | _of("trigger_count", "success_count", "failure_count", executed_from="usage_from")
            | _of(executed_till="usage_till", reset_time="usage_reset_time", account="account.name")
            | _of("gone_at")
            | _OWNERSHIP,
            "seen_at",
        ),
        "webhook_failures": Export(
            # The record's name is personal data and left out; its id is enough to find it in Zoho.
            WebhookFailure.objects.select_related("account").defer("account__client_secret"),
            _of("failure_time")
            | shown.errors("reason")
            | _of("module", "record_id", "webhook_id")
            | shown.names("webhook_name")
            | _of(id="failure_id")
            | shown.names("rule_name")
            | _of("first_seen_at", rule_id="rule_zoho_id", account="account.name"),
            "failure_time",
        ),
    }


def _of_ours(shown: MaskedColumns) -> dict[str, Export]:
    unread, chunk = ["execution__flow__raw", "execution__trigger_data"], CHUNK
    if shown.run_is_read_for_answers:
        unread, chunk = ["execution__flow__raw"], CHUNK_WITH_DATA
    return {
        "alerts": Export(
            with_acknowledgement(
                AlertState.objects.select_related("rule__account__alert_cursor", "flow").defer(
                    "rule__account__client_secret"
                )
            ),
            _of(rule="rule.name", flow_id="flow.flow_id")
            | shown.names(flow_name="flow.flow_name")
            | _of("state", "is_open", "since", "episode", "rate", "first_attempt_rate", "runs", "reason")
            | _of(evaluated_at="checked_at", acknowledged_at="acknowledged_at", account="rule.account.name")
            | _of("subject_kind", "subject_name", threshold="rule.threshold"),
            "since",
        ),
        "problems": Export(
            _problems(),
            _of(number="pk")
            | shown.texts("title")
            | _of("state", "state_since", "remedy", "app", "first_seen_at", "last_seen_at")
            | {name: _with_crm(name) for name in ("failed", *Failure.Fate.values)}
            | _of("source", account="account.name")
            | {"owner": lambda row: row.owner.get_username() if row.owner else ""},
            "last_seen_at",
        ),
        "retries": _retries(shown, unread, chunk),
        "retry_items": Export(
            RetryItem.objects.select_related("batch__account", "batch__requested_by", "execution__flow").defer(
                "batch__account__client_secret", *unread
            ),
            _of(batch="batch.pk", execution_id="execution.execution_id", flow_id="execution.flow.flow_id")
            | _of("position", "state", skip_reason="code")
            | shown.answers("note")
            | _of("ended_at", requested_by="batch.requested_by.username", requested_at="batch.requested_at")
            | _of(account="batch.account.name"),
            "batch__requested_at",
            chunk,
        ),
    }


def _retries(shown: MaskedColumns, unread: Sequence[str], chunk: int) -> Export:
    """Retries of runs, and behind them the runs that a batch skipped before it asked for a retry of them.

    Args:
        shown: makes the columns.
        unread: columns of the run that are not read.
        chunk: rows that are in memory at once.
    """
    skip = {"skip_reason": _skip_reason, "skip_note": partial(_skip_note, masked=shown.masked)}
    retries = RetryAttempt.objects.select_related("account", "execution__flow", "requested_by", "item", "policy")
    skipped = RetryItem.objects.filter(state=RetryItem.State.SKIPPED, attempt=None)
    skipped = skipped.select_related("batch__account", "batch__requested_by", "execution__flow")
    of_run = _of(execution_id="execution.execution_id", flow_id="execution.flow.flow_id")
    return Export(
        retries.defer("account__client_secret", *unread),
        of_run
        | _of("state", "requested_at")
        | shown.answers("reason")
        | _of("sends", "sent_at", "answered_at")
        | shown.answers("answer")
        | _of("new_execution_id", "settled_at", requested_by="requested_by.username", account="account.name")
        | {"batch": lambda row: row.item.batch_id if hasattr(row, "item") else None}
        | shown.policy()
        | skip,
        "requested_at",
        chunk,
        then=Export(
            skipped.defer("batch__account__client_secret", *unread),
            of_run
            | _of("state", requested_at="batch.requested_at")
            | shown.answers(reason="batch.reason")
            | {"sends": lambda _: 0, "sent_at": _nothing, "answered_at": _nothing, "answer": lambda _: ""}
            | {"new_execution_id": lambda _: ""}
            | _of(settled_at="ended_at", requested_by="batch.requested_by.username", account="batch.account.name")
            | {"batch": lambda row: row.batch_id, "policy": _nothing}
            | skip,
            "batch__requested_at",
            chunk,
        ),
    )


def _nothing(_: RetryItem) -> None:
    """Stands for what a run has not that was skipped."""


def _problems() -> QuerySet[Problem]:
    """Problems with how their failures ended, under the names of the fates."""
    failures = "groups__failures"
    counts = {fate: Count(failures, filter=Q(**{f"{failures}__fate": fate})) for fate in Failure.Fate.values}
    rows = Problem.objects.filter(merged_into=None).select_related("account", "owner").defer("account__client_secret")
    of_crm = {fate: _of_crm(fate=fate) for fate in CrmFailure.Fate.values}
    return rows.annotate(failed=Count(failures), **counts).annotate(
        failed_in_crm=_of_crm(), **{f"{fate}_in_crm": count for fate, count in of_crm.items()}
    )


def _of_crm(**which: str) -> Coalesce:
    """Counts what failed in CRM of a problem."""
    rows = CrmFailure.objects.filter(group__problem=OuterRef("pk"), **which).order_by().values("group__problem")
    return Coalesce(Subquery(rows.annotate(total=Sum("count")).values("total")), 0)


def _with_crm(name: str) -> Getter:
    return lambda row: getattr(row, name) + getattr(row, f"{name}_in_crm", 0)
