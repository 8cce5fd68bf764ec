"""The frame around the pages: menu, sign-in, errors, policy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client, override_settings
from django.urls import NoReverseMatch, reverse

from dashboard import status_labels
from dashboard.navigation import menu_for
from dashboard.styleguide.views import STATUSES
from monitor.models import (
    AlertState,
    Delivery,
    Execution,
    RetryAttempt,
    Role,
    StreamState,
    SyncState,
    Transition,
    User,
    ZohoAccount,
)
from tests import factories

TEMPLATES = Path(settings.BASE_DIR) / "templates"
# Not the mails: their readers know nothing but inline styles.
PAGES = [path for path in sorted(TEMPLATES.rglob("*.html")) if "emails" not in path.parts]


def labels(user: User) -> list[str]:
    return [item.entry.label for item in menu_for(user, "overview")]


def test_only_admins_are_offered_the_pages_of_admins(vera: User, otto: User, ada: User) -> None:
    assert (
        labels(vera)
        == labels(otto)
        == [
            *("Overview", "Flows", "Executions", "Problems", "Retries"),
            *("Workflow rules", "Connected workflows", "Webhook failures", "Connections", "Changes", "Alerts"),
        ]
    )
    assert {"Accounts", "People", "Mails", "Audit trail"} <= set(labels(ada))


def test_the_menu_marks_where_one_is(ada: User) -> None:
    current = [item.entry.name for item in menu_for(ada, "flow") if item.is_current]
    assert current == ["flows"]


def test_the_menu_counts_open_incidents(vera: User, signed_in: Any, account: ZohoAccount, now: Any) -> None:
    rule = factories.make_alert_rule(account)
    for is_open in (True, True, False):
        flow = factories.make_flow(account)
        alert = AlertState.objects.create(
            rule=rule, flow=flow, state="firing", is_open=is_open, since=now, evaluated_at=now, episode=1
        )
        over = {} if is_open else {"closed_at": now, "closed_how": "recovered"}
        factories.make_incident(alert, **over)
    assert re.search(r"menu__count\">\s*2<", signed_in(vera).get("/flows/").content.decode())


def test_a_stranger_is_sent_to_sign_in_and_back(client: Client, db: None) -> None:
    answer = client.get("/flows/?status=active")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/flows/%3Fstatus%3Dactive"


def test_signing_in_leads_to_the_page_that_was_asked_for(client: Client, vera: User) -> None:
    vera.set_password("correct horse battery")
    vera.save()
    form = {"login": "vera", "password": "correct horse battery", "next": "/flows/"}
    assert client.post("/accounts/login/", form)["Location"] == "/flows/"


def test_a_wrong_password_says_no_more_than_that(client: Client, vera: User) -> None:
    page = client.post("/accounts/login/", {"login": "vera", "password": "wrong"})
    assert page.status_code == 200
    assert b"not correct" in page.content


def test_no_way_is_offered_that_does_not_work(client: Client, db: None) -> None:
    page = client.get("/accounts/login/").content.decode()
    assert "Forgot" not in page
    assert "sign up" not in page.lower()
    for name in ("account_signup", "account_reset_password", "account_email"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_a_person_can_change_the_password_and_sign_out(vera: User, signed_in: Any) -> None:
    vera.set_password("correct horse battery")
    vera.save()
    client = signed_in(vera)
    assert b"Change password" in client.get("/accounts/password/change/").content
    new = {"oldpassword": "correct horse battery", "password1": "staple paper clip", "password2": "staple paper clip"}
    assert client.post("/accounts/password/change/", new).status_code == 302
    vera.refresh_from_db()
    assert vera.check_password("staple paper clip")
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/").status_code == 302


def test_scripts_and_styles_carry_the_nonce_of_the_policy(vera: User, signed_in: Any) -> None:
    page = signed_in(vera).get("/")
    nonce = re.search(r"'nonce-([^']+)'", page["Content-Security-Policy"])
    assert nonce is not None
    body = page.content.decode()
    tags = re.findall(r"<(?:script|style)\b(?![^>]*application/json)[^>]*>", body)
    inline = [tag for tag in tags if "src=" not in tag]
    assert len(inline) == 1
    assert all(f'nonce="{nonce[1]}"' in tag for tag in inline)
    assert all('src="/static/' in tag for tag in tags if tag not in inline)
    assert "unsafe" not in page["Content-Security-Policy"]


@pytest.mark.parametrize("template", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_styles_or_acts_inline(template: Path) -> None:
    source = template.read_text()
    assert not re.search(r"\sstyle=|\son(click|change|submit|load|error|input)\s*=|javascript:", source)


def test_the_files_that_a_page_names_exist(vera: User, signed_in: Any) -> None:
    body = signed_in(vera).get("/").content.decode()
    names = re.findall(r'(?:href|src|data-plotly)="/static/([^"]+)"', body)
    assert "vendor/plotly.min.js" in names
    assert [name for name in names if finders.find(name) is None] == []


def test_what_is_not_there_is_told_in_the_frame(vera: User, signed_in: Any, client: Client) -> None:
    page = signed_in(vera).get("/nowhere/")
    assert page.status_code == 404
    assert b"There is nothing here" in page.content
    assert b'aria-label="Main"' in page.content
    stranger = client.get("/nowhere/")
    assert stranger.status_code == 404
    assert b'aria-label="Main"' not in stranger.content


def test_a_missing_right_is_told_in_the_frame(vera: User, signed_in: Any) -> None:
    page = signed_in(vera).get("/people/")
    assert page.status_code == 403
    assert b"You may not do this" in page.content


def test_a_crash_shows_a_page_without_details(vera: User, signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("monitor.queries.executions.page", crash)
    factories.make_account()
    page = signed_in(vera, raise_request_exception=False).get("/executions/")
    assert page.status_code == 500
    assert b"Something went wrong here" in page.content
    assert b"secret detail" not in page.content


def test_a_host_that_is_not_ours_is_refused_without_a_crash(client: Client, db: None) -> None:
    page = client.get("/", headers={"host": "evil.example.com"})
    assert page.status_code == 400
    assert b"cannot be understood" in page.content


@override_settings(DEMO=True)
def test_the_demonstration_says_that_it_is_one(vera: User, signed_in: Any) -> None:
    assert b"stand-in" in signed_in(vera).get("/").content


def test_the_style_guide_shows_each_part(vera: User, signed_in: Any) -> None:
    page = signed_in(vera).get("/styleguide/").content.decode()
    assert all(status_labels.look(status).label in page for status in STATUSES)


def test_a_status_is_told_by_word_and_icon() -> None:
    for status in STATUSES:
        look = status_labels.look(status)
        assert look.label
        assert look.icon
    assert status_labels.look("something_new").label == "something_new"


@pytest.mark.parametrize("kind", ["run", "connection", "connected workflow"])
def test_a_word_of_zohos_is_not_taken_for_one_of_ours(kind: str) -> None:
    ours = {word: known for word, known in status_labels._LOOKS.items() if word not in status_labels._OF_ZOHO[kind]}
    assert len(ours) > 50
    for word in ours:
        assert status_labels.look_of_zohos(kind, word) == status_labels.Look(word, "quiet", "circle-question-mark")
    assert status_labels.look_of_zohos(kind, "").label == "unknown"
    for word in status_labels._OF_ZOHO[kind]:
        assert status_labels.look_of_zohos(kind, word) == status_labels.look(word)


def test_every_state_of_the_tables_has_a_look() -> None:
    kinds = (Execution.Status, RetryAttempt.State, Role, StreamState.State, SyncState.State, AlertState.State)
    for choices in (*kinds, Delivery.State, Transition.Kind):
        for value in choices.values:
            assert value in status_labels._LOOKS, value


def test_a_page_of_what_does_not_exist_is_a_404(vera: User, signed_in: Any) -> None:
    assert signed_in(vera).get("/flows/9223372036854775808/").status_code == 404
