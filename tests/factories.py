"""Rows for tests: plain functions with keyword overrides."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from django.db.models import Max

from monitor.definition_diff import sha256
from monitor.ends import RunEnd, pack_ends
from monitor.models import (
    AccountDay,
    AccountHour,
    AlertRule,
    AlertState,
    ApiBudget,
    ApiToken,
    Channel,
    ChannelMessage,
    ChannelStanding,
    ConnectedVersion,
    ConnectedWorkflow,
    Connection,
    ConnectionChange,
    Correction,
    CountedFlow,
    DayBucket,
    Execution,
    Failure,
    FailureGroup,
    Flow,
    FlowProgress,
    FlowVersion,
    HourBucket,
    Incident,
    IncidentAlert,
    IncidentEvent,
    Notice,
    Organisation,
    Ownership,
    Problem,
    Product,
    Role,
    RuleVersion,
    StatusLink,
    SyncState,
    Tag,
    User,
    WebhookFailure,
    WorkflowRule,
    ZohoAccount,
)
from monitor.models.definitions import apps_of, packed_apps
from monitor.quarters import Part, pack, unpack
from monitor.rollups.account_totals import SUMMED

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_numbers = count(1)


def make_user(username: str = "", role: str = Role.VIEWER, **fields: Any) -> User:
    username = username or f"person{next(_numbers)}"
    return User.objects.create_user(
        username=username, email=fields.pop("email", f"{username}@example.com"), password=None, role=role, **fields
    )


def make_account(name: str = "", **fields: Any) -> ZohoAccount:
    """An account as `connect` leaves it: with token, budget and sync rows."""
    fields = {
        "data_center": "custom",
        "accounts_url": "http://127.0.0.1:9",
        "flow_url": "http://127.0.0.1:9",
        "crm_url": "http://127.0.0.1:9",
        "client_id": "1000.CLIENT",
        "client_secret": "client-secret",
        "plan": "enterprise",
    } | fields
    account = ZohoAccount.objects.create(name=name or f"Account {next(_numbers)}", **fields)
    ApiToken.objects.create(account=account, refresh_token="refresh-token")
    ApiBudget.objects.bulk_create(ApiBudget(account=account, product=product) for product in Product)
    SyncState.objects.create(account=account)
    Organisation.objects.create(account=account)
    return account


def make_flow(account: ZohoAccount | None = None, **fields: Any) -> Flow:
    """A flow as the list leaves it; columns of its progress can be given beside its own."""
    number = next(_numbers)
    fields = {
        "flow_id": f"1234500000{number:07}",
        "flow_name": f"Flow {number}",
        "status": "active",
        "execution_count": 0,
        "success_count": 0,
        "failure_count": 0,
        "first_seen_at": NOON,
        "seen_at": NOON,
    } | fields
    own, progress = _apart(fields)
    own.setdefault("apps", packed_apps([own.get("trigger_app", "")]))
    flow = Flow.objects.create(account=account or make_account(), **own)
    FlowProgress.objects.create(flow=flow, **progress)
    return flow


def change_flow(flow: Flow, **fields: Any) -> None:
    """Changes columns of a flow and of its progress in the database."""
    own, progress = _apart(fields)
    if own:
        Flow.objects.filter(pk=flow.pk).update(**own)
    if progress:
        FlowProgress.objects.filter(flow=flow).update(**progress)


def _apart(fields: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of a flow, and those of its progress."""
    names = {field.name for field in FlowProgress._meta.get_fields()} - {"flow"}
    progress = {name: value for name, value in fields.items() if name in names}
    return {name: value for name, value in fields.items() if name not in names}, progress


def make_connection(account: ZohoAccount | None = None, **fields: Any) -> Connection:
    """A connection as the list leaves it, that has worked since it was seen first."""
    number = next(_numbers)
    fields = {
        "connection_id": f"5560000000{number:07}",
        "connection_name": f"Connection {number}",
        "app": "Zoho CRM",
        "auth_type": "oauth2",
        "status": "active",
        "status_since": NOON,
        "first_seen_at": NOON,
        "seen_at": NOON,
    } | fields
    return Connection.objects.create(account=account or make_account(), **fields)


