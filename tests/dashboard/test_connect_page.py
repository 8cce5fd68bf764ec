"""Connecting an account: the way to Zoho and back, and what must not come back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from dashboard.accounts import consent
from dashboard.accounts.consent import CallbackRefused, answered_origins, refusal_of
from monitor import pipeline
from monitor.models import AlertRule, ApiToken, AuditEntry, User, ZohoAccount
from monitor.zoho import CRM_SCOPES, DATA_CENTERS, FLOW_SCOPES, WATCH_SCOPES, Origins
from monitor.zoho.scopes import CHOICES
from standin.build import Credentials, OffsetClock, make_app, serving
from standin.build import make_world as make_zoho
from tests import factories
from tests.bystander import own

SECRET = "very-secret-of-the-client"


def entered(**fields: Any) -> dict[str, Any]:
    return {"name": "Acme", "data_center": "eu", "client_id": "1000.ABC", "client_secret": SECRET} | fields


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would be proved at Zoho; nothing is sent."""
    made: list[dict[str, Any]] = []

    def connect_account(**wanted: Any) -> ZohoAccount:
        made.append(wanted)
        return factories.make_account(wanted["name"])

    monkeypatch.setattr(pipeline, "connect_account", connect_account)
    return made


def start(client: Any, **fields: Any) -> dict[str, str]:
    """Sends the form; the query of the address at Zoho that follows."""
    response = client.post(reverse("connect"), entered(**fields))
    assert response.status_code == 302
    return {key: values[0] for key, values in parse_qs(urlsplit(response["Location"]).query).items()}


def come_back(client: Any, **query: str) -> Any:
    return client.get(reverse("connect_callback"), query)


def test_the_form_leads_to_the_consent_page_of_the_chosen_data_centre(signed_in, ada, calls):
    response = signed_in(ada).post(reverse("connect"), entered(), headers={"host": "localhost"})
    address = urlsplit(response["Location"])
    query = parse_qs(address.query)
    assert (address.scheme, address.netloc, address.path) == ("https", "accounts.zoho.eu", "/oauth/v2/auth")
    assert query["redirect_uri"] == [f"{settings.PUBLIC_URL}/accounts-zoho/callback/"]
    assert query["access_type"] == ["offline"]
    assert "ZohoFlow.flows.ALL" in query["scope"][0]
    assert SECRET not in response["Location"]
    assert not calls


def test_a_data_centre_without_flow_is_asked_for_crm_only(signed_in, ada, calls):
    assert "ZohoFlow" not in start(signed_in(ada), data_center="sa")["scope"]


@pytest.mark.parametrize("watches", [False, True])
def test_scopes_for_notifications_are_only_asked_for_where_they_are_wanted(signed_in, ada, calls, watches: bool):
    account = factories.make_account("Example Ltd", watches_records=watches)
    response = signed_in(ada).post(f"{reverse('connect')}?account={account.pk}", entered(name=account.name))
    scope = parse_qs(urlsplit(response["Location"]).query)["scope"][0]
    assert ("ZohoCRM.notifications.CREATE" in scope) is watches
    assert "ZohoCRM.notifications.ALL" not in scope


@pytest.mark.parametrize("name", list(CHOICES))
def test_what_may_be_done_besides_reading_is_asked_for_with_its_own_tick_only(signed_in, ada, calls, name: str):
    client = signed_in(ada)
    assert set(CHOICES[name].scopes) <= set(start(client, **{name: "on"})["scope"].split(","))
    others = {scope for other, choice in CHOICES.items() if other != name for scope in choice.scopes}
    assert not others & set(start(client, **{name: "on"})["scope"].split(","))


@pytest.mark.parametrize("edits", [False, True])
def test_scopes_that_change_automation_are_only_asked_for_with_a_tick(signed_in, ada, calls, edits: bool):
    scope = start(signed_in(ada), **({"edits": "on"} if edits else {}))["scope"]
    assert ("ZohoCRM.settings.workflow_rules.UPDATE" in scope) is edits
    assert ("ZohoCRM.settings.connected_workflows.DELETE" in scope) is edits


