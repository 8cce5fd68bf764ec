"""Makes the rows of the bystander (`tests/bystander.py`): all in a state that a lost scope would change."""

from __future__ import annotations

from monitor import models as tables
from monitor.models import AlertState, Product, RetryAttempt, Role, Secret, Stream, StreamState, SyncState
from monitor.models import ZohoAccount as Account
from monitor.triage.keyed import mark
from tests import factories
from tests.bystander import NAME, NEVER, PAST, TAG, Bystander


def make_bystander() -> Bystander:
    """Makes the bystander: all of it is in a state that a lost scope would change, and nothing of it is due."""
    account = factories.make_account(NAME, plan="standard", watches_records=True)
    person = factories.make_user("bystander", Role.VIEWER, wants_mail=False, timezone="Asia/Kolkata")
    _set_connection(account)
    _set_mirror_state(account)
    flow = _add_mirror(account)
    alert = _add_alert(account, flow, person)
    _add_routes(account, alert)
    _add_retry(account, flow, person)
    _add_edit(account, person)
    _add_problem(account, flow, person)
    _add_batch(account, flow, person)
    _add_digest(account, person)
    _add_hooks(account, flow)
    tables.StatusLink.objects.create(
        name="Bystander's board", token_hash="b" * 64, account=account, made_by=person, made_at=PAST
    )
    _add_trail(account, person, alert)
    found = Bystander(account.pk, person.pk)
    found.remember()
    return found


def _set_connection(account: Account) -> None:
    tables.ApiToken.objects.filter(account=account).update(
        access_token="bystander-access", expires_at=NEVER, generation=7, refresh_token="bystander-refresh"
    )
    tables.Organisation.objects.filter(account=account).update(
        zgid="7003", org_id="7003001", name="Bystander Ltd", kind="production", seen_at=PAST
    )
    tables.ApiBudget.objects.filter(account=account).update(
        seen_at=PAST, remaining_seen=4_321, day_limit_seen=10_000, blocked_reason="the bystander's", failures_in_row=1
    )
    tables.ApiCall.objects.create(
        account=account,
        product=Product.FLOW,
        method="GET",
        path="/flows",
        started_at=PAST,
        finished_at=PAST,
        status=200,
    )
    tables.DigestKey.objects.create(account=account, key="bystander-digest-key")


def _set_mirror_state(account: Account) -> None:
    SyncState.objects.filter(account=account).update(
        state=SyncState.State.INCOMPLETE,
        reason="the bystander's reason",
        since=PAST,
        next_due_at=NEVER,
        last_started_at=PAST,
        last_finished_at=PAST,
        last_fresh_at=PAST,
        last_complete_at=PAST,
        fence=5,
    )
    StreamState.objects.bulk_create(
        StreamState(
            account=account,
            stream=stream,
            state=StreamState.State.INCOMPLETE,
            reason="the bystander's reason",
            since=PAST,
            next_due_at=NEVER,
            last_tried_at=PAST,
            last_read_at=PAST,
            item_count=3,
        )
        for stream in Stream
    )