def make_connection_change(connection: Connection, **fields: Any) -> ConnectionChange:
    """A change of a connection's status as a list showed it."""
    fields = {"kind": "status", "before": "active", "status": connection.status, "at": NOON} | fields
    return ConnectionChange.objects.create(connection=connection, **fields)


def make_execution(flow: Flow | None = None, status: str = "success", **fields: Any) -> Execution:
    flow = flow or make_flow()
    number = next(_numbers)
    started = fields.pop("started_time", NOON - timedelta(hours=1))
    final = status in ("success", "failed")
    fields = {
        "execution_id": f"9876500000{number:07}",
        "started_time": started,
        "completed_time": started + timedelta(seconds=2) if final else None,
        "duration_ms": 2000 if final else None,
        "first_status": status if final else "",
        "first_failed_at": started + timedelta(seconds=2) if status == "failed" else None,
        "error_code": "ACTION_FAILED" if status == "failed" else "",
        "error_message": "Failed to create contact in Campaigns" if status == "failed" else "",
        "error_details": "Invalid email format" if status == "failed" else "",
        "first_seen_at": NOON,
        "changed_at": NOON,
    } | fields
    run = Execution(account=flow.account, flow=flow, status=status, **fields)
    if "masked_by" not in fields:
        run.mask_text()
    run.save()
    return run


def make_rule(account: ZohoAccount | None = None, **fields: Any) -> WorkflowRule:
    number = next(_numbers)
    fields = {
        "rule_id": f"336126500000{number:07}",
        "name": f"Rule {number}",
        "module": "Leads",
        "active": True,
        "execute_when": "create",
        "first_seen_at": NOON,
        "seen_at": NOON,
    } | fields
    return WorkflowRule.objects.create(account=account or make_account(), **fields)


def make_alert_rule(account: ZohoAccount, **fields: Any) -> AlertRule:
    """A rule of the success rate unless told otherwise; what is no field is an option of its kind."""
    known = {field.name for field in AlertRule._meta.get_fields()}
    options = {name: fields.pop(name) for name in list(fields) if name not in known} | fields.pop("options", {})
    return AlertRule.objects.create(account=account, options=options, **({"name": "Success rate"} | fields))


def make_hour(flow: Flow, hour: datetime, succeeded: int = 0, failed: int = 0, **fields: Any) -> HourBucket:
    """An hour of a flow as it was counted last.

    Args:
        flow: whose.
        hour: any time of the hour; its good runs ended then, and the failed ones a millisecond later.
        succeeded: how many.
        failed: how many.
        fields: further columns; `ends`: runs that ended otherwise.
    """
    made = an_hour(flow, hour, succeeded, failed, **fields)
    columns = {field.attname: getattr(made, field.attname) for field in HourBucket._meta.concrete_fields}
    bucket, _ = HourBucket.objects.update_or_create(
        flow=flow, hour=made.hour, defaults={name: columns[name] for name in columns if name not in ("id", "flow_id")}
    )
    count_again(flow)
    sum_up_hour(flow.account_id, made.hour)
    return bucket


def make_day(flow: Flow, day: date, **fields: Any) -> DayBucket:
    """A day of a flow as it was counted last."""
    bucket, _ = DayBucket.objects.update_or_create(flow=flow, day=day, defaults=fields)
    sum_up_day(flow.account_id, day)
    return bucket


def sum_up_hour(account: int, hour: datetime) -> None:
    """Sums an hour of an account up from the buckets of its flows, as a recount leaves it."""
    rows = HourBucket.objects.filter(flow__account=account, hour=hour)
    total, quarters = Counter[str](), defaultdict(Counter[str])
    for row in rows:
        numbers = {name: getattr(row, name) for name in SUMMED}
        total.update(numbers)
        for part in unpack(row.quarters, *numbers.values()):
            quarters[part.quarter].update({name: getattr(part, name) for name in SUMMED})
    packed = pack([Part(quarter, *(counts[name] for name in SUMMED)) for quarter, counts in quarters.items()])
    columns = {name: total[name] for name in SUMMED} | {"quarters": packed, "buckets": len(rows)}
    AccountHour.objects.update_or_create(account_id=account, hour=hour, defaults=columns)