def test_the_state_is_long_random_and_of_safe_letters(signed_in, ada, calls):
    states = {start(signed_in(ada))["state"] for _ in range(5)}
    assert len(states) == 5
    assert all(len(state) == 43 and state.replace("-", "").replace("_", "").isalnum() for state in states)


def test_back_with_the_state_the_account_is_connected(signed_in, ada, calls):
    client = signed_in(ada)
    state = start(client, plan="standard")["state"]
    response = come_back(client, state=state, code="1000.code")
    assert response["Location"] == own(ZohoAccount).get().get_absolute_url()
    (wanted,) = calls
    assert wanted["grant_code"] == "1000.code"
    assert wanted["redirect_uri"] == f"{settings.PUBLIC_URL}/accounts-zoho/callback/"
    assert (wanted["client_secret"], wanted["plan"], wanted["actor"]) == (SECRET, "standard", ada)
    assert wanted["origins"] == DATA_CENTERS["eu"]


def test_who_only_looks_with_head_connects_nothing_and_spoils_no_state(signed_in, ada, calls):
    client = signed_in(ada)
    state = start(client)["state"]
    looked = client.head(reverse("connect_callback"), {"state": state, "code": "c"})
    assert (looked.status_code, looked.content) == (403, b"")  # as a GET without anything that waits
    assert not calls
    assert come_back(client, state=state, code="c").status_code == 302


def test_the_state_works_once(signed_in, ada, calls):
    client = signed_in(ada)
    state = start(client)["state"]
    come_back(client, state=state, code="c")
    assert come_back(client, state=state, code="c").status_code == 403
    assert len(calls) == 1


@pytest.mark.parametrize("state", ["", "forged", "é"])
def test_a_forged_state_is_refused_and_spoils_nothing(state, signed_in, ada, calls):
    client = signed_in(ada)
    right = start(client)["state"]
    assert come_back(client, state=state, code="c").status_code == 403
    assert not calls
    assert come_back(client, state=right, code="c").status_code == 302


def test_the_state_of_another_session_is_refused(signed_in, ada, calls):
    state = start(signed_in(ada))["state"]
    other = signed_in(factories.make_user("eve", "admin"))
    start(other)
    assert come_back(other, state=state, code="c").status_code == 403
    assert come_back(signed_in(ada), state=state, code="c").status_code == 403
    assert not calls


def test_after_ten_minutes_the_state_is_too_old(db):
    now, session = timezone.now(), {}
    state = consent.begin(session, entered(), user_id=1, account_id=None, now=now)
    with pytest.raises(CallbackRefused, match="10 minutes"):
        consent.finish(session, state, user_id=1, now=now + timedelta(minutes=10, seconds=1))
    state = consent.begin(session, entered(), user_id=1, account_id=None, now=now)
    assert consent.finish(session, state, user_id=1, now=now + timedelta(minutes=10)).data["name"] == "Acme"


def test_the_session_holds_the_secret_as_ciphertext_only(signed_in, ada, calls):
    start(signed_in(ada))
    kept = [str(session.get_decoded()) for session in Session.objects.all()]
    assert any("connecting" in text for text in kept)
    assert not any(SECRET in text for text in kept)


def test_the_secret_is_never_echoed(signed_in, ada, calls):
    client = signed_in(ada)
    assert SECRET not in client.post(reverse("connect"), entered(name="")).content.decode()
    state = start(client)["state"]
    refused = come_back(client, state=state, error="access_denied")
    assert SECRET not in refused.content.decode()
    assert "1000.ABC" in refused.content.decode()


def test_access_denied_is_told_and_nothing_connected(signed_in, ada, calls):
    client = signed_in(ada)
    refused = come_back(client, state=start(client)["state"], error="access_denied")
    assert refused.status_code == 400
    assert "Access was denied" in refused.content.decode()
    assert not calls