def _add_mirror(account: Account) -> tables.Flow:
    seen = {"first_seen_at": PAST, "seen_at": PAST}
    read = {"executions_read_at": PAST, "history_read_at": PAST, "execution_count": 1, "failure_count": 1}
    flow = factories.make_flow(account, flow_name="Bystander's flow", **seen, **read)
    execution = factories.make_execution(
        flow, "failed", started_time=PAST, first_seen_at=PAST, changed_at=PAST, trigger_data={"kept": "yes"}
    )
    tables.ExecutionEvent.objects.create(
        execution=execution, kind="ended", from_status="running", to_status="failed", seen_at=PAST
    )
    connection = tables.Connection.objects.create(
        account=account,
        connection_id="bystander-connection",
        connection_name="Bystander's books",
        status="active",
        status_since=PAST,
        **seen,
    )
    factories.make_connection_change(connection, before="expired", at=PAST)
    hour = PAST.replace(minute=0)
    tables.HourBucket.objects.create(flow=flow, hour=hour, failed=1, errors={"data": 1})
    tables.AccountHour.objects.create(account_id=flow.account_id, hour=hour, buckets=1, failed=1)
    # Its day counts otherwise than its hours, so that no pruning of hours takes them.
    tables.DayBucket.objects.create(flow=flow, day=PAST.date(), failed=2, errors={"data": 2})
    tables.AccountDay.objects.create(account_id=flow.account_id, day=PAST.date(), buckets=1, failed=2)
    tables.ChainMark.objects.create(execution=execution, kind=tables.ChainMark.Kind.RETRY)
    tables.CountedFlow.objects.create(flow=flow, changed_at=PAST)
    tables.PrunedHour.objects.create(flow=flow, hour=hour)
    tables.Retention.objects.create(account=account, payload_at=PAST, payload_key=execution.pk, looked_at=PAST)
    tables.Quarantine.objects.create(
        account=account,
        stream="flows",
        fingerprint="b" * 64,
        reason="bystander's",
        raw_text="{}",
        first_seen_at=PAST,
        seen_at=NEVER,  # no pruning empties it
    )
    rule = factories.make_rule(account, name="Bystander's CRM rule", trigger_count=3, usage_read_at=PAST, **seen)
    workflow = factories.make_connected(account, name="Bystander's journey", **seen)
    tables.UsageSnapshot.objects.create(rule=rule, day=PAST.date(), trigger_count=3, taken_at=PAST)
    tables.AutomationFact.objects.create(account=account, part="limits", facts={"total_rules_limit": 7}, read_at=PAST)
    tables.AcceptedFinding.objects.create(
        account=account, key="b" * 32, kind="inactive", state="b" * 32, about="Bystander's", reason="kept", at=PAST
    )
    for thing in (flow, rule, workflow):
        factories.make_version(thing, first_seen_at=PAST)
    factories.make_webhook_failure(account, rule=rule, failure_time=PAST, first_seen_at=PAST)
    for thing in ({"flow": flow}, {"rule": rule}):
        factories.own_thing(**thing, tags=[TAG])
    return flow


def _add_problem(account: Account, flow: tables.Flow, person: tables.User) -> None:
    """Adds a problem in the archive that no time brings back, with a failure that was given up."""
    seen = {"first_seen_at": PAST, "last_seen_at": PAST}
    put_away = {"state": "archived", "state_since": PAST, "archived_until": NEVER}
    problem = tables.Problem.objects.create(
        account=account, title="The bystander's ledger is full", remedy="value", owner=person, **seen, **put_away
    )
    group = tables.FailureGroup.objects.create(
        account=account,
        fingerprint="b" * 64,
        version=1,
        problem=problem,
        template=problem.title,
        remedy="value",
        first_seen_at=PAST,
    )
    failure = tables.Failure.objects.create(
        execution=flow.executions.get(),
        account=account,
        flow=flow,
        group=group,
        failed_at=PAST,
        record="b" * 64,
        fate="written_off",
        fate_at=PAST,
    )
    crm = tables.Problem.objects.create(
        account=account, title="The bystander's webhook", remedy="value", owner=person, source="crm", **seen, **put_away
    )
    of_crm = tables.FailureGroup.objects.create(
        account=account,
        fingerprint="c" * 64,
        version=1,
        problem=crm,
        template=crm.title,
        remedy="value",
        first_seen_at=PAST,
    )
    tables.CrmFailure.objects.create(
        account=account,
        group=of_crm,
        kind="webhook",
        rule=account.webhook_failures.get().rule,
        webhook_failure=account.webhook_failures.get(),
        failed_at=PAST,
        fate="written_off",
        fate_at=PAST,
    )
    tables.WriteOff.objects.create(failure=failure, by=person, at=PAST, reason="the bystander's reason")
    known = {"found": "id", "applied": "id", "applied_mark": mark()}
    tables.RecordField.objects.create(flow=flow, found_at=NEVER, look_from=None, **known)
    tables.RetryPin.objects.create(flow=flow, retry_class="unsafe", reason="the bystander's reason", by=person, at=PAST)
    tables.ProblemAct.objects.create(problem=problem, at=PAST, actor=person, kind="note", text="the bystander's note")