def sum_up_day(account: int, day: date) -> None:
    """Sums a day of an account up from the buckets of its flows, as a recount leaves it."""
    rows = DayBucket.objects.filter(flow__account=account, day=day)
    columns = {name: sum(getattr(row, name) for row in rows) for name in SUMMED} | {"buckets": len(rows)}
    AccountDay.objects.update_or_create(account_id=account, day=day, defaults=columns)


def an_hour(flow: Flow, hour: datetime, succeeded: int = 0, failed: int = 0, **fields: Any) -> HourBucket:
    """As `make_hour`, unsaved."""
    start = hour.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    at = round((hour - start).total_seconds() * 1000)
    first = fields.get("first_succeeded", succeeded)
    results = [False] * succeeded + [True] * failed
    usual = [RunEnd(at + bad, bad, number >= first, at) for number, bad in enumerate(results)]
    ends: list[RunEnd] = fields.pop("ends", usual)
    last = max((run.ended for run in ends), default=None)
    columns = {
        "succeeded": succeeded,
        "failed": failed,
        "first_succeeded": succeeded,
        "ends": pack_ends(ends),
        "last_end": None if last is None else start + timedelta(milliseconds=last),
    } | fields
    return HourBucket(flow=flow, hour=start, **columns)


def count_again(*flows: Flow) -> None:
    """Says that the counts of some flows have changed, as a recount does."""
    newest = CountedFlow.objects.aggregate(at=Max("changed_at"))["at"] or NOON
    for number, flow in enumerate(flows, start=1):
        at = newest + number * timedelta(microseconds=1)
        CountedFlow.objects.update_or_create(flow=flow, defaults={"changed_at": at})


