from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from monitor.alerting.rules import DEFAULTS
from monitor.connection import utc_now
from monitor.models import (
    AlertRule,
    ApiBudget,
    ApiCall,
    ApiToken,
    AuditEntry,
    Flow,
    SyncState,
    ZohoAccount,
)
from standin.build import App
from tests.bystander import own
from tests.commands.commandline import KNOWN, a_zoho, connect_arguments, know_the_secrets, run
from tests.factories import make_flow

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    know_the_secrets(monkeypatch)


@pytest.fixture
def zoho() -> Iterator[tuple[App, str]]:
    with a_zoho() as found:
        yield found


def nothing_stored() -> bool:
    return not any(
        own(model).exists() for model in (ZohoAccount, ApiToken, ApiBudget, ApiCall, SyncState, AlertRule, AuditEntry)
    )


def test_an_account_is_proved_by_a_list_per_product_and_its_organisation_and_stored_with_its_rule(
    zoho: tuple[App, str],
) -> None:
    app, base = zoho

    ended = run(*connect_arguments(base, plan="standard"))

    assert ended.error == ""
    assert "Acme is connected (Flow and CRM)" in ended.out
    assert [call.path for call in app.ledger.calls] == [
        "/oauth/v2/token",
        "/api/v1/flows",
        "/crm/v8/settings/automation/workflow_rules",
        "/crm/v8/org",
    ]
    account = own(ZohoAccount).get()
    assert (account.plan, account.client_secret) == ("standard", KNOWN.client_secret)
    rule = own(AlertRule).earliest("pk")
    assert [row.kind for row in own(AlertRule).order_by("pk")] == list(DEFAULTS)
    assert (rule.threshold, rule.window_hours, rule.min_runs, rule.recover_at) == (95.0, 168, 20, 95.0)
    assert ApiCall.objects.filter(account=account, status=200).count() == 3
    assert own(AuditEntry).get().action == "account.connect"
    assert own(SyncState).get().next_due_at is not None


def test_secrets_stand_in_the_database_as_ciphertext(zoho: tuple[App, str]) -> None:
    run(*connect_arguments(zoho[1]))

    with connection.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM monitor_zohoaccount")
        (secret,) = cursor.fetchone()
        cursor.execute("SELECT refresh_token FROM monitor_apitoken")
        (token,) = cursor.fetchone()
    assert secret.startswith("gAAAA")
    assert token.startswith("gAAAA")


@pytest.mark.parametrize("missing", ["flow-url", "crm-url"])
def test_flow_or_crm_may_be_absent(zoho: tuple[App, str], missing: str) -> None:
    ended = run(*connect_arguments(zoho[1], **{missing: ""}))

    assert ended.error == ""
    assert f"({'CRM' if missing == 'flow-url' else 'Flow'})" in ended.out
    assert len(zoho[0].ledger.calls) == (3 if missing == "flow-url" else 2)


def test_a_product_whose_scopes_were_not_granted_says_how_to_mend_it(zoho: tuple[App, str]) -> None:
    args = {"scope": "ZohoFlow.flows.ALL"}
    zoho[0].faults.push({"path": "/crm/", "kind": "narrow_scope", "times": 0, "args": args})

    ended = run(*connect_arguments(zoho[1]))
    assert ended.error == ""
    assert "Zoho CRM is not available" in ended.out
    assert "OAUTH_SCOPE_MISMATCH: Unauthorized. Connect the account again and grant the scopes asked for" in ended.out
    assert "is connected (Flow)" in ended.out


def test_a_product_that_the_edition_lacks_is_no_error(zoho: tuple[App, str]) -> None:
    zoho[0].world.habits = zoho[0].world.habits.changed(crm=False)

    ended = run(*connect_arguments(zoho[1]))
    assert ended.error == ""
    assert "Zoho CRM is not available" in ended.out
    assert "is connected (Flow)" in ended.out


def test_a_grant_code_works_in_place_of_a_refresh_token(zoho: tuple[App, str], monkeypatch: pytest.MonkeyPatch) -> None:
    app, base = zoho
    monkeypatch.delenv("ZOHO_REFRESH_TOKEN")
    code = app.world.tokens.mint_code("*")

    assert run(*connect_arguments(base, grant_code=code)).error == ""
    assert own(ApiToken).get().refresh_token

    again = run(*connect_arguments(base, name="Again", grant_code=code))
    assert "Zoho refused the grant code (invalid_code): it is wrong, used, expired or revoked" in again.error
    assert code not in again.error
    assert own(ZohoAccount).count() == 1