def _add_alert(account: Account, flow: tables.Flow, person: tables.User) -> AlertState:
    """Adds an open alert without data, so that judging everybody changes nothing of it, and a mail that waits."""
    rule = factories.make_alert_rule(account, name="Bystander's rule", is_default=True)
    alert = AlertState.objects.create(
        rule=rule,
        flow=flow,
        state=AlertState.State.NO_DATA,
        since=PAST,
        evaluated_at=PAST,
        episode=2,
        is_open=True,
        rate=10.0,
        runs=30,
        reason="the mirror stands still since 2025-03-09 08:30 UTC",
        version=3,
    )
    tables.AlertCursor.objects.create(account=account, evaluated_at=PAST, counted_at=PAST)
    tables.Transition.objects.create(
        alert=alert,
        kind="firing",
        episode=2,
        from_state="ok",
        to_state="firing",
        at=PAST,
        rate=10.0,
        runs=30,
        failed=27,
        dispatch_state="dispatched",
        dispatched_at=PAST,
    )
    notice = _add_incident(account, alert, person)
    delivery = tables.Delivery.objects.create(
        notice=notice,
        recipient=person,
        address=person.email,
        message_id="<bystander@monitor.example.com>",
        subject="Bystander's alert",
        text="text",
        html="<p>text</p>",
        created_at=PAST,
        next_try_at=NEVER,
    )
    _add_channel(account, person, notice, delivery)
    return alert


def _add_channel(account: Account, person: tables.User, notice: tables.Notice, delivery: tables.Delivery) -> None:
    """Adds a channel of the account with a message that waits, and an attempt at each of message and mail."""
    channel = tables.Channel.objects.create(
        name="Bystander's channel",
        service="webhook",
        address='{"url": "https://hooks.bystander.example/x"}',
        hint="hooks.bystander.example",
        account=account,
        added_by=person,
        added_at=PAST,
    )
    tables.ChannelStanding.objects.create(channel=channel, state="accepts", since=PAST, accepted_at=PAST)
    message = tables.ChannelMessage.objects.create(
        notice=notice,
        channel=channel,
        message_id="msg_bystander",
        title="Bystander's alert",
        text="text",
        created_at=PAST,
        next_try_at=NEVER,
    )
    attempt = {"number": 1, "at": PAST, "ms": 5, "outcome": "later", "answer": "the bystander's answer"}
    tables.SendAttempt.objects.create(message=message, **attempt)
    tables.SendAttempt.objects.create(delivery=delivery, **attempt)


def _add_incident(account: Account, alert: AlertState, person: tables.User) -> tables.Notice:
    """Adds the alert's open incident, acknowledged, snoozed and silenced, so that nothing of it is due."""
    known = {"owner": person, "acknowledged_by": person, "acknowledged_at": PAST}
    tables.Snooze.objects.create(account=account, alert=alert, flow=alert.flow, until=NEVER, by=person, at=PAST)
    tables.Silence.objects.create(account=account, starts_at=PAST, ends_at=NEVER, by=person, at=PAST, why="theirs")
    tables.RuleBudget.objects.create(rule=alert.rule, counted_on=PAST.date(), flows=1, runs_a_month=30)
    factories.make_correction(account, now=PAST, flow=alert.flow, by=person)
    return factories.make_incident(alert, began_at=PAST, opened_at=PAST, **known).notices.get()


def _add_routes(account: Account, alert: AlertState) -> None:
    """Adds a route that is off, and a running escalation whose step was taken."""
    tables.Route.objects.create(account=account, name="Bystander's route", position=900, policy=None, is_active=False)
    incident = tables.Incident.objects.get(members__alert=alert)
    running = tables.Escalation.objects.create(incident=incident, policy=None, policy_name="theirs", began_at=PAST)
    taken = {"kind": "escalate", "at": PAST, "due_at": PAST, "dispatch_state": "dispatched", "dispatched_at": PAST}
    notice = factories.make_notice(incident, seq=90, recipients=1, **taken)
    tables.RunningStep.objects.create(escalation=running, notice=notice, position=1, after_minutes=5)