def make_correction(account: ZohoAccount, *, now: datetime = NOON, **fields: Any) -> Correction:
    """Takes the last whole hour out of the rates, unless told otherwise."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    fields = {"starts_at": hour - timedelta(hours=1), "ends_at": hour, "why": "A known outage", "at": now} | fields
    return Correction.objects.create(account=account, **fields)


def make_incident(alert: AlertState, **fields: Any) -> Incident:
    """An open incident with one alert, whose first mail has gone out."""
    fields = {"cause": "alone", "began_at": NOON, "opened_at": NOON, "last_seq": 1} | fields
    incident = Incident.objects.create(account=alert.rule.account, **fields)
    IncidentAlert.objects.create(
        incident=incident, alert=alert, episode=alert.episode, began_at=NOON, joined_at=incident.opened_at
    )
    IncidentEvent.objects.create(incident=incident, at=incident.opened_at, kind="fired", alert=alert)
    make_notice(incident, dispatch_state="dispatched", dispatched_at=incident.opened_at, recipients=1)
    return incident


def make_notice(incident: Incident, **fields: Any) -> Notice:
    fields = {"seq": 1, "kind": "firing", "at": NOON, "due_at": NOON} | fields
    return Notice.objects.create(incident=incident, **fields)


def make_channel(name: str = "", **fields: Any) -> Channel:
    """A signed webhook of every account, which was not tried yet."""
    fields = {
        "service": "webhook",
        "address": '{"url": "https://hooks.example.com/s3cr3tPath"}',
        "hint": "hooks.example.com …",
        "added_at": NOON,
    } | fields
    channel = Channel.objects.create(name=name or f"Channel {next(_numbers)}", **fields)
    ChannelStanding.objects.create(channel=channel)
    return channel


def make_status_link(account: ZohoAccount | None = None, **fields: Any) -> tuple[StatusLink, str]:
    """An open link of the status page, of one account or of all, and its token."""
    token = secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).hexdigest()
    fields = {"name": f"Board {next(_numbers)}", "made_at": NOON} | fields
    return StatusLink.objects.create(account=account, token_hash=digest, **fields), token


def make_channel_message(notice: Notice | None, channel: Channel | None = None, **fields: Any) -> ChannelMessage:
    fields = {
        "message_id": f"msg_{next(_numbers)}",
        "title": "[Firing] Lead sync",
        "text": "Account Acme",
        "created_at": NOON,
        "next_try_at": NOON,
    } | fields
    return ChannelMessage.objects.create(notice=notice, channel=channel or make_channel(), **fields)


def own_thing(*, owner: User | None = None, tags: Iterable[str] = (), **thing: Any) -> Ownership:
    """The owner and the tags of `flow=...` or `rule=...`, in place of those it had."""
    row, _ = Ownership.objects.update_or_create(**thing, defaults={"owner": owner})
    row.tags.set([Tag.objects.get_or_create(name=name)[0] for name in tags])
    return row


def make_connected(account: ZohoAccount | None = None, **fields: Any) -> ConnectedWorkflow:
    number = next(_numbers)
    fields = {
        "workflow_id": f"446126500000{number:07}",
        "name": f"Journey {number}",
        "status": "active",
        "primary_module": "Leads",
        "involved_modules": ["Leads"],
        "first_seen_at": NOON,
        "seen_at": NOON,
    } | fields
    return ConnectedWorkflow.objects.create(account=account or make_account(), **fields)


def make_version(thing: Flow | WorkflowRule | ConnectedWorkflow, **fields: Any) -> Any:
    """A version of what a thing is made of; the first one unless told otherwise."""
    content = fields.get("content", {"name": str(thing)})
    fields = {
        "number": 1,
        "sha256": sha256(content),
        "content": content,
        "first_seen_at": NOON,
        "modified_by": "Pat Example",
        "modified_time": NOON - timedelta(days=2),
        "change_count": len(fields.get("changes", [])),
    } | fields
    if isinstance(thing, Flow):
        Flow.objects.filter(pk=thing.pk).update(apps=apps_of(thing.trigger_app, fields["content"]))
        return FlowVersion.objects.create(flow=thing, **fields)
    if isinstance(thing, WorkflowRule):
        return RuleVersion.objects.create(rule=thing, **fields)
    return ConnectedVersion.objects.create(workflow=thing, **fields)


def make_webhook_failure(account: ZohoAccount | None = None, **fields: Any) -> WebhookFailure:
    number = next(_numbers)
    fields = {
        "failure_id": f"556126500000{number:07}",
        "rule_zoho_id": "3361265000000000001",
        "rule_name": "Big deals",
        "webhook_id": "6161265000000000001",
        "webhook_name": "Tell the shop",
        "module": "Leads",
        "record_id": "7161265000000000001",
        "record_name": "Jo Example",
        "failure_time": NOON - timedelta(hours=3),
        "reason": "page_notfound",
        "first_seen_at": NOON,
    } | fields
    failure = WebhookFailure(account=account or make_account(), **fields)
    if "masked_by" not in fields:
        failure.mask_text()
    failure.save()
    return failure


def make_failure(execution: Execution, **fields: Any) -> Failure:
    """An entry of the ledger, with a problem of its own."""
    at = execution.first_failed_at or execution.completed_time or NOON
    problem = Problem.objects.create(
        account=execution.account,
        title="It failed",
        remedy="unknown",
        first_seen_at=at,
        last_seen_at=at,
        state_since=at,
    )
    group = FailureGroup.objects.create(
        account=execution.account,
        fingerprint=f"{next(_numbers):032x}",
        version=1,
        problem=problem,
        template="It failed",
        remedy="unknown",
        first_seen_at=at,
    )
    given = {"account": execution.account, "flow": execution.flow, "group": group, "failed_at": at, "fate_at": at}
    return Failure.objects.create(execution=execution, **(given | fields))
