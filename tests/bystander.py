"""Keeps a second account in the test database and shows that a test left it alone.

A write that has lost its scope (`.filter(pk=…)` has become `.all()`) does what its test expects, and the same to
everybody else. So every test with a database has a bystander beside its own account: an account, flow, person, open
alert, token and a row in nearly every other table. It is put into the empty database once, and what is its own must
be the same after each test, to the last column; nothing new may hang on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from django.apps import apps
from django.db import connection, models

from monitor import models as tables
from monitor.models import AlertState, Execution, Product, RetryAttempt, Role, Secret, Stream, StreamState, SyncState
from monitor.models import ZohoAccount as Account
from monitor.triage.keyed import mark
from tests import factories

NAME = "Bystander Ltd"
TAG = "theirs"  # belongs to nobody, as every tag; its uses are the bystander's
PAST = datetime(2025, 3, 9, 8, 30, tzinfo=UTC)  # before every test's present
NEVER = datetime(2099, 1, 1, tzinfo=UTC)  # when what waits falls due: no job of a test has anything to do for it

_FIND = """
    SELECT account.id, person.id FROM monitor_zohoaccount account, monitor_user person
    WHERE account.name = %s AND person.username = 'bystander'
"""

# The bystander has no row there, each for its reason.
WITHOUT_A_ROW = {
    "DirtyHour": "one would rightly be counted by whatever counts next",
    "CountedHour": "one would rightly be taken by whatever looks at failures next",
}

M = TypeVar("M", bound=models.Model)
Row = dict[str, Any]
_ACCOUNT, _PERSON = -101, -102  # stand for the two keys in the prepared statements


@dataclass
class Bystander:
    """Somebody else: the keys of an account and a person, and all their rows as they were."""

    account_id: int
    person_id: int
    before: dict[tuple[str, Any], Row] = field(default_factory=dict, repr=False)
    expected: set[tuple[str, str]] = field(default_factory=set)
    is_there: bool = True

    @classmethod
    def find(cls) -> Bystander | None:
        """Finds the one that stands in the database; None where a test flushed it away."""
        with connection.cursor() as cursor:
            cursor.execute(_FIND, [NAME])
            keys = cursor.fetchone()
        return cls(*keys) if keys else None

    @property
    def account(self) -> Account:
        return Account.objects.get(pk=self.account_id)

    @property
    def person(self) -> tables.User:
        return tables.User.objects.get(pk=self.person_id)

    @property
    def flow(self) -> tables.Flow:
        return tables.Flow.objects.get(account=self.account_id)

    @property
    def execution(self) -> Execution:
        return Execution.objects.get(account=self.account_id)

    @property
    def alert(self) -> AlertState:
        return AlertState.objects.get(flow__account=self.account_id)

    def remember(self) -> None:
        """Takes what is there now as its own, for instance after an asserted change."""
        self.before = self._rows()

    def expect(self, *changes: str) -> None:
        """Lets a job that concerns everybody do its work.

        Args:
            changes: "AlertState.evaluated_at" for a column that may change, "StageRun" for rows that may come or go.
        """
        for change in changes:
            label, _, column = change.partition(".")
            self.expected.add((label, column))

    def go(self) -> None:
        """Deletes all rows of it, for a test of a database where nobody else is.

        Past the ORM, which would take longer than most tests, and refuses to delete audit entries. No row of a test
        hangs on these.
        """
        statements = [*self._deletions(), f"DELETE FROM monitor_tag WHERE name = '{TAG}'"]  # noqa: S608 - our own name
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":  # one way to the server and back
                statements = ["; ".join(statements)]
            for statement in statements:
                cursor.execute(statement)
        self.is_there = False

    def _deletions(self) -> list[str]:
        keys: dict[str, list[int]] = {}
        for label, key in self.before:
            keys.setdefault(label, []).append(int(key))
        return [
            f"DELETE FROM {model._meta.db_table} WHERE {model._meta.pk.column} IN "  # noqa: S608 - our own names and numbers
            f"({', '.join(map(str, keys[model.__name__]))})"
            for model in reversed(_owned())
            if model.__name__ in keys
        ]

    def differences(self) -> list[str]:
        """Says what is not as it was, a line each: columns that changed, rows that went, rows that came."""
        if not self.is_there:
            return []
        now = self._rows()
        if now == self.before:
            return []
        return sorted(self._compare(now))

    def _compare(self, now: dict[tuple[str, Any], Row]) -> Iterator[str]:
        for (label, key), before in self.before.items():
            row = now.get((label, key))
            if row is None and (label, "") in self.expected:
                continue
            if row is None:
                yield f"{label} {key} is gone"
                continue
            for name, value in before.items():
                if row[name] != value and (label, name) not in self.expected:
                    yield f"{label} {key}.{name}: {value!r} became {row[name]!r}"
        for label, key in now.keys() - self.before.keys():
            if (label, "") not in self.expected:
                yield f"{label} {key} is new: {now[label, key]}"

    def _rows(self) -> dict[tuple[str, Any], Row]:
        """Reads every row that hangs on the account or the person, as the database has it."""
        keys = {_ACCOUNT: self.account_id, _PERSON: self.person_id}
        found: dict[tuple[str, Any], Row] = {}
        with connection.cursor() as cursor:
            for label, key, sql, places in _statements():
                cursor.execute(sql, [keys[place] for place in places])
                names = [column[0] for column in cursor.description]
                place = names.index(key)
                for row in cursor.fetchall():
                    found[label, row[place]] = dict(zip(names, row, strict=True))
        return found


_present: list[Bystander] = []


def own(model: type[M]) -> models.QuerySet[M]:
    """Gives the rows of a table that are the test's own: all but those that the bystander brought along."""
    keys = [key for found in _present for label, key in found.before if label == model.__name__]
    return model._default_manager.exclude(pk__in=keys)


