from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitor.management.data_command import accounts_named
from monitor.models import ApiBudget, ApiCall, Execution, Flow, Incident, ZohoAccount
from standin.build import App
from tests.bystander import own
from tests.commands.commandline import a_zoho, connect_arguments, know_the_secrets, run
from tests.factories import change_flow, make_account, make_execution, make_flow


@pytest.fixture
def zoho(all_are_judged: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    know_the_secrets(monkeypatch)
    with a_zoho() as (app, base):
        run(*connect_arguments(base, plan="standard"))
        run("sync", "Acme")
        yield app


def report(*arguments: str) -> dict[str, Any]:
    ended = run("status", "--json", *arguments)
    assert ended.error == ""
    found: dict[str, Any] = json.loads(ended.out)
    return found


def test_json_tells_age_completeness_budget_queue_and_alerts(zoho: App) -> None:
    found = report("Acme")

    (account,) = found["accounts"]
    assert account["name"] == "Acme"
    assert account["state"] == "ok"
    assert account["complete"] is True
    assert 0 <= account["data_age_seconds"] < 120
    assert account["open_alerts"] == own(Incident).filter(closed_at=None).count() == found["open_alerts"]
    flow, crm = account["api_budget"]["flow"], account["api_budget"]["crm"]
    assert flow["per_day"]["used"] + crm["per_day"]["used"] == own(ApiCall).count()
    assert flow["per_minute"]["limit"] == 30
    assert (flow["per_day"]["limit"], flow["per_day"]["kept_for_people"]) == (10_000, 1_000)
    assert flow["limits_from"] == "plan Standard"
    assert crm["limits_from"].startswith("edition ")
    assert isinstance(found["queue"]["length"], int)


def test_per_flow_and_status_the_counter_is_baseline_mirrored_and_pruned(zoho: App) -> None:
    (account,) = report("Acme")["accounts"]

    flows = account["completeness"]["flows"]
    assert len(flows) == 3
    for flow in flows:
        assert flow["complete"] is True
        for name in ("total", "success", "failed"):
            part = flow[name]
            assert (
                part["counter"]
                == part["baseline"] + part["mirrored"] + part["pruned"] + part["missing"] - part["newer"]
            )
    mirrored = sum(flow["total"]["mirrored"] for flow in flows)
    assert mirrored == own(Execution).count()
    assert account["completeness"]["total"]["mirrored"] == mirrored


def test_a_hole_is_shown_with_its_reason(zoho: App) -> None:
    flow = own(Flow).first()
    assert flow is not None
    change_flow(
        flow, hole_reason="Zoho counts 2 more runs than it lists", execution_count=(flow.execution_count or 0) + 2
    )

    (account,) = report("Acme")["accounts"]

    assert account["complete"] is False
    shown = next(f for f in account["completeness"]["flows"] if f["flow_id"] == flow.flow_id)
    assert shown["reason"] == "Zoho counts 2 more runs than it lists"
    assert shown["total"]["missing"] == 2
    text = run("status", "Acme").out
    assert "NOT complete" in text
    assert "2 more runs than it lists" in text


def test_the_words_for_people_say_the_same(zoho: App) -> None:
    out = run("status", "Acme").out

    assert out.startswith("Acme: ok")
    assert "mirror:   complete" in out
    assert "of 30 calls a minute" in out


@pytest.mark.django_db
def test_an_account_never_read_has_no_age_and_is_not_complete() -> None:
    make_account("New")

    (account,) = report("New")["accounts"]
    assert account["data_age_seconds"] is None
    assert account["complete"] is False
    assert "never read completely" in run("status").out


@pytest.mark.django_db
def test_only_the_account_that_was_named_is_shown() -> None:
    make_account("One")
    make_account("Two")

    assert [account["name"] for account in report("Two")["accounts"]] == ["Two"]
    assert run("status", "Three").error == "there is no account named 'Three'"


def test_no_account_is_no_error(nobody_else: None) -> None:
    assert report()["accounts"] == []
    assert "No account is connected" in run("status").out


def test_many_flows_cost_no_statement_each(nobody_else: None) -> None:
    account, statements = make_account(), []
    for flows in (2, 60):
        for _ in range(flows):
            make_execution(make_flow(account))
        with CaptureQueriesContext(connection) as asked:
            report()
        statements.append(len(asked))
    assert statements[0] == statements[1] <= 37


def test_the_organisation_stands_beside_the_account(zoho: App) -> None:
    (account,) = report("Acme")["accounts"]
    found = account["organisation"]
    assert (found["id"], found["name"], found["kind"]) == (zoho.world.prefix + "0001", "Zephyr Works", "production")
    assert found["answers_for"] is None
    assert f"Zephyr Works ({zoho.world.prefix}0001)" in run("status").out


def test_a_grant_that_answers_for_another_organisation_is_told(zoho: App) -> None:
    zoho.world.habits = zoho.world.habits.changed(portal=2, organisation_kind="sandbox")
    ApiBudget.objects.update(edition_read_at=None)
    run("sync", "Acme")

    (account,) = report("Acme")["accounts"]
    assert account["state"] == "foreign"
    assert account["organisation"]["answers_for"]["name"] == "Zephyr Works 2"
    assert "a sandbox organisation" in run("status").out


def test_what_names_no_account_is_of_all_that_are_mirrored(nobody_else: None) -> None:
    on, off = make_account("On"), make_account("Off")
    ZohoAccount.objects.filter(pk=off.pk).update(is_active=False)
    assert accounts_named(None) == [on]
    assert accounts_named("Off") == [off]


def test_runs_that_cannot_be_read_are_told_and_all_numbers_add_up(
    all_are_judged: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_the_secrets(monkeypatch)
    with a_zoho() as (app, base):
        args = {"what": "month_13", "share": 1.0}
        app.faults.push({"path": "/executions([?]|$)", "kind": "spoil_rows", "times": 0, "args": args})
        run(*connect_arguments(base, plan="standard"))
        ended = run("sync", "Acme")
        (account,) = report("Acme")["accounts"]
        told = run("status", "Acme").out

    assert ended.code == 1
    assert "in quarantine" in ended.err
    runs = account["runs"]
    assert (runs["counted"], runs["holes"]) == (0, 0)
    assert runs["quarantined"] == account["quarantine"]["executions"] > 0
    assert runs["zoho_counts"] == runs["before_our_time"] + runs["quarantined"]
    assert (account["state"], account["complete"]) == ("incomplete", False)
    assert f"{runs['quarantined']} in quarantine + 0 missing" in told
    assert "NOT complete" in told
    assert f"in quarantine, for they cannot be read: {runs['quarantined']} executions" in told