def test_the_words_of_an_error_in_the_address_are_not_shown(signed_in, ada, calls):
    client = signed_in(ada)
    refused = come_back(client, state=start(client)["state"], error="call 555 to fix your account")
    assert refused.status_code == 400
    assert "555" not in refused.content.decode()


CUSTOM = Origins("http://127.0.0.1:9", "http://127.0.0.1:9", None)


@pytest.mark.parametrize(
    ("chosen", "query", "expected"),
    [
        ("eu", {}, "eu"),
        ("us", {"location": "in", "accounts-server": "https://accounts.zoho.in"}, "in"),
        ("us", {"location": "EU"}, "eu"),
        ("us", {"accounts-server": "https://accounts.zohocloud.ca/"}, "ca"),
        ("custom", {"location": "us", "accounts-server": "http://127.0.0.1:9/"}, "custom"),
        ("custom", {}, "custom"),
    ],
)
def test_the_data_centre_of_the_answer_is_followed_within_our_list(chosen, query, expected):
    origins = CUSTOM if chosen == "custom" else DATA_CENTERS[chosen]
    data_center, found = answered_origins(chosen, origins, query)
    assert data_center == expected
    assert found == (CUSTOM if expected == "custom" else DATA_CENTERS[expected])


@pytest.mark.parametrize(
    ("chosen", "query"),
    [
        ("us", {"accounts-server": "https://accounts.zoho.com.evil.example"}),
        ("us", {"accounts-server": "http://accounts.zoho.com"}),
        ("us", {"accounts-server": "https://accounts.zoho.com@evil.example"}),
        ("us", {"accounts-server": "http://127.0.0.1:9"}),
        ("us", {"location": "moon"}),
        ("us", {"location": "eu", "accounts-server": "https://accounts.zoho.in"}),
        ("custom", {"accounts-server": "https://accounts.zoho.com"}),
    ],
)
def test_an_address_that_is_not_in_our_list_is_refused(chosen, query):
    origins = CUSTOM if chosen == "custom" else DATA_CENTERS[chosen]
    with pytest.raises(CallbackRefused):
        answered_origins(chosen, origins, query)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"accounts-server": "https://accounts.zoho.kr"}, "(https://accounts.zoho.kr) that is not on the list here"),
        ({"accounts-server": "https://accounts.zoho.com.br/"}, "(https://accounts.zoho.com.br)"),
        ({"location": "kr"}, "(“kr”) that is not known here"),
        ({"location": "kr", "accounts-server": "https://accounts.zoho.kr"}, "accounts.zoho.kr"),
    ],
)
def test_a_data_centre_that_is_newer_than_the_list_says_how_to_go_on(query, told):
    with pytest.raises(CallbackRefused) as caught:
        answered_origins("us", DATA_CENTERS["us"], query)
    assert told in caught.value.message
    assert "Nothing was sent." in caught.value.message
    assert "go on with “Custom URLs”" in caught.value.message


@pytest.mark.parametrize("key", ["uk", "ae"])
def test_the_newer_data_centres_are_followed(key):
    server = {"accounts-server": f"https://accounts.zoho.{key}", "location": key}
    assert answered_origins("us", DATA_CENTERS["us"], server) == (key, DATA_CENTERS[key])


@pytest.mark.parametrize(
    "server", ["https://accounts.zoho.com.evil.example", "https://evil.example/call-555", "https://accounts.zoho.evil"]
)
def test_an_address_that_anybody_may_have_written_is_not_repeated(server):
    with pytest.raises(CallbackRefused) as caught:
        answered_origins("us", DATA_CENTERS["us"], {"accounts-server": server})
    assert "evil" not in caught.value.message
    assert "start again from this page" in caught.value.message


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("invalid_scope", "(“invalid_scope”). Nothing was connected. Zoho does not know one of the scopes"),
        ("something_new", "(“something_new”). Nothing was connected. Check the client ID"),
        ("call 555 now", "with an error. Nothing was connected."),
    ],
)
def test_a_code_of_zohos_page_is_told_as_it_came(error, told):
    assert told in consent.refusal_of({"error": error})


