"""One of everything that a page can show, for tests of many pages at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from monitor import accepted_findings
from monitor.models import (
    AcceptedFinding,
    AlertRule,
    AlertState,
    AuditEntry,
    AutomationFact,
    Channel,
    ChannelMessage,
    ConnectedWorkflow,
    Connection,
    Correction,
    Delivery,
    Edit,
    EscalationPolicy,
    EscalationStep,
    Execution,
    Failure,
    Flow,
    HookEndpoint,
    Incident,
    Notice,
    Problem,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    RetryPolicy,
    Role,
    Route,
    SavedView,
    Secret,
    SendAttempt,
    Silence,
    Snooze,
    StageRun,
    StatusLink,
    StreamState,
    SyncState,
    Transition,
    UsageSnapshot,
    User,
    WorkerBeat,
    WorkflowRule,
    ZohoAccount,
)
from monitor.queries.rule_audit import audit_of
from monitor.triage.take_crm import take_crm
from tests import factories
from tests.bystander import own


@dataclass
class World:
    """The rows, by what they are."""

    account: ZohoAccount
    flow: Flow
    execution: Execution
    attempt: RetryAttempt
    rule: WorkflowRule
    alert_rule: AlertRule
    alert: AlertState
    transition: Transition
    incident: Incident
    snooze: Snooze
    silence: Silence
    correction: Correction
    mail: Delivery
    channel: Channel
    message: ChannelMessage
    person: User
    connected: ConnectedWorkflow
    connection: Connection
    hook: HookEndpoint
    failure: Failure
    problem: Problem
    crm_problem: Problem
    batch: RetryBatch
    policy: RetryPolicy
    view: SavedView
    route: Route
    escalation_policy: EscalationPolicy
    edit: Edit
    edit_done: Edit
    status_link: StatusLink
    finding: dict[str, Any]
    accepted_finding: AcceptedFinding
    status_token: str


def of_crm(world: World) -> World:
    """The same world, the problem of which is that of CRM."""
    return replace(world, problem=world.crm_problem)


def make_state(rule: AlertRule, flow: Flow | None, now: datetime, **fields: Any) -> AlertState:
    """An open, unacknowledged incident."""
    fields = {
        "state": "firing",
        "since": now - timedelta(hours=2),
        "evaluated_at": now,
        "episode": 1,
        "is_open": True,
        "rate": 81.25,
        "first_attempt_rate": 75.0,
        "runs": 32,
        "reason": "81.2 % of 32 runs, below 95 %",
    } | fields
    return AlertState.objects.create(rule=rule, flow=flow, **fields)


def make_transition(alert: AlertState, now: datetime, **fields: Any) -> Transition:
    fields = {
        "kind": "firing",
        "episode": 1,
        "from_state": "ok",
        "to_state": "firing",
        "at": now - timedelta(hours=2),
        "rate": 81.25,
        "runs": 32,
        "failed": 6,
        "dispatch_state": "dispatched",
        "reason": "81.2 % of 32 runs, below 95 %",
    } | fields
    return Transition.objects.create(alert=alert, **fields)


def make_mail(notice: Notice, recipient: User, now: datetime, **fields: Any) -> Delivery:
    fields = {
        "address": recipient.email,
        "message_id": f"<{notice.pk}.{recipient.pk}@example.com>",
        "subject": "[Firing] A flow",
        "text": "A flow is failing.",
        "html": "<!doctype html><p style='color: red'>A flow is failing.</p>",
        "state": "sent",
        "attempts": 1,
        "created_at": now,
        "next_try_at": now,
        "sent_at": now,
    } | fields
    return Delivery.objects.create(notice=notice, recipient=recipient, **fields)


def make_attempt(execution: Execution, user: User, now: datetime, **fields: Any) -> RetryAttempt:
    fields = {
        "requested_at": now,
        "reason": "The address is corrected",
        "client_token": f"token-{own(RetryAttempt).count()}-{execution.pk}",
    } | fields
    return RetryAttempt.objects.create(account=execution.account, execution=execution, requested_by=user, **fields)


def make_batch(executions: list[Execution], user: User, now: datetime, **fields: Any) -> RetryBatch:
    """A batch of retries with these executions as its items, in their order."""
    fields = {
        "account": executions[0].account,
        "requested_at": now,
        "reason": "The tax is there again",
        "client_token": f"batch-{own(RetryBatch).count()}-{executions[0].pk}",
        "per_minute": 30,
        "seen_at": now,
        "state_since": now,
    } | fields
    batch = RetryBatch.objects.create(requested_by=user, **fields)
    RetryItem.objects.bulk_create(
        RetryItem(batch=batch, execution=one, position=number) for number, one in enumerate(executions, start=1)
    )
    return batch


def make_edits(rule: WorkflowRule, by: User, now: datetime) -> dict[str, Any]:
    """A change of a rule that waits to be sent, and one that was done and can be undone."""
    common = {
        "account": rule.account,
        "subject": "rule",
        "subject_id": rule.rule_id,
        "name": rule.name,
        "reason": "agreed",
    }
    common |= {"requested_by": by, "requested_at": now, "base": {"name": rule.name, "status": {"active": True}}}
    body = {"status": {"active": False}}
    wished = Edit.objects.create(
        **common,
        subject_key=f"rule:{rule.rule_id}",
        act="deactivate",
        client_token=f"w{rule.pk}",
        body=body,
        wanted=body,
    )
    done = Edit.objects.create(
        **common, subject_key=f"rule:{rule.rule_id}", act="describe", client_token=f"d{rule.pk}", state="done",
        body={"name": "New"}, wanted={"name": "New"}, settled_at=now, answer="Zoho did it.",
    )  # fmt: skip
    return {"edit": wished, "edit_done": done}


def make_quiet(alert: AlertState, by: User, now: datetime) -> tuple[Snooze, Silence]:
    """A snooze of an alert's flow, and a silence of its account."""
    account, hour = alert.rule.account, timedelta(hours=1)
    snooze = Snooze.objects.create(account=account, alert=alert, flow=alert.flow, until=now + 2 * hour, by=by, at=now)
    why = "The shop moves to another server"
    silence = Silence.objects.create(account=account, starts_at=now - hour, ends_at=now + hour, by=by, at=now, why=why)
    return snooze, silence