def test_a_known_name_is_connected_again_and_keeps_its_data(zoho: tuple[App, str]) -> None:
    run(*connect_arguments(zoho[1]))
    account = own(ZohoAccount).get()
    make_flow(account)
    rule = own(AlertRule).earliest("pk")
    AlertRule.objects.filter(pk=rule.pk).update(options={"threshold": 80, "recover_at": 90})
    own(ApiToken).update(refused_code="invalid_code")

    ended = run(*connect_arguments(zoho[1], plan="free"))

    assert ended.error == ""
    assert own(ZohoAccount).get().pk == account.pk
    assert own(ZohoAccount).get().plan == "free"
    assert own(ApiToken).get().refused_code == ""
    assert Flow.objects.filter(account=account).count() == 1
    assert own(AlertRule).count() == len(DEFAULTS)
    assert AlertRule.objects.get(pk=rule.pk).threshold == 80, "what a person set stays"
    assert set(own(AuditEntry).values_list("action", flat=True)) == {"account.connect", "account.reconnect"}


def test_what_a_failed_connection_of_a_known_account_cost_stands_in_its_ledger(zoho: tuple[App, str]) -> None:
    app, base = zoho
    run(*connect_arguments(base))
    account, before = own(ZohoAccount).get(), own(ApiCall).count()
    audited = own(AuditEntry).count()
    app.faults.push({"path": "/flows", "kind": "html", "times": 0})

    assert run(*connect_arguments(base)).error != ""

    paths = ApiCall.objects.filter(account=account, product="flow").values_list("path", flat=True)
    sent = sum(call.path.endswith("/flows") for call in app.ledger.calls)
    assert len(paths) == sent > 1
    assert own(ApiCall).count() > before
    assert own(AuditEntry).count() == audited, "nothing else is stored"


@pytest.mark.parametrize("code", ["INVALID_OAUTHTOKEN", "RULE_IS_ASLEEP"])
def test_a_refusal_within_a_200_proves_nothing(zoho: tuple[App, str], code: str) -> None:
    app, base = zoho
    row = {"code": code, "details": {}, "message": "come back tomorrow", "status": "error"}
    for path in ("/flows", "/workflow_rules"):
        app.faults.push({"path": path, "kind": "shape", "times": 0, "args": {"content": {"data": [row]}}})

    assert f"{code}: come back tomorrow" in run(*connect_arguments(base)).error

    assert nothing_stored()


def test_a_person_whom_zoho_gives_no_token_for_now_is_told_when_to_come_back(zoho: tuple[App, str]) -> None:
    app, base = zoho
    app.faults.push({"path": "/oauth/v2/token", "kind": "token_throttle", "times": 0})

    ended = run(*connect_arguments(base))

    assert ended.error.endswith(". Nothing was changed: try again in 10 minutes")
    assert ".." not in ended.error
    assert nothing_stored()