def test_a_foreign_accounts_server_in_the_address_sends_nothing(signed_in, ada, calls):
    client = signed_in(ada)
    query = {"state": start(client)["state"], "code": "c", "accounts-server": "https://evil.example"}
    assert come_back(client, **query).status_code == 403
    assert not calls


@pytest.mark.parametrize(
    "fields",
    [
        {"accounts_url": "http://zoho.example.com", "flow_url": "https://f.example.com"},
        {"accounts_url": "https://a.example.com"},
        {"accounts_url": "https://a.example.com/path", "crm_url": "https://c.example.com"},
        {"accounts_url": "javascript:alert(1)", "crm_url": "https://c.example.com"},
    ],
)
def test_own_addresses_are_checked(fields, signed_in, ada, calls):
    response = signed_in(ada).post(reverse("connect"), entered(data_center="custom", **fields))
    assert response.status_code == 400
    assert response.context["form"].non_field_errors()


@pytest.mark.parametrize("name", ["accounts_url", "flow_url", "crm_url"])
def test_own_addresses_beside_a_data_centre_are_not_left_aside_in_silence(name: str, signed_in, ada, calls):
    response = signed_in(ada).post(reverse("connect"), entered(**{name: "https://sandbox.zohoapis.eu"}))
    assert response.status_code == 400
    assert "Choose “Custom URLs” as data centre" in response.context["form"].errors[name][0]


@pytest.mark.parametrize("client_id", ["hello", "ada@example.com", "1000", "1000.", ".ABC", "1000.A B", "1000.Ä"])
def test_what_cannot_be_a_clients_id_is_refused_before_anybody_goes_to_zoho(client_id: str, signed_in, ada, calls):
    response = signed_in(ada).post(reverse("connect"), entered(client_id=client_id))
    assert response.status_code == 400
    assert "client_id" in response.context["form"].errors


def test_the_scopes_for_a_self_client_can_be_copied_from_the_page(signed_in, ada):
    page = signed_in(ada).get(reverse("connect")).content.decode()
    assert ",".join(FLOW_SCOPES + CRM_SCOPES) in page
    assert ",".join(CRM_SCOPES) + "</code>" in page
    account = factories.make_account("Example Ltd", watches_records=True)
    again = signed_in(ada).get(f"{reverse('connect')}?account={account.pk}").content.decode()
    assert ",".join(FLOW_SCOPES + CRM_SCOPES + WATCH_SCOPES) in again


def test_a_person_is_asked_only_where_it_cannot_be_told_whether_it_is_the_same(signed_in, ada, monkeypatch):
    account = factories.make_account("Example Ltd")
    said: list[bool] = []

    def refuse(*, same_organisation: bool, **wanted: Any) -> ZohoAccount:
        said.append(same_organisation)
        raise pipeline.ConnectError("it cannot be told", can_be_confirmed=True)

    monkeypatch.setattr(pipeline, "connect_account", refuse)
    client, address = signed_in(ada), f"{reverse('connect')}?account={account.pk}"
    assert "same_organisation" not in client.get(address).content.decode()
    asked = client.post(address, entered(grant_code="1000.a"))
    assert "It cannot be told; if it is the same one, say so below" in asked.content.decode()
    assert 'name="same_organisation"' in asked.content.decode()
    again = client.post(address, entered(grant_code="1000.b", same_organisation="on"))
    assert 'name="same_organisation"' in again.content.decode()
    assert said == [False, True]


