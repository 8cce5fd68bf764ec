"""Makes a second account with a row in every table that a write may touch, and shows that a test left it alone.

A write that has lost its scope (`.filter(pk=…)` has become `.all()`) does what its test expects, and the same to
everybody else. So the shared fixtures come with a bystander: what is its own must be the same after the test, to the
last column, and nothing new may hang on it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import models

from monitor.models import (
    AlertState,
    ApiBudget,
    ApiToken,
    Connection,
    DayBucket,
    Delivery,
    Execution,
    ExecutionEvent,
    Flow,
    HookEndpoint,
    HourBucket,
    PushEvent,
    Retention,
    RetryAttempt,
    Role,
    Secret,
    Stream,
    StreamState,
    SyncState,
    Transition,
    User,
    WatchChannel,
    ZohoAccount,
)
from tests import factories

PAST = datetime(2025, 3, 9, 8, 30, tzinfo=UTC)  # long before every test's present
NEVER = datetime(2099, 1, 1, tzinfo=UTC)  # when what is left of it falls due: no job of any test has to do with it

Row = tuple[str, Any]


@dataclass
class Bystander:
    """Somebody else's account, flow, failed run, open alert, waiting mail and open retry."""

    account: ZohoAccount
    person: User
    flow: Flow
    execution: Execution
    alert: AlertState
    retry: RetryAttempt
    delivery: Delivery
    _before: dict[Row, dict[str, Any]] = field(default_factory=dict, repr=False)

    def remember(self) -> None:
        """Takes what is there now as its own, for instance after a test has added to it on purpose."""
        self._before = {(model._meta.label, row["id"]): row for model in _tables() for row in _rows(model, self)}

    def differences(self) -> list[str]:
        """What is not as it was: columns that changed, rows that went, rows that came; a line each."""
        now = {(model._meta.label, row["id"]): row for model in _tables() for row in _rows(model, self)}
        found = []
        for key, before in self._before.items():
            row = now.get(key)
            if row is None:
                found.append(f"{key[0]} {key[1]} is gone")
                continue
            found += [
                f"{key[0]} {key[1]}.{name}: {before[name]!r} became {row[name]!r}"
                for name in before
                if row[name] != before[name]
            ]
        return found + [f"{label} {key} is new: {now[label, key]}" for label, key in now.keys() - self._before.keys()]


def _tables() -> list[type[models.Model]]:
    return list(apps.get_app_config("monitor").get_models())


def _rows(model: type[models.Model], bystander: Bystander) -> list[dict[str, Any]]:
    """The rows of one table that are the bystander's, by the nearest way to its account or person."""
    rows = model._default_manager.all()
    if model is ZohoAccount:
        rows = rows.filter(pk=bystander.account.pk)
    elif model is User:
        rows = rows.filter(pk=bystander.person.pk)
    else:
        way = _way(model)
        if way is None:
            return []
        rows = rows.filter(**{way: bystander.person.pk if way.endswith(("user", "actor")) else bystander.account.pk})
    return list(rows.values())


def _way(model: type[models.Model], depth: int = 3) -> str | None:
    """The path of foreign keys from a table to the account: "alert__flow__account"."""
    links = [one for one in model._meta.get_fields() if isinstance(one, models.ForeignKey)]
    for link in links:
        if link.related_model is ZohoAccount:
            return link.name
    if depth:
        for link in links:
            if link.related_model is not model and isinstance(link.related_model, type):
                way = _way(link.related_model, depth - 1)
                if way is not None:
                    return f"{link.name}__{way}"
    return None


def make_bystander() -> Bystander:
    """Makes the bystander: everything of it is in a state that a lost scope would change, and nothing is due."""
    account = factories.make_account("Bystander Ltd", plan="standard", watches_records=True)
    ApiToken.objects.filter(account=account).update(
        access_token="bystander-access", expires_at=NEVER, generation=7, refresh_token="bystander-refresh"
    )
    ApiBudget.objects.filter(account=account).update(seen_at=PAST, remaining_seen=4_321, day_limit_seen=10_000)
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
    person = factories.make_user("bystander", Role.VIEWER, wants_mail=False, timezone="Asia/Kolkata")
    flow = factories.make_flow(account, flow_name="Bystander's flow", first_seen_at=PAST, seen_at=PAST)
    execution = factories.make_execution(
        flow, "failed", started_time=PAST, first_seen_at=PAST, changed_at=PAST, trigger_data={"kept": "yes"}
    )
    ExecutionEvent.objects.create(
        execution=execution, kind=ExecutionEvent.Kind.ENDED, from_status="running", to_status="failed", seen_at=PAST
    )
    Connection.objects.create(
        account=account,
        connection_id="bystander-connection",
        connection_name="Bystander's books",
        status="active",
        status_since=PAST,
        first_seen_at=PAST,
        seen_at=PAST,
    )
    hour = PAST.replace(minute=0)
    HourBucket.objects.create(flow=flow, hour=hour, failed=1, errors={"data": 1})
    DayBucket.objects.create(flow=flow, day=PAST.date(), failed=1, errors={"data": 1})
    Retention.objects.create(account=account, payload_at=PAST, payload_key=1, looked_at=PAST)
    rule = factories.make_alert_rule(account, name="Bystander's rule", is_default=True)
    alert = AlertState.objects.create(
        rule=rule,
        flow=flow,
        state=AlertState.State.FIRING,
        since=PAST,
        evaluated_at=PAST,
        episode=2,
        is_open=True,
        rate=10.0,
        runs=30,
        reason="the bystander's reason",
    )
    transition = Transition.objects.create(
        alert=alert,
        kind=Transition.Kind.FIRING,
        episode=2,
        from_state="ok",
        to_state="firing",
        at=PAST,
        rate=10.0,
        runs=30,
        failed=27,
        dispatch_state=Transition.Dispatch.DISPATCHED,
        dispatched_at=PAST,
        recipients=1,
    )
    delivery = Delivery.objects.create(
        transition=transition,
        recipient=person,
        address=person.email,
        message_id="<bystander@monitor.example.com>",
        subject="Bystander's alert",
        text="text",
        html="<p>text</p>",
        created_at=PAST,
        next_try_at=NEVER,
    )
    retry = RetryAttempt.objects.create(
        account=account,
        execution=execution,
        requested_by=person,
        requested_at=PAST,
        reason="the bystander's reason",
        client_token="bystander-token",
        state=RetryAttempt.State.REQUESTED,
        not_before=NEVER,
        next_check_at=NEVER,
    )
    hook = HookEndpoint(account=account, flow=flow, name="Bystander's hook", key_hash="b" * 64, created_at=PAST)
    hook.secret_list = [Secret("bystander-secret", PAST)]
    hook.save()
    PushEvent.objects.create(
        account=account, endpoint=hook, digest="d" * 64, received_at=PAST, state=PushEvent.State.DONE, done_at=PAST
    )
    WatchChannel.objects.create(
        account=account,
        module="Leads",
        channel_id="9990001112223",
        token="bystander-channel",
        notify_url="https://monitor.example.com/hooks/crm/9990001112223",
        granted_at=PAST,
        expires_at=NEVER,
    )
    found = Bystander(account, person, flow, execution, alert, retry, delivery)
    found.remember()
    return found
