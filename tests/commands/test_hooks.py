"""`manage.py hooks`."""

from __future__ import annotations

import pytest
from django.test import Client

from monitor.hooks.signature import sign
from monitor.models import MOST_RATE, AuditEntry, HookEndpoint, ZohoAccount
from tests import factories
from tests.bystander import own
from tests.commands.commandline import Ended, run


@pytest.fixture
def acme(db: None) -> ZohoAccount:
    return factories.make_account("Acme")


def shown(ended: Ended) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in ended.out.splitlines())


def post(address: str, secret: str, body: bytes = b"{}") -> int:
    path = "/hooks/flow/" + address.rpartition("/")[2]
    headers = {"X-Zoho-Signature": sign(secret, body)}
    return Client().post(path, body, content_type="application/json", headers=headers).status_code


def test_what_create_prints_is_what_a_sender_needs(acme: ZohoAccount, settings):
    made = shown(run("hooks", "create", "Acme", "Errors"))
    assert made["address"].startswith(f"{settings.PUBLIC_URL}/hooks/flow/")
    assert post(made["address"], made["secret"]) == 202
    listed = run("hooks", "list").out
    assert "Acme: Errors (on, any flow)" in listed
    assert "accepted 1, sent again 0, refused 0" in listed
    assert made["secret"] not in listed
    assert made["address"].rpartition("/")[2] not in listed


def test_a_rotation_by_commands(acme: ZohoAccount):
    made = shown(run("hooks", "create", "Acme", "Errors"))
    new = shown(run("hooks", "rotate", "Acme", "Errors"))
    assert "address" not in new
    assert post(made["address"], made["secret"], b"[1]") == post(made["address"], new["secret"], b"[2]") == 202
    assert run("hooks", "retire", "Acme", "Errors").out == "1 old secret(s) removed\n"
    assert post(made["address"], made["secret"], b"[3]") == 401
    assert post(made["address"], new["secret"], b"[3]") == 202


def test_a_deleted_address_is_unknown(acme: ZohoAccount):
    made = shown(run("hooks", "create", "Acme", "Errors"))
    run("hooks", "delete", "Acme", "Errors")
    assert post(made["address"], made["secret"]) == 404