def test_a_persons_word_goes_with_them_to_zoho_and_back(signed_in, ada, calls):
    account = factories.make_account("Example Ltd")
    client = signed_in(ada)
    address = f"{reverse('connect')}?account={account.pk}"
    response = client.post(address, entered(name=account.name, same_organisation="on"))
    state = parse_qs(urlsplit(response["Location"]).query)["state"][0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "connect_account", lambda **wanted: calls.append(wanted) or account)
        come_back(client, state=state, code="c")
    assert calls[0]["same_organisation"] is True


@pytest.mark.parametrize(
    "fields", [{"client_secret": "has space"}, {"client_id": "tab\there"}, {"data_center": "moon"}]
)
def test_what_cannot_be_a_credential_is_refused(fields, signed_in, ada, calls):
    assert signed_in(ada).post(reverse("connect"), entered(**fields)).status_code == 400


def test_a_name_that_is_taken_is_refused_but_renewing_keeps_it(signed_in, ada, calls):
    account = factories.make_account("Acme", data_center="eu")
    client = signed_in(ada)
    assert "name" in client.post(reverse("connect"), entered()).context["form"].errors
    response = client.post(f"{reverse('connect')}?account={account.pk}", entered(name="Something else"))
    assert response.status_code == 302
    state = parse_qs(urlsplit(response["Location"]).query)["state"][0]
    calls.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "connect_account", lambda **wanted: calls.append(wanted) or account)
        come_back(client, state=state, code="c")
    assert calls[0]["name"] == "Acme"


def test_a_self_clients_code_needs_no_redirect(signed_in, ada, calls):
    response = signed_in(ada).post(reverse("connect"), entered(grant_code="1000.grant"))
    assert response["Location"] == own(ZohoAccount).get().get_absolute_url()
    assert (calls[0]["grant_code"], calls[0]["redirect_uri"]) == ("1000.grant", None)