def _add_retry(account: Account, flow: tables.Flow, person: tables.User) -> None:
    RetryAttempt.objects.create(
        account=account,
        execution=flow.executions.get(),
        requested_by=person,
        requested_at=PAST,
        reason="the bystander's reason",
        client_token="bystander-token",
        state=RetryAttempt.State.REQUESTED,
        not_before=NEVER,
        next_check_at=NEVER,
    )


def _add_edit(account: Account, person: tables.User) -> None:
    tables.Edit.objects.create(
        account=account,
        subject="rule",
        subject_id="bystander-rule",
        subject_key="rule:bystander-rule",
        name="the bystander's rule",
        act="deactivate",
        requested_by=person,
        requested_at=PAST,
        reason="the bystander's reason",
        client_token="bystander-edit",
        not_before=NEVER,
        next_check_at=NEVER,
    )


def _add_batch(account: Account, flow: tables.Flow, person: tables.User) -> None:
    batch = tables.RetryBatch.objects.create(
        account=account,
        requested_by=person,
        requested_at=PAST,
        reason="the bystander's reason",
        client_token="bystander-batch",
        seen_at=PAST,
        per_minute=30,
        state="suspended",
        state_since=PAST,
    )
    tables.RetryItem.objects.create(batch=batch, execution=flow.executions.get(), position=1)
    tables.RetryPolicy.objects.create(
        account=account, name="the bystander's policy", flow=flow, set_by=person, set_at=PAST, on_since=PAST
    )
    tables.Occasion.objects.create(
        kind="batch_ended",
        at=PAST,
        recipient=person,
        batch=batch,
        state="stopped",
        dispatch_state="dispatched",
        dispatched_at=PAST,
    )


def _add_digest(account: Account, person: tables.User) -> None:
    tables.User.objects.filter(pk=person.pk).update(unwanted_mails=["digest_daily", "digest_weekly", "alive"])
    tables.SavedView.objects.create(person=person, name="Mine alone", query="status=failed", is_default=True)
    tables.Digest.objects.create(
        person=person,
        kind="digest_weekly",
        period=PAST.date(),
        due_at=PAST,
        since=PAST,
        until=PAST,
        accounts=[account.pk],
        is_empty=True,
    )


def _add_hooks(account: Account, flow: tables.Flow) -> None:
    hook = tables.HookEndpoint(account=account, flow=flow, name="Bystander's hook", key_hash="b" * 64, created_at=PAST)
    hook.secret_list = [Secret("bystander-secret", PAST)]
    hook.save()
    channel = tables.WatchChannel.objects.create(
        account=account,
        module="Leads",
        channel_id="9990001112223",
        token="bystander-channel",
        notify_url="https://monitor.example.com/hooks/crm/9990001112223",
        granted_at=PAST,
        expires_at=NEVER,
    )
    tables.HookTraffic.objects.create(endpoint=hook, minute=PAST, in_minute=1, accepted=1, last_received_at=PAST)
    tables.HookTraffic.objects.create(channel=channel, minute=PAST, in_minute=1, accepted=1, last_received_at=PAST)
    tables.PushEvent.objects.create(
        account=account, endpoint=hook, digest="d" * 64, received_at=NEVER, state="done", done_at=NEVER
    )
    tables.WatchChoice.objects.create(account=account, module="Leads", is_wanted=True, at=PAST)
    tables.PushTurn.objects.create(account=account, target="flows", taken_at=NEVER)


def _add_trail(account: Account, person: tables.User, alert: AlertState) -> None:
    tables.KnownNetwork.objects.create(person=person, network="192.0.2.99", at=NEVER)
    tables.StageRun.objects.create(stage="ingest", account=account, started_at=PAST, finished_at=PAST, outcome="ok")
    tables.AuditEntry.objects.create(
        at=PAST,
        actor=person,
        actor_name=person.username,
        action="alert.seen",
        account=account,
        object_type="alert",
        object_id=str(alert.pk),
    )