def test_a_wait_that_zoho_asked_for_outlives_connecting_again(zoho: tuple[App, str]) -> None:
    app, base = zoho
    run(*connect_arguments(base))
    until = utc_now() + timedelta(minutes=10)
    own(ApiBudget).update(blocked_until=until, day_limit_seen=1000)
    app.faults.push({"path": "/flows", "kind": "rate_limited", "args": {"retry_after": 600}, "times": 0})

    assert run(*connect_arguments(base)).error == ""

    assert own(ApiBudget).get(product="flow").blocked_until == until
    assert own(ApiBudget).get(product="flow").day_limit_seen == 1000


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"plan": "free", "calls_per_minute": "5"}, "either --plan or"),
        ({"calls_per_minute": "0"}, "--calls-per-minute must be between 1 and 10000000"),
        ({"calls_per_minute": "10000001"}, "--calls-per-minute must be between 1 and 10000000"),
        ({"calls_per_day": "-3"}, "--calls-per-day must be between 1 and 10000000"),
        ({"calls_per_day": "99999999999"}, "--calls-per-day must be between 1 and 10000000"),
        ({"accounts_url": "ftp://127.0.0.1"}, "must start with https://"),
        ({"accounts_url": "http://zoho.example.com"}, "http:// is allowed for this machine only"),
        ({"accounts_url": "https://user:pass@127.0.0.1"}, "user name or password"),
        ({"crm_url": "http://127.0.0.1/crm"}, "without path"),
        ({"flow_url": "", "crm_url": ""}, "at least one of them"),
        ({"data_center": "eu"}, "go with --data-center custom only"),
        ({"client_id": "with space"}, "client id"),
        ({"client_id": "x" * 300}, "client id"),
        ({"client_id": "hello"}, "it looks like 1000.ABCDE12345"),
        ({"client_id": "ada@example.com"}, "it looks like 1000.ABCDE12345"),
        ({"client_id": "1000."}, "it looks like 1000.ABCDE12345"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_sent(
    zoho: tuple[App, str], more: dict[str, str], line: str
) -> None:
    ended = run(*connect_arguments(zoho[1], **more))

    assert line in ended.error
    assert ended.code == 1
    assert zoho[0].ledger.calls == []
    assert nothing_stored()


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", "a\nb", "caf\udce9"])
def test_a_name_that_no_database_or_page_could_bear_is_refused(zoho: tuple[App, str], name: str) -> None:
    ended = run(*connect_arguments(zoho[1], name=name))

    assert "100" in ended.error
    assert nothing_stored()


@pytest.mark.parametrize("variable", ["ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"])
@pytest.mark.parametrize("value", ["", "two words", "bad\udce9"])
def test_secrets_come_from_the_environment_only_and_must_be_sendable(
    zoho: tuple[App, str], monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    ended = run(*connect_arguments(zoho[1]))

    assert variable in ended.error or "printable ASCII" in ended.error
    if value:
        assert value not in ended.error
    assert nothing_stored()
    assert zoho[0].ledger.calls == []


def test_no_option_takes_a_secret() -> None:
    from monitor.management.commands.connect import Command

    parser = Command().create_parser("manage.py", "connect")
    names = {option for action in parser._actions for option in action.option_strings}

    assert not {name for name in names if "secret" in name or "token" in name}


def test_a_default_rule_that_cannot_be_made_leaves_no_account(
    zoho: tuple[App, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(account: ZohoAccount) -> None:
        raise RuntimeError

    monkeypatch.setattr("monitor.pipeline.ensure_default_rules", fail)

    with pytest.raises(RuntimeError):
        run(*connect_arguments(zoho[1]))
    assert not own(ZohoAccount).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("length", "is_refused"), [(0, True), (1, False), (100, False), (101, True)])
def test_a_name_has_one_to_a_hundred_characters(length: int, is_refused: bool) -> None:
    ended = run("connect", "x" * length, "--data-center=custom", "--client-id=1000.X")
    assert ended.code != 0, "without addresses nothing is connected"
    assert ("1 to 100 characters" in ended.error) is is_refused


class TestAnotherOrganisation:
    """A grant that was made in another organisation."""

    def test_it_is_refused_with_both_names_and_the_way_out_and_nothing_is_changed(self, zoho: tuple[App, str]) -> None:
        run(*connect_arguments(zoho[1]))
        before = list(own(ZohoAccount).values()), list(own(ApiToken).values("account", "refresh_token"))
        with a_zoho(seed=5) as (_, there):
            ended = run(*connect_arguments(there))
            assert ended.code == 1
            assert "another organisation" in ended.error
            assert "as a new account" in ended.error
            assert "--same-organisation" not in ended.error
            # No word of a person makes two organisations one.
            assert run(*connect_arguments(there), same_organisation=True).error == ended.error
            assert (list(own(ZohoAccount).values()), list(own(ApiToken).values("account", "refresh_token"))) == before
            assert run(*connect_arguments(there, "Beta")).error == ""

    def test_where_only_the_flows_could_tell_a_person_may_say_that_it_is_the_same(self, zoho: tuple[App, str]) -> None:
        run(*connect_arguments(zoho[1], crm_url=""))
        make_flow(own(ZohoAccount).get())
        with a_zoho(seed=5) as (_, there):
            ended = run(*connect_arguments(there, crm_url=""))
            assert ended.code == 1
            assert ended.error.endswith("if it is the same one, say so with --same-organisation")
            assert own(ZohoAccount).get().accounts_url == zoho[1]
            assert run(*connect_arguments(there, crm_url=""), same_organisation=True).error == ""
            assert own(ZohoAccount).get().accounts_url == there
