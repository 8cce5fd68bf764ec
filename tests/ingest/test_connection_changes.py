"""What became of a connection is recorded as the lists showed it; which apps a flow uses, as its definition says."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from monitor.models import Connection, ConnectionChange, Flow, ZohoAccount
from monitor.models.definitions import uses_app
from monitor.zoho.errors import NotAvailable
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Zoho, sync


def changes() -> QuerySet[ConnectionChange]:
    return own(ConnectionChange).filter(connection__connection_id="770").order_by("at", "pk")


def told() -> list[tuple[str, str, str]]:
    return [(one.kind, one.before, one.status) for one in changes()]


def sweep_later(account: ZohoAccount, zoho: Zoho) -> datetime:
    zoho.clock.pause(timedelta(hours=1, minutes=5).total_seconds())
    sync(account, zoho)
    return Connection.objects.get(account=account, connection_id="771").seen_at


def test_what_becomes_of_a_connection_is_recorded_once_and_by_when(account: ZohoAccount, busy: Zoho) -> None:
    first = sweep_later(account, busy)
    still = sweep_later(account, busy)
    busy.connections[0]["status"] = "Expired"
    broken = sweep_later(account, busy)
    sweep_later(account, busy)
    assert told() == [("came", "", "active"), ("status", "active", "expired")]
    assert [(one.seen_before, one.at) for one in changes()] == [(None, first), (still, broken)]
    assert own(ConnectionChange).count() == 6, "of the other four nothing but that they came"
    row = Connection.objects.get(account=account, connection_id="770")
    assert (row.status_since, row.status_after, row.failures_from) == (broken, still, still)


def test_a_connection_that_is_deleted_and_comes_back_is_recorded_as_that(account: ZohoAccount, busy: Zoho) -> None:
    sweep_later(account, busy)
    kept = busy.connections.pop(0)
    gone = sweep_later(account, busy)
    sweep_later(account, busy)
    assert told()[1:] == [("deleted", "active", "")]
    assert changes()[1].at == gone
    busy.connections.append({**kept, "status": "error"})
    sweep_later(account, busy)
    assert told()[2:] == [("back", "active", "error")]
    assert Connection.objects.get(connection_id="770").gone_at is None


def test_a_list_that_loses_much_at_once_deletes_nothing_and_records_nothing(account: ZohoAccount, busy: Zoho) -> None:
    sweep_later(account, busy)
    del busy.connections[:3]
    busy.clock.pause(600)
    sync(account, busy)
    assert told() == [("came", "", "active")]


def apps(flow: FakeFlow) -> list[str]:
    return Flow.objects.get(flow_id=flow.flow_id).apps.split()


def test_a_flow_keeps_the_apps_of_its_trigger_and_of_all_its_actions(account: ZohoAccount, zoho: Zoho) -> None:
    flow = FakeFlow(over={"modified_time": "2026-11-20T10:00:00Z", "trigger_app": "Zoho CRM"})
    zoho.flows.append(flow)
    slack = {"action_id": "2", "app": "Slack"}
    branch = {"action_id": "1", "app": "custom", "config": {"if_true": [slack], "if_false": []}}
    zoho.details[flow.flow_id] = {"actions": [branch, {"action_id": "3", "app": "zoho_crm"}]}
    sync(account, zoho)
    assert apps(flow) == ["custom", "slack", "zohocrm"]
    for spelled in ("zoho_crm", "ZOHO  CRM", "slack"):
        assert own(Flow).filter(uses_app(spelled)).count() == 1
    for other in ("crm", "zoho", "", "%", "sla_k", "_"):
        assert not Flow.objects.filter(uses_app(other)).exists(), other

    flow.over |= {"trigger_app": "Zoho Books", "modified_time": "2026-11-22T09:00:00Z"}
    zoho.details[flow.flow_id] = {"actions": [slack]}
    zoho.clock.pause(3700)
    sync(account, zoho)
    assert apps(flow) == ["slack", "zohobooks"]


def test_a_new_trigger_counts_before_the_definition_could_be_read(account: ZohoAccount, zoho: Zoho) -> None:
    flow = FakeFlow(over={"trigger_app": "Zoho CRM"})
    zoho.flows.append(flow)

    def refuse(number: int, what: str) -> None:
        if what == f"flow {flow.flow_id}":
            raise NotAvailable("not now", status=500)

    zoho.before_call = refuse
    sync(account, zoho)
    assert apps(flow) == ["zohocrm"]
    flow.over["trigger_app"] = "Zoho Desk"
    zoho.clock.pause(3700)
    sync(account, zoho)
    assert apps(flow) == ["zohocrm", "zohodesk"], "what is still used its definition says"