def make_route(account: ZohoAccount, operator: User) -> dict[str, Any]:
    """A route with an escalation. It is off: what is mailed in this world goes where it went without any route."""
    policy = EscalationPolicy.objects.create(name=f"On call of {account.name}")
    step = EscalationStep.objects.create(policy=policy, position=1, after_minutes=15, to_owner=True)
    step.people.add(operator)
    route = Route.objects.create(
        name="Orders", position=1, account=account, policy=policy, to_owner=True, is_active=False
    )
    route.people.add(operator)
    return {"route": route, "escalation_policy": policy}


def make_findings(account: ZohoAccount, by: User, now: datetime) -> dict[str, Any]:
    """Two drafts left lying: one is a finding, the other is accepted."""
    long_ago = now - timedelta(days=60)
    StreamState.objects.create(account=account, stream="connected", state="ok", last_read_at=now)
    for name in ("Left lying", "Meant to lie"):
        factories.make_connected(account, name=name, status="draft", modified_time=long_ago, first_seen_at=long_ago)
    one, other = (row.finding for row in audit_of(now, [account.pk]).rows if row.finding.kind == "old_draft")
    accepted = accepted_findings.accept(other, "It is meant to.", by=by, now=now)
    return {"finding": {"account": account.pk, "key": one.key}, "accepted_finding": accepted}


def make_status_link(account: ZohoAccount, by: User, now: datetime) -> dict[str, Any]:
    """A link that shows the account, with its token."""
    link, token = factories.make_status_link(account, made_by=by, made_at=now, expires_at=now + timedelta(days=90))
    return {"status_link": link, "status_token": token}


def make_channel(incident: Incident, by: User, now: datetime) -> tuple[Channel, ChannelMessage]:
    """A signed webhook of an incident's account, with a message that was given up.

    It leads to this machine, which no channel may ask: a test message goes nowhere.
    """
    channel = factories.make_channel(
        f"Operations of {incident.account.name}",
        account=incident.account,
        added_by=by,
        address='{"url": "https://127.0.0.1:9/s3cr3tPath"}',
    )
    channel.secret_list = [Secret("whsec_c2VjcmV0IG9mIHRoZSB3b3JsZA==", now)]
    channel.save()
    message = factories.make_channel_message(
        incident.notices.get(), channel, state="dead", attempts=1, created_at=now, last_error="404 no such hook"
    )
    SendAttempt.objects.create(message=message, number=1, at=now, ms=12, outcome="refused", code="404", answer="404")
    return channel, message