def stand_by(found: Bystander) -> None:
    """Makes a bystander the one whose rows are not a test's own."""
    _present[:] = [found]


@cache
def _owned() -> list[type[models.Model]]:
    """Lists the tables whose rows belong to an account or a person, those that others refer to first."""
    found: list[type[models.Model]] = []
    waiting = [model for model in apps.get_app_config("monitor").get_models() if _ways(model)]
    while waiting:
        ready = [m for m in waiting if not any(to in waiting and to is not m for _, to in _links(m))]
        found += ready
        waiting = [model for model in waiting if model not in ready]
    return found


def _links(model: type[models.Model]) -> list[tuple[str, Any]]:
    fields = model._meta.get_fields()
    return [(one.name, one.related_model) for one in fields if isinstance(one, models.ForeignKey)]


def _ways(model: type[models.Model]) -> dict[str, int]:
    """Finds how a table's rows belong to somebody: the nearest paths to an account, and each link to a person."""
    ways = {name: _PERSON for name, to in _links(model) if to is tables.User}
    if model is tables.User:
        ways["pk"] = _PERSON
    return ways | dict.fromkeys(_paths_to_account(model), _ACCOUNT)


def _paths_to_account(model: type[models.Model]) -> list[str]:
    """Finds the shortest paths; where a row hangs on one of several things, those by each of them."""
    if model is Account:
        return ["pk"]
    found: dict[bool, list[str]] = {True: [], False: []}
    for name, to in _links(model):
        is_sure = not model._meta.get_field(name).null
        paths = _paths_to_account(to) if to is not model else []
        found[is_sure] += [name if path == "pk" else f"{name}__{path}" for path in paths]
    shortest = min((path.count("__") for path in found[True]), default=0)
    return [path for path in found[True] if path.count("__") == shortest] or found[False]


_prepared: list[tuple[str, str, str, list[int]]] = []


def _statements() -> list[tuple[str, str, str, list[int]]]:
    """Prepares a SELECT for each table, with the name of its key, once: the ORM would take most of a check's time."""
    if not _prepared:
        for model in _owned():
            mine = models.Q()
            for way, key in _ways(model).items():
                mine |= models.Q(**{way: key})
            sql, places = model._default_manager.filter(mine).order_by().query.sql_with_params()
            _prepared.append((model.__name__, model._meta.pk.column, sql, list(places)))
    return _prepared


def make_bystander() -> Bystander:
    """Makes the bystander: all of it is in a state that a lost scope would change, and nothing of it is due."""
    account = factories.make_account(NAME, plan="standard", watches_records=True)
    person = factories.make_user("bystander", Role.VIEWER, wants_mail=False, timezone="Asia/Kolkata")
    _set_connection(account)
    _set_mirror_state(account)
    flow = _add_mirror(account)
    alert = _add_alert(account, flow, person)
    _add_retry(account, flow, person)
    _add_problem(account, flow, person)
    _add_batch(account, flow, person)
    _add_hooks(account, flow)
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
    tables.Connection.objects.create(
        account=account,
        connection_id="bystander-connection",
        connection_name="Bystander's books",
        status="active",
        status_since=PAST,
        **seen,
    )
    hour = PAST.replace(minute=0)
    tables.HourBucket.objects.create(flow=flow, hour=hour, failed=1, errors={"data": 1})
    # Its day counts otherwise than its hours, so that no pruning of hours takes them.
    tables.DayBucket.objects.create(flow=flow, day=PAST.date(), failed=2, errors={"data": 2})
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
        recipients=1,
    )
    tables.Delivery.objects.create(
        notice=_add_incident(account, alert, person),
        recipient=person,
        address=person.email,
        message_id="<bystander@monitor.example.com>",
        subject="Bystander's alert",
        text="text",
        html="<p>text</p>",
        created_at=PAST,
        next_try_at=NEVER,
    )
    return alert


def _add_incident(account: Account, alert: AlertState, person: tables.User) -> tables.Notice:
    """Adds the alert's open incident, acknowledged, snoozed and silenced, so that nothing of it is due."""
    known = {"owner": person, "acknowledged_by": person, "acknowledged_at": PAST}
    tables.Snooze.objects.create(account=account, alert=alert, flow=alert.flow, until=NEVER, by=person, at=PAST)
    tables.Silence.objects.create(account=account, starts_at=PAST, ends_at=NEVER, by=person, at=PAST, why="theirs")
    return factories.make_incident(alert, began_at=PAST, opened_at=PAST, **known).notices.get()


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