def test_what_zoho_refuses_is_one_clear_line_and_nothing_is_stored(signed_in, ada, monkeypatch):
    def refuse(**wanted: Any) -> ZohoAccount:
        raise pipeline.ConnectError("Zoho refused the grant code (invalid_code)")

    monkeypatch.setattr(pipeline, "connect_account", refuse)
    response = signed_in(ada).post(reverse("connect"), entered(grant_code="1000.old"))
    assert response.status_code == 400
    assert "Zoho refused the grant code (invalid_code)" in response.content.decode()
    assert "1000.old" not in response.content.decode()
    assert not own(ZohoAccount).exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("this grant is for another organisation", "This grant is for another organisation."),
        (
            "answered invalid_client. Check client id and secret.",
            "Answered invalid_client. Check client id and secret.",
        ),
        ("refused. Is this the data centre?", "Refused. Is this the data centre?"),
    ],
)
def test_what_is_refused_is_told_in_whole_sentences(signed_in, ada, monkeypatch, said: str, told: str) -> None:
    def refuse(**wanted: Any) -> ZohoAccount:
        raise pipeline.ConnectError(said)

    monkeypatch.setattr(pipeline, "connect_account", refuse)
    response = signed_in(ada).post(reverse("connect"), entered(grant_code="1000.old"))
    assert response.context["refusal"] == told
    assert told in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_through_a_stand_in(signed_in):
    ada: User = factories.make_user("ada", "admin")
    zoho = make_zoho(seed=3, clock=OffsetClock(), flows=2, rules=1, executions=20, history_days=2)
    known = Credentials()
    with serving(make_app(zoho, credentials=known)) as url:
        client = signed_in(ada)
        addresses = dict.fromkeys(("accounts_url", "flow_url", "crm_url"), url)
        credentials = {"client_id": known.client_id, "client_secret": known.client_secret}
        asked = start(client, data_center="custom", **addresses, **credentials)
        code = zoho.tokens.mint_code(asked["scope"], asked["redirect_uri"], offline=True)
        answer = {"location": "us", "accounts-server": url, "state": asked["state"]}
        response = come_back(client, code=code, **answer)
    assert response.status_code == 302
    account = own(ZohoAccount).get(name="Acme")
    assert account.accounts_url == url
    assert ApiToken.objects.get(account=account).refresh_token
    assert ApiToken.objects.get(account=account).granted == asked["scope"].replace(",", " ")
    assert AlertRule.objects.filter(account=account, is_default=True).count() == 5
    assert own(AuditEntry).get(action="account.connect").actor == ada


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_consent", [True, False])
def test_a_wrong_organisation_on_zohos_page_is_refused_and_the_old_grant_goes_on(by_consent: bool, signed_in):
    ada: User = factories.make_user("ada", "admin")
    zoho, known = make_zoho(seed=3, clock=OffsetClock(), flows=2, rules=1, executions=20, history_days=2), Credentials()
    with serving(make_app(zoho, credentials=known)) as url:
        client = signed_in(ada)
        form = {"data_center": "custom", **dict.fromkeys(("accounts_url", "flow_url", "crm_url"), url)}
        form |= {"client_id": known.client_id, "client_secret": known.client_secret}
        client.post(reverse("connect"), entered(**form, grant_code=zoho.tokens.mint_code("*")))
        account = own(ZohoAccount).get()
        before = ApiToken.objects.filter(account=account).values().get()
        zoho.habits = zoho.habits.changed(portal=2)
        address = f"{reverse('connect')}?account={account.pk}"
        if by_consent:
            asked = client.post(address, entered(**form))
            query = {key: values[0] for key, values in parse_qs(urlsplit(asked["Location"]).query).items()}
            code = zoho.tokens.mint_code(query["scope"], query["redirect_uri"], offline=True)
            answer = come_back(client, code=code, state=query["state"])
        else:
            answer = client.post(address, entered(**form, grant_code=zoho.tokens.mint_code("*")))
    page = answer.content.decode()
    assert answer.status_code == 400
    assert f"“Zephyr Works 2” (id {zoho.prefix}0002)" in page
    assert f"“Zephyr Works” (id {zoho.prefix}0001)" in page
    assert 'name="same_organisation"' not in page
    assert ApiToken.objects.filter(account=account).values().get() == before
    assert own(ZohoAccount).count() == 1
    shown = client.get(account.get_absolute_url()).content.decode()
    assert f"{zoho.prefix}0001" in shown
    assert "Zephyr Works" in client.get(reverse("accounts")).content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_is_missing_is_told_where_an_account_is_connected(signed_in):
    zoho, known = make_zoho(seed=3, clock=OffsetClock(), flows=2, rules=1, executions=20, history_days=2), Credentials()
    with serving(make_app(zoho, credentials=known)) as url:
        client = signed_in(factories.make_user("ada", "admin"))
        form = {"data_center": "custom", **dict.fromkeys(("accounts_url", "flow_url", "crm_url"), url)}
        form |= {"client_id": known.client_id, "client_secret": known.client_secret}
        code = zoho.tokens.mint_code("ZohoFlow.flows.ALL")
        page = client.post(reverse("connect"), entered(**form, grant_code=code), follow=True).content.decode()
    assert "is connected" in page
    assert "Zoho CRM is not available" in page
    assert "Not granted: ZohoFlow.connections.ALL, ZohoCRM." in page


def test_an_answer_without_a_grant_code_and_without_an_error_is_refused() -> None:
    assert refusal_of({"code": "1000.abc"}) == ""
    assert refusal_of({}) == refusal_of({"code": ""}) == "Zoho sent no grant code."


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_custom_urls_lead_to_no_private_address(signed_in, ada, settings, host):
    """This machine is asked where ALLOW_LOOPBACK says so; the tests' own stand-in needs it."""
    settings.ALLOW_LOOPBACK = False
    urls = {"accounts_url": f"https://{host}", "crm_url": "https://c.example.com"}
    response = signed_in(ada).post(reverse("connect"), entered(data_center="custom", **urls))
    assert response.status_code == 400
    assert "accounts URL: " in response.content.decode()