def make_broken_connection(account: ZohoAccount, now: datetime) -> Connection:
    """A connection to the app of the account's flow, that expired two hours ago."""
    broke = now - timedelta(hours=2)
    made = factories.make_connection(
        account,
        connection_name="CRM sign-in",
        status="expired",
        status_since=broke,
        status_after=broke - timedelta(minutes=5),
        seen_at=now,
    )
    factories.make_connection_change(made, seen_before=made.status_after, at=broke)
    return made


def make_hook(account: ZohoAccount, now: datetime) -> HookEndpoint:
    hook = HookEndpoint(account=account, name="Errors", key_hash=f"{account.pk:064}", created_at=now)
    hook.secret_list = [Secret("a-secret-of-the-world", now)]
    hook.save()
    return hook


def make_read(account: ZohoAccount, now: datetime) -> None:
    """Says that an account was read just now."""
    SyncState.objects.filter(account=account).update(state="ok", last_complete_at=now, last_finished_at=now)
    StreamState.objects.create(account=account, stream="flows", state="ok", last_read_at=now)
    StageRun.objects.create(stage="ingest", account=account, started_at=now, outcome="ok", summary={"calls": 3})


def make_crm_problem(rule: WorkflowRule, now: datetime) -> dict[str, Any]:
    """A problem of a webhook that failed, whose host is known."""
    failure = factories.make_webhook_failure(rule.account, rule=rule)
    AutomationFact.objects.create(
        account=rule.account, part="webhooks", facts={failure.webhook_id: "shop.example.com"}, read_at=now
    )
    take_crm(now)
    return {"crm_problem": Problem.objects.get(account=rule.account, source=Problem.Source.CRM)}


def make_view(person: User) -> dict[str, Any]:
    """A view of the list of executions that somebody shares."""
    return {"view": SavedView.objects.create(person=person, name="Failed", query="status=failed", is_shared=True)}


def make_world(now: datetime, *, name: str = "Acme", person: str = "pat", worker: str = "canary") -> World:
    """A failed execution with an open retry, a firing alert with its mail, a rule with usage, a worker that lives."""
    account = factories.make_account(name)
    make_read(account, now)
    flow = factories.make_flow(account, flow_name="Lead to campaign", trigger_app="Zoho CRM")
    execution = factories.make_execution(
        flow, "failed", started_time=now - timedelta(days=3), trigger_data={"Email": "jo@example.com", "Stage": "New"}
    )
    operator = factories.make_user(person, Role.OPERATOR)
    attempt = make_attempt(execution, operator, now)
    failure = factories.make_failure(execution)
    batch = make_batch([execution], operator, now)
    common = {"account": account, "flow": flow, "set_by": operator, "set_at": now}
    policy = RetryPolicy.objects.create(name="Retry what the tax stopped", **common)
    rule = factories.make_rule(account, raw={"name": "Rule", "modified_by": {"name": "Jo"}})
    UsageSnapshot.objects.create(
        rule=rule, day=now.date(), trigger_count=4, success_count=3, failure_count=1, taken_at=now
    )
    alert_rule = factories.make_alert_rule(account)
    alert = make_state(alert_rule, flow, now)
    transition = make_transition(alert, now)
    incident = factories.make_incident(alert, began_at=now - timedelta(hours=3), opened_at=now - timedelta(hours=2))
    mail = make_mail(incident.notices.get(), operator, now)
    channel, message = make_channel(incident, operator, now)
    snooze, silence = make_quiet(alert, operator, now)
    seen = {"action": "unmask", "object_type": "execution", "object_id": str(execution.pk)}
    AuditEntry.objects.create(at=now, actor=operator, actor_name=person, **seen)
    WorkerBeat.objects.create(name=worker, beat_at=now)
    connected = factories.make_connected(account)
    factories.make_version(flow, content={"name": str(flow), "trigger": {"type": "webhook"}})
    for thing in (rule, connected):
        factories.make_version(thing)
    return World(
        account=account,
        flow=flow,
        execution=execution,
        attempt=attempt,
        rule=rule,
        alert_rule=alert_rule,
        alert=alert,
        transition=transition,
        incident=incident,
        snooze=snooze,
        silence=silence,
        correction=factories.make_correction(account, now=now, by=operator, incident=incident),
        mail=mail,
        channel=channel,
        message=message,
        person=operator,
        connected=connected,
        connection=make_broken_connection(account, now),
        hook=make_hook(account, now),
        failure=failure,
        problem=failure.group.problem,
        batch=batch,
        policy=policy,
        **(make_edits(rule, operator, now) | make_route(account, operator)),
        **(make_status_link(account, operator, now) | make_view(operator)),
        **(make_findings(account, operator, now) | make_crm_problem(rule, now)),
    )
