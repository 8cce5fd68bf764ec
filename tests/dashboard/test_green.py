"""Nothing is called good without ground: not on a fresh install, not where an account or a stream was never read."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from monitor.models import Flow, Stream, StreamState, SyncState, WorkerBeat, ZohoAccount
from monitor.models.sync import STREAMS
from monitor.notify.facts import facts_of
from monitor.notify.kinds.alert import render
from tests import factories
from tests.bystander import Bystander
from tests.commands.commandline import run
from tests.dashboard.soup import Page, words
from tests.dashboard.test_access_matrix import MATRIX, client_of
from tests.dashboard.world import make_state

# What a page claims when it says that all is well. The words of filters and of how a page works are no claims.
CLAIMS = re.compile(
    r"\b(every flow (is|runs|with)|(is|are) at or above|all (is|are) well|as often as|no flow fails|up to date"
    r"|100(\.0)? %|recovered)\b",
    re.IGNORECASE,
)
# Pages that say nothing of Zoho's, or explain with samples.
OF_PEOPLE = {"styleguide", "people", "person", "person_add", "person_password", "profile", "audit", "mail_html"}
NO_PAGES = {
    "healthz_live",
    "healthz_ready",
    "execution_retry_state",
    "batch_state",
    "edit_state",
    "hook_flow",
    "hook_crm",
}
NO_PAGES |= {"flow_suggest", "executions_news"}  # options of a field, a line beside a button
LISTS = {
    "rules": Stream.RULES, "connected_workflows": Stream.CONNECTED, "webhook_failures": Stream.WEBHOOK_FAILURES,
}  # fmt: skip
OWN = {"flow", "account", "push"}


def addresses(account: ZohoAccount | None, flow: Flow | None) -> list[str]:
    """Every page that a person can open of what there is."""
    found = []
    for name, (arguments, answers) in sorted(MATRIX.items()):
        if name in OF_PEOPLE | NO_PAGES or answers["admin"][0] != "200":
            continue
        if name in OWN:
            row = flow if name == "flow" else account
            found += [reverse(name, args=[row.pk])] if row is not None else []
        elif not arguments.__code__.co_names:  # it needs no row
            found.append(reverse(name))
    return found


def claims(client: Client, address: str) -> list[str]:
    """What a page says that nothing known bears out."""
    answer = client.get(address)
    if answer.status_code == 403:
        return []
    assert answer.status_code == 200, address
    page = Page(answer.content.decode())
    (main,) = page.root.iter("main")
    for script in [*main.iter("script"), *main.iter("form"), *main.iter("svg"), *page.marked("chart", main)]:
        after = script.tail
        script.clear()
        script.tail = after
    good = [words(pill) for pill in page.marked("pill--good", main) if words(pill) != "Enabled"]
    return good + [found.group() for found in CLAIMS.finditer(words(main))]


@pytest.fixture(params=["viewer", "operator", "admin"])
def client(request: pytest.FixtureRequest, bystander: Bystander) -> Client:
    return client_of(request.param)


@pytest.mark.django_db
def test_an_empty_install_claims_nothing_and_names_the_next_step(client: Client, nobody_else: None) -> None:
    for address in addresses(None, None):
        assert claims(client, address) == [], address
    home = words(Page(client.get("/").content.decode()).root)
    assert "No Zoho account is connected yet" in home
    assert "The worker has not run yet" in home


@pytest.mark.django_db
@pytest.mark.one_database
@pytest.mark.parametrize("has_worker", [False, True])
@pytest.mark.parametrize("has_flow", [False, True])
def test_an_account_that_was_never_swept_claims_nothing_on_any_page(
    client: Client, nobody_else: None, *, has_worker: bool, has_flow: bool
) -> None:
    account = factories.make_account("Acme")
    factories.make_alert_rule(account)
    flow = factories.make_flow(account) if has_flow else None
    if has_worker:
        WorkerBeat.objects.create(name="canary", beat_at=timezone.now())
    for address in addresses(account, flow):
        assert claims(client, address) == [], address
    for name in LISTS | {"flows": "", "executions": ""} if not has_flow else LISTS:
        shown = words(Page(client.get(reverse(name)).content.decode()).root)
        assert "Nothing read yet" in shown, name
        assert ("manage.py worker" in shown) is True, name
    home = words(Page(client.get("/").content.decode()).root)
    assert ("The worker has not run yet" in home) is not has_worker
    assert "Failed runs – nothing read yet" in home
    assert "Finished runs – nothing read yet" in home


def read(account: ZohoAccount, *streams: str, **state: Any) -> None:
    now = timezone.now()
    WorkerBeat.objects.get_or_create(name="canary", defaults={"beat_at": now})
    SyncState.objects.filter(account=account).update(state="ok", last_complete_at=now, last_finished_at=now)
    for stream in streams:
        fields = {"state": "ok", "last_read_at": now} | state
        StreamState.objects.update_or_create(account=account, stream=stream, defaults=fields)


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_stream_that_was_never_read_is_not_complete_whatever_else_is(
    name: str, client: Client, nobody_else: None
) -> None:
    address, stream = reverse(name), LISTS[name]
    account = factories.make_account("Acme")
    others = [other for other in STREAMS["crm"] if other != stream]
    read(account, *STREAMS["flow"], *others)
    assert claims(client, address) == []
    assert "Nothing read yet" in words(Page(client.get(address).content.decode()).root)

    read(account, stream, state="not_available", reason="the grant lacks a scope", last_read_at=None)
    assert claims(client, address) == []
    shown = words(Page(client.get(address).content.decode()).root)
    assert "Acme: the grant lacks a scope" in shown

    read(account, stream)
    assert "Complete" in claims(client, address)

    other = factories.make_account("Beta")
    read(other, *STREAMS["flow"])
    assert claims(client, address) == [], "one account of two was never read"
    assert "Complete" in claims(client, f"{address}?account={account.pk}")
    ZohoAccount.objects.filter(pk=other.pk).update(crm_url="")
    assert "Complete" in claims(client, address)


@pytest.mark.django_db
def test_without_crm_its_lists_say_that_no_account_has_it(client: Client, nobody_else: None) -> None:
    read(factories.make_account("Acme", crm_url=""), *STREAMS["flow"])
    for name in LISTS:
        assert claims(client, reverse(name)) == []
        assert "No account that is mirrored here has Zoho CRM" in client.get(reverse(name)).content.decode()


@pytest.mark.django_db
def test_alerts_are_called_good_by_as_many_flows_as_were_checked(client: Client, nobody_else: None) -> None:
    account = factories.make_account("Acme")
    read(account, *STREAMS["flow"], *STREAMS["crm"])
    assert "No flow has been checked with enough runs yet" in client.get("/alerts/").content.decode()
    rule = factories.make_alert_rule(account)
    now = timezone.now()
    good = {"state": "ok", "is_open": False, "rate": 99.0}
    make_state(rule, factories.make_flow(account), now, **good | {"state": "no_data"}, runs=19)
    assert "No flow has been checked with enough runs yet" in client.get("/alerts/").content.decode()
    make_state(rule, factories.make_flow(account), now, **good, runs=20)
    make_state(rule, factories.make_flow(account), now, **good | {"state": "no_data"}, runs=50)
    make_state(rule, factories.make_flow(account, gone_at=now), now, **good, runs=50)
    shown = words(Page(client.get("/alerts/").content.decode()).root)
    assert "1 check of flows with enough runs is fine; 2 more had too few" in shown


@pytest.mark.django_db
def test_status_readiness_and_mails_claim_nothing_that_was_not_read(nobody_else: None) -> None:
    account = factories.make_account("Acme")
    flow = factories.make_flow(account)
    (found,) = json.loads(run("status", "--json").out)["accounts"]
    assert (found["state"], found["complete"], found["as_of"]) == ("never", False, None)
    assert found["standings"]["healthy"] == 0
    told = run("status").out
    assert "NOT complete" in told
    assert "flows:    1 nothing read yet" in told
    assert "NOT ready: the worker has not run yet" in told
    assert client_of("anonymous").get("/healthz/ready").status_code == 503

    now = timezone.now()
    alert = make_state(factories.make_alert_rule(account), flow, now, is_open=False)
    notice = factories.make_incident(alert).notices.get()
    mail = render(facts_of(notice, now), "UTC")
    assert "has not been read completely yet" in mail.text
    assert "complete\n" not in mail.text
    read(account, *STREAMS["flow"], *STREAMS["crm"])
    SyncState.objects.update(state="revoked", reason="Zoho refuses our credentials", since=now - timedelta(hours=1))
    factories.change_flow(flow, executions_read_at=now)
    mail = render(facts_of(notice, now), "UTC")
    assert "incomplete: Zoho refuses our credentials: Zoho refuses" in mail.text