def test_a_secret_of_one_s_own_comes_from_the_environment(acme: ZohoAccount, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOOK_SECRET", "our-own-secret-of-some-length")
    made = shown(run("hooks", "create", "Acme", "Errors"))
    assert made["secret"] == "our-own-secret-of-some-length"
    assert post(made["address"], made["secret"]) == 202


def test_one_flow_is_chosen_by_zoho_s_id(acme: ZohoAccount):
    flow = factories.make_flow(acme)
    run("hooks", "create", "Acme", "Errors", "--flow", flow.flow_id)
    assert own(HookEndpoint).get().flow == flow


def test_every_act_is_written_down_without_secrets(acme: ZohoAccount, settings):
    settings.PUBLIC_URL = "https://monitor.example.com"
    made = shown(run("hooks", "create", "Acme", "Errors"))
    for act in ("rotate", "retire", "delete"):
        run("hooks", act, "Acme", "Errors")
    run("hooks", "watch", "Acme", "on")
    run("hooks", "watch", "Acme", "off")
    entries = list(own(AuditEntry).order_by("pk"))
    assert [entry.action for entry in entries] == [
        "hook.create", "hook.rotate", "hook.retire", "hook.delete", "account.watch_on", "account.watch_off",
    ]  # fmt: skip
    assert {entry.actor_name for entry in entries} == {"system"}
    assert made["secret"] not in str([entry.detail for entry in entries])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["list", "Nobody"], "there is no account named 'Nobody'"),
        (["create", "Nobody", "x"], "there is no account named 'Nobody'"),
        (["create", "Acme", " "], "the name must have 1 to 100 characters"),
        (["create", "Acme", "x" * 101], "the name must have 1 to 100 characters"),
        (["create", "Acme", "Taken"], "there is an address named “Taken” already"),
        (["create", "Acme", "x", "--per-minute", "0"], "--per-minute must be between 1 and 60000"),
        (["create", "Acme", "x", "--flow", "9"], "Acme has no flow with the id '9'; has it been synced?"),
        (["rotate", "Acme", "x"], "Acme has no address named 'x': see `manage.py hooks list`"),
        (["watch", "Acme", "on"], "Zoho CRM only calls an https address: set PUBLIC_URL to one"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(acme: ZohoAccount, arguments: list[str], line: str):
    run("hooks", "create", "Acme", "Taken")
    before = own(HookEndpoint).count(), own(AuditEntry).count()
    ended = run("hooks", *arguments)
    assert (ended.error, ended.code) == (line, 1)
    assert (own(HookEndpoint).count(), own(AuditEntry).count()) == before


def test_a_short_secret_is_refused_without_being_shown(acme: ZohoAccount, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOOK_SECRET", "short")
    ended = run("hooks", "create", "Acme", "Errors")
    assert ended.error == "a secret has 16 to 200 printable ASCII characters"


def test_more_than_three_secrets_are_refused(acme: ZohoAccount):
    run("hooks", "create", "Acme", "Errors")
    run("hooks", "rotate", "Acme", "Errors")
    run("hooks", "rotate", "Acme", "Errors")
    assert "remove the old ones first" in run("hooks", "rotate", "Acme", "Errors").error


def test_of_two_accounts_with_addresses_of_one_name_only_the_named_ones_is_touched(acme: ZohoAccount, settings):
    settings.PUBLIC_URL = "https://monitor.example.com"
    other = factories.make_account("Other")
    theirs = shown(run("hooks", "create", "Other", "Errors"))
    for name in ("Errors", "Second"):
        run("hooks", "create", "Acme", name)
    assert run("hooks", "list", "Other").out.count("\n") == 1
    every = run("hooks", "list").out
    assert (every.count("Acme: "), every.count("Other: ")) == (2, 1)
    before = own(HookEndpoint).filter(account=other).values().get()
    second = own(HookEndpoint).filter(name="Second").values().get()
    run("hooks", "rotate", "Acme", "Errors")
    run("hooks", "watch", "Acme", "on")
    assert own(HookEndpoint).filter(account=other).values().get() == before
    assert own(HookEndpoint).filter(name="Second").values().get() == second
    assert dict(own(ZohoAccount).values_list("name", "watches_records")) == {"Acme": True, "Other": False}
    run("hooks", "delete", "Acme", "Errors")
    assert sorted(own(HookEndpoint).values_list("account__name", "name")) == [("Acme", "Second"), ("Other", "Errors")]
    assert post(theirs["address"], theirs["secret"]) == 202


def test_a_flow_that_is_gone_or_another_accounts_is_not_chosen(acme: ZohoAccount):
    gone = factories.make_flow(acme, gone_at=factories.NOON)
    strange = factories.make_flow(factories.make_account("Other"))
    for flow in (gone, strange):
        assert "has no flow with the id" in run("hooks", "create", "Acme", "Errors", "--flow", flow.flow_id).error
    factories.make_flow(factories.make_account("Third"), flow_id=gone.flow_id)
    assert "has no flow with the id" in run("hooks", "create", "Acme", "Errors", "--flow", gone.flow_id).error
    assert not own(HookEndpoint).exists()


@pytest.mark.parametrize(("rate", "taken"), [(0, False), (1, True), (MOST_RATE, True), (MOST_RATE + 1, False)])
def test_an_address_takes_between_one_callback_a_minute_and_the_most(acme: ZohoAccount, rate: int, taken: bool):
    ended = run("hooks", "create", "Acme", "Errors", "--per-minute", str(rate))
    assert ("must be between 1 and" in ended.error) is not taken
    assert own(HookEndpoint).filter(per_minute=rate).exists() is taken


@pytest.mark.parametrize(("length", "taken"), [(0, False), (1, True), (100, True), (101, False)])
def test_a_name_has_between_one_and_a_hundred_characters(acme: ZohoAccount, length: int, taken: bool):
    ended = run("hooks", "create", "Acme", " " + "n" * length)
    assert ("the name must have" in ended.error) is not taken
    assert own(HookEndpoint).exists() is taken


def test_an_address_for_one_flow_is_for_a_living_flow_of_that_id_in_that_account(acme: ZohoAccount):
    factories.make_flow(acme)
    elsewhere = factories.make_flow()
    gone = factories.make_flow(acme, gone_at=factories.NOON)
    for unknown in (elsewhere.flow_id, gone.flow_id, "4711"):
        refused = run("hooks", "create", "Acme", "Errors", "--flow", unknown)
        assert refused.code != 0
        assert "has no flow with the id" in refused.error
    wanted = factories.make_flow(acme)
    factories.make_flow(flow_id=wanted.flow_id)
    assert run("hooks", "create", "Acme", "Errors", "--flow", wanted.flow_id).code == 0
    assert own(HookEndpoint).get().flow == wanted
