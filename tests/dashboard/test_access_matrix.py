"""Every address x role x method. An address without a line here fails the test: access is decided, not forgotten."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from monitor.models import Role, User, WorkerBeat
from tests import factories
from tests.around import around_tests
from tests.dashboard.statements import MOST, asked
from tests.dashboard.world import World, make_world, of_crm

ROLES = ("anonymous", "viewer", "operator", "admin", "inactive")

# For each role: the status of GET and of an empty POST. "in" is a redirect to the sign-in page.
Answers = tuple[str, str]
SEEN_BY_ALL: dict[str, Answers] = dict.fromkeys(("viewer", "operator", "admin"), ("200", "405"))
SEEN_BY_ADMINS: dict[str, Answers] = {"viewer": ("403", "405"), "operator": ("403", "405"), "admin": ("200", "405")}
FORM_OF_ADMINS: dict[str, Answers] = {"viewer": ("403", "403"), "operator": ("403", "403"), "admin": ("200", "400")}
POST_OF_OPERATORS: dict[str, Answers] = {"viewer": ("405", "403"), "operator": ("405", "400"), "admin": ("405", "400")}
FORM_OF_OPERATORS: dict[str, Answers] = {"viewer": ("200", "403"), "operator": ("200", "400"), "admin": ("200", "400")}
POST_OF_ADMINS: dict[str, Answers] = {"viewer": ("405", "403"), "operator": ("405", "403"), "admin": ("405", "400")}
SEARCH_OF_ADMINS: dict[str, Answers] = {"viewer": ("403", "403"), "operator": ("403", "403"), "admin": ("302", "400")}
# Without filters there is nothing to be saved; somebody's shared view is changed by them and by admins.
VIEW_ADD: dict[str, Answers] = dict.fromkeys(("viewer", "operator", "admin"), ("302", "302"))
VIEW_EDIT: dict[str, Answers] = dict.fromkeys(("viewer", "operator"), ("404", "404")) | {"admin": ("200", "400")}
VIEW_DELETE: dict[str, Answers] = dict.fromkeys(("viewer", "operator"), ("405", "404")) | {"admin": ("405", "302")}
OPEN: dict[str, Answers] = dict.fromkeys(ROLES, ("200", "405"))


def post(answers: dict[str, Answers], status: str) -> dict[str, Answers]:
    """The same with another status where a POST is allowed."""
    return {role: (get, status if sent == "400" else sent) for role, (get, sent) in answers.items()}


# name: (keyword arguments by the world, answers)
MATRIX: dict[str, tuple[Callable[[World], dict[str, Any]], dict[str, Answers]]] = {
    "overview": (lambda w: {}, SEEN_BY_ALL),
    "find": (lambda w: {}, SEEN_BY_ALL),
    "flows": (lambda w: {}, SEEN_BY_ALL),
    "flow_suggest": (lambda w: {}, SEEN_BY_ALL),
    "flow": (lambda w: {"pk": w.flow.pk}, SEEN_BY_ALL),
    "flow_read": (lambda w: {"pk": w.flow.pk}, post(POST_OF_OPERATORS, "302")),
    "alert_routes": (lambda w: {}, SEEN_BY_ALL),
    "alert_route_add": (lambda w: {}, FORM_OF_ADMINS),
    "alert_route_edit": (lambda w: {"pk": w.route.pk}, FORM_OF_ADMINS),
    "alert_route_delete": (lambda w: {"pk": w.route.pk}, post(POST_OF_ADMINS, "302")),
    "alert_route_move": (lambda w: {"pk": w.route.pk}, post(POST_OF_ADMINS, "302")),
    "escalation_policy_add": (lambda w: {}, FORM_OF_ADMINS),
    "escalation_policy_edit": (lambda w: {"pk": w.escalation_policy.pk}, FORM_OF_ADMINS),
    "escalation_policy_delete": (lambda w: {"pk": w.escalation_policy.pk}, post(POST_OF_ADMINS, "302")),
    "flow_ownership": (lambda w: {"pk": w.flow.pk}, POST_OF_OPERATORS),
    "rule_ownership": (lambda w: {"pk": w.rule.pk}, POST_OF_OPERATORS),
    "flow_pin": (lambda w: {"pk": w.flow.pk}, POST_OF_ADMINS),
    "flow_pin_take_back": (lambda w: {"pk": w.flow.pk}, POST_OF_ADMINS),
    "flow_record_field": (lambda w: {"pk": w.flow.pk}, POST_OF_ADMINS),
    "flow_record_take_back": (lambda w: {"pk": w.flow.pk}, post(POST_OF_ADMINS, "409")),
    # The account of the world has no token: Zoho cannot be asked.
    "flow_webhook_logs": (lambda w: {"pk": w.flow.pk}, post(FORM_OF_OPERATORS, "409")),
    "flow_version": (lambda w: {"pk": w.flow.pk, "number": 1}, SEEN_BY_ALL),
    "executions": (lambda w: {}, SEEN_BY_ALL),
    "executions_news": (lambda w: {}, dict.fromkeys(("viewer", "operator", "admin"), ("400", "405"))),
    "executions_unmasked": (lambda w: {}, SEARCH_OF_ADMINS),
    "executions_file": (lambda w: {}, POST_OF_OPERATORS),
    "executions_view_add": (lambda w: {}, VIEW_ADD),
    "executions_view_edit": (lambda w: {"pk": w.view.pk}, VIEW_EDIT),
    "executions_view_delete": (lambda w: {"pk": w.view.pk}, VIEW_DELETE),
    "styleguide": (lambda w: {}, SEEN_BY_ALL),
    "execution": (lambda w: {"pk": w.execution.pk}, SEEN_BY_ALL),
    "execution_unmask": (lambda w: {"pk": w.execution.pk}, POST_OF_ADMINS),
    "execution_retry": (lambda w: {"pk": w.execution.pk}, POST_OF_OPERATORS),
    "execution_retry_state": (lambda w: {"pk": w.execution.pk}, SEEN_BY_ALL),
    "retry_cancel": (lambda w: {"pk": w.attempt.pk}, post(POST_OF_OPERATORS, "302")),
    "retry_not_run": (lambda w: {"pk": w.attempt.pk}, POST_OF_ADMINS),
    "problems": (lambda w: {}, SEEN_BY_ALL),
    "problems_act": (lambda w: {}, POST_OF_OPERATORS),
    "problem": (lambda w: {"pk": w.problem.pk}, SEEN_BY_ALL),
    "problem_compared": (lambda w: {"pk": w.problem.pk}, SEEN_BY_ALL),
    "problem_records": (lambda w: {"pk": w.problem.pk}, SEEN_BY_ALL),
    "problem_records_csv": (lambda w: {"pk": w.problem.pk}, post(POST_OF_OPERATORS, "200")),
    "problem_take": (lambda w: {"pk": w.problem.pk}, post(POST_OF_OPERATORS, "302")),
    "problem_assign": (lambda w: {"pk": w.problem.pk}, post(POST_OF_OPERATORS, "302")),
    "problem_note": (lambda w: {"pk": w.problem.pk}, POST_OF_OPERATORS),
    "problem_resolve": (lambda w: {"pk": w.problem.pk}, post(POST_OF_OPERATORS, "302")),
    "problem_archive": (lambda w: {"pk": w.problem.pk}, POST_OF_OPERATORS),
    "problem_reopen": (lambda w: {"pk": w.problem.pk}, post(POST_OF_OPERATORS, "409")),
    "problem_split": (lambda w: {"pk": w.problem.pk}, POST_OF_OPERATORS),
    "problem_accept": (lambda w: {"pk": w.problem.pk}, POST_OF_OPERATORS),
    "problem_accept_take_back": (lambda w: {"pk": w.problem.pk}, post(POST_OF_OPERATORS, "409")),
    "problem_take_back": (lambda w: {"pk": w.problem.pk}, post(POST_OF_OPERATORS, "302")),
    "write_off": (lambda w: {}, POST_OF_OPERATORS),
    "write_off_confirm": (lambda w: {}, POST_OF_OPERATORS),
    "write_off_take_back": (lambda w: {}, POST_OF_OPERATORS),
    "batches": (lambda w: {}, SEEN_BY_ALL),
    "batch_preview": (lambda w: {}, POST_OF_ADMINS),
    "batch_confirm": (lambda w: {}, POST_OF_ADMINS),
    "batch": (lambda w: {"pk": w.batch.pk}, SEEN_BY_ALL),
    "batch_state": (lambda w: {"pk": w.batch.pk}, SEEN_BY_ALL),
    "batch_items": (lambda w: {"pk": w.batch.pk}, post(POST_OF_OPERATORS, "200")),
    "batch_records": (lambda w: {"pk": w.batch.pk}, SEEN_BY_ALL),
    "batch_records_csv": (lambda w: {"pk": w.batch.pk}, post(POST_OF_OPERATORS, "200")),
    "batch_suspend": (lambda w: {"pk": w.batch.pk}, post(POST_OF_ADMINS, "302")),
    "batch_resume": (lambda w: {"pk": w.batch.pk}, post(POST_OF_ADMINS, "409")),
    "batch_cancel": (lambda w: {"pk": w.batch.pk}, post(POST_OF_ADMINS, "302")),
    "retries_unknown": (lambda w: {}, SEEN_BY_ALL),
    "retry_policies": (lambda w: {}, SEEN_BY_ALL),
    "retry_policy": (lambda w: {"pk": w.policy.pk}, SEEN_BY_ALL),
    "retry_policy_retries": (lambda w: {"pk": w.policy.pk}, SEEN_BY_ALL),
    "retry_policy_of_flow": (lambda w: {"pk": w.flow.pk}, FORM_OF_ADMINS),
    "retry_policy_of_problem": (lambda w: {"pk": w.problem.pk}, FORM_OF_ADMINS),
    "retry_policy_change": (lambda w: {"pk": w.policy.pk}, POST_OF_ADMINS),
    "retry_policy_on": (lambda w: {"pk": w.policy.pk}, post(POST_OF_ADMINS, "302")),
    "retry_policy_off": (lambda w: {"pk": w.policy.pk}, post(POST_OF_ADMINS, "302")),
    "retry_policy_delete": (lambda w: {"pk": w.policy.pk}, post(POST_OF_ADMINS, "302")),
    "retry_settle": (lambda w: {"pk": w.attempt.pk}, POST_OF_ADMINS),
    "rules": (lambda w: {}, SEEN_BY_ALL),
    "rule_audit": (lambda w: {}, SEEN_BY_ALL),
    "rule_audit_csv": (lambda w: {}, post(POST_OF_OPERATORS, "200")),
    "rule_finding": (lambda w: w.finding, FORM_OF_OPERATORS),
    "rule_what_if": (lambda w: {"pk": w.rule.pk}, post(FORM_OF_OPERATORS, "200")),
    "rule_why_not": (lambda w: {"pk": w.rule.pk}, FORM_OF_OPERATORS),
    "rule_finding_take_back": (lambda w: {"pk": w.accepted_finding.pk}, post(POST_OF_OPERATORS, "302")),
    "rule": (lambda w: {"pk": w.rule.pk}, SEEN_BY_ALL),
    "rule_edit": (lambda w: {"pk": w.rule.pk, "act": "describe"}, FORM_OF_ADMINS),
    "rule_new": (lambda w: {}, FORM_OF_ADMINS),
    "rule_form": (lambda w: {}, FORM_OF_ADMINS),
    "rule_order": (lambda w: {"pk": w.rule.pk}, FORM_OF_ADMINS),
    "connected_new": (lambda w: {}, FORM_OF_ADMINS),
    "connected_edit": (lambda w: {"pk": w.connected.pk, "act": "describe"}, FORM_OF_ADMINS),
    "flow_edit": (lambda w: {"pk": w.flow.pk, "act": "test_actions"}, FORM_OF_ADMINS),
    "edits": (lambda w: {}, SEEN_BY_ALL),
    "edit": (lambda w: {"pk": w.edit.pk}, SEEN_BY_ALL),
    "edit_state": (lambda w: {"pk": w.edit.pk}, SEEN_BY_ALL),
    "edit_cancel": (lambda w: {"pk": w.edit.pk}, post(POST_OF_ADMINS, "302")),
    "edit_settle": (lambda w: {"pk": w.edit.pk}, POST_OF_ADMINS),
    "edit_undo": (lambda w: {"pk": w.edit_done.pk}, FORM_OF_ADMINS),
    "rule_version": (lambda w: {"pk": w.rule.pk, "number": 1}, SEEN_BY_ALL),
    "connected_workflows": (lambda w: {}, SEEN_BY_ALL),
    "connected_workflow": (lambda w: {"pk": w.connected.pk}, SEEN_BY_ALL),
    "connected_version": (lambda w: {"pk": w.connected.pk, "number": 1}, SEEN_BY_ALL),
    "connections": (lambda w: {}, SEEN_BY_ALL),
    "connections_csv": (lambda w: {}, post(POST_OF_OPERATORS, "200")),
    "connection": (lambda w: {"pk": w.connection.pk}, SEEN_BY_ALL),
    "connection_test": (lambda w: {"pk": w.connection.pk}, post(POST_OF_OPERATORS, "302")),
    "changes": (lambda w: {}, SEEN_BY_ALL),
    "compare": (lambda w: {}, SEEN_BY_ALL),
    "compare_csv": (lambda w: {}, post(POST_OF_OPERATORS, "200")),
    "changes_csv": (lambda w: {}, post(POST_OF_OPERATORS, "200")),
    "rules_file": (lambda w: {}, post(POST_OF_OPERATORS, "200")),
    "webhook_failures": (lambda w: {}, SEEN_BY_ALL),
    "webhook_failures_unmasked": (lambda w: {}, SEARCH_OF_ADMINS),
    "alerts": (lambda w: {}, SEEN_BY_ALL),
    "alert": (lambda w: {"pk": w.alert.pk}, SEEN_BY_ALL),
    "alert_coverage": (lambda w: {}, SEEN_BY_ALL),
    "alert_acknowledge": (lambda w: {"pk": w.alert.pk}, post(POST_OF_OPERATORS, "302")),
    "incident": (lambda w: {"pk": w.incident.pk}, SEEN_BY_ALL),
    "incident_acknowledge": (lambda w: {"pk": w.incident.pk}, post(POST_OF_OPERATORS, "302")),
    "incident_take_back": (lambda w: {"pk": w.incident.pk}, post(POST_OF_OPERATORS, "409")),
    "incident_hand_over": (lambda w: {"pk": w.incident.pk}, post(POST_OF_OPERATORS, "302")),
    "incident_comment": (lambda w: {"pk": w.incident.pk}, POST_OF_OPERATORS),
    "incident_close": (lambda w: {"pk": w.incident.pk}, POST_OF_OPERATORS),
    "incident_snooze": (lambda w: {"pk": w.incident.pk}, POST_OF_OPERATORS),
    "snooze_end": (lambda w: {"pk": w.snooze.pk}, post(POST_OF_OPERATORS, "302")),
    "silences": (lambda w: {}, SEEN_BY_ALL),
    "corrections": (lambda w: {}, SEEN_BY_ALL),
    "correction_add": (lambda w: {}, POST_OF_OPERATORS),
    "correction_take_back": (lambda w: {"pk": w.correction.pk}, post(POST_OF_OPERATORS, "302")),
    "silence_add": (lambda w: {}, POST_OF_OPERATORS),
    "silence_end": (lambda w: {"pk": w.silence.pk}, post(POST_OF_OPERATORS, "302")),
    # The signature in the address says who acts; signed in or not.
    "acknowledge_by_mail": (lambda w: {"token": "-"}, dict.fromkeys(ROLES, ("404", "404"))),
    "unsubscribe_by_mail": (lambda w: {"token": "-"}, dict.fromkeys(ROLES, ("404", "404"))),
    "alert_rules": (lambda w: {}, SEEN_BY_ALL),
    "alert_rule_kinds": (lambda w: {}, SEEN_BY_ADMINS),
    "alert_rule_add": (lambda w: {}, FORM_OF_ADMINS),
    "alert_rule_edit": (lambda w: {"pk": w.alert_rule.pk}, FORM_OF_ADMINS),
    "alert_rule_delete": (lambda w: {"pk": w.alert_rule.pk}, post(POST_OF_ADMINS, "302")),
    "accounts": (lambda w: {}, SEEN_BY_ALL),
    "account": (lambda w: {"pk": w.account.pk}, SEEN_BY_ALL),
    "account_mirroring": (lambda w: {"pk": w.account.pk}, POST_OF_ADMINS),
    "account_history": (lambda w: {"pk": w.account.pk}, POST_OF_ADMINS),
    "account_limits": (lambda w: {"pk": w.account.pk}, post(POST_OF_ADMINS, "302")),
    "account_disconnect": (lambda w: {"pk": w.account.pk}, POST_OF_ADMINS),
    "connect": (lambda w: {}, FORM_OF_ADMINS),
    "connect_callback": (lambda w: {}, {"viewer": ("403", "405"), "operator": ("403", "405"), "admin": ("403", "405")}),
    "people": (lambda w: {}, SEEN_BY_ADMINS),
    "person_add": (lambda w: {}, FORM_OF_ADMINS),
    "person": (lambda w: {"pk": w.person.pk}, FORM_OF_ADMINS),
    "person_password": (lambda w: {"pk": w.person.pk}, post(POST_OF_ADMINS, "200")),
    "profile": (lambda w: {}, dict.fromkeys(("viewer", "operator", "admin"), ("200", "400"))),
    "mails": (lambda w: {}, SEEN_BY_ADMINS),
    "mail_test": (lambda w: {}, post(POST_OF_ADMINS, "302")),
    "mail": (lambda w: {"pk": w.mail.pk}, SEEN_BY_ADMINS),
    "mail_html": (lambda w: {"pk": w.mail.pk}, SEEN_BY_ADMINS),
    "mail_send_again": (lambda w: {"pk": w.mail.pk}, post(POST_OF_ADMINS, "302")),
    "channel_message": (lambda w: {"pk": w.message.pk}, SEEN_BY_ADMINS),
    "channel_message_send_again": (lambda w: {"pk": w.message.pk}, post(POST_OF_ADMINS, "302")),
    "channels": (lambda w: {}, SEEN_BY_ADMINS),
    "channel_services": (lambda w: {}, SEEN_BY_ADMINS),
    "channel_add": (lambda w: {}, FORM_OF_ADMINS),
    "channel": (lambda w: {"pk": w.channel.pk}, SEEN_BY_ADMINS),
    "channel_edit": (lambda w: {"pk": w.channel.pk}, FORM_OF_ADMINS),
    "channel_test": (lambda w: {"pk": w.channel.pk}, post(POST_OF_ADMINS, "302")),
    "channel_switch": (lambda w: {"pk": w.channel.pk}, POST_OF_ADMINS),
    "channel_rotate": (lambda w: {"pk": w.channel.pk}, post(POST_OF_ADMINS, "200")),
    "channel_retire": (lambda w: {"pk": w.channel.pk}, post(POST_OF_ADMINS, "302")),
    "channel_delete": (lambda w: {"pk": w.channel.pk}, post(POST_OF_ADMINS, "302")),
    "audit": (lambda w: {}, SEEN_BY_ADMINS),
    # The address is the secret; signed in or not.
    "status_page": (lambda w: {"token": w.status_token}, OPEN),
    "status_links": (lambda w: {}, SEEN_BY_ADMINS),
    "status_link_add": (lambda w: {}, POST_OF_ADMINS),
    "status_link_end": (lambda w: {"pk": w.status_link.pk}, post(POST_OF_ADMINS, "302")),
    "push": (lambda w: {"pk": w.account.pk}, SEEN_BY_ALL),
    "hook_add": (lambda w: {"pk": w.account.pk}, POST_OF_ADMINS),
    "push_watch": (lambda w: {"pk": w.account.pk}, POST_OF_ADMINS),
    "watch_module": (lambda w: {"pk": w.account.pk}, POST_OF_ADMINS),
    "hook": (lambda w: {"pk": w.hook.pk}, SEEN_BY_ALL),
    "hook_rotate": (lambda w: {"pk": w.hook.pk}, post(POST_OF_ADMINS, "200")),
    "hook_retire": (lambda w: {"pk": w.hook.pk}, post(POST_OF_ADMINS, "302")),
    "hook_switch": (lambda w: {"pk": w.hook.pk}, POST_OF_ADMINS),
    "hook_delete": (lambda w: {"pk": w.hook.pk}, post(POST_OF_ADMINS, "302")),
    # Whoever is signed in is sent on.
    "account_login": (
        lambda w: {},
        dict.fromkeys(("viewer", "operator", "admin"), ("302", "302"))
        | dict.fromkeys(("anonymous", "inactive"), ("200", "200")),
    ),
    "account_change_password": (lambda w: {}, dict.fromkeys(("viewer", "operator", "admin"), ("200", "200"))),
    # Nobody signs in here: a callback is proved by its signature or token.
    "hook_flow": (lambda w: {"key": "unknown"}, dict.fromkeys(ROLES, ("405", "404"))),
    "hook_crm": (lambda w: {"channel": "7"}, dict.fromkeys(ROLES, ("405", "404"))),
    "healthz_live": (lambda w: {}, OPEN),
    "healthz_ready": (lambda w: {}, OPEN),
}


def our_patterns(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    """Walks over every address but allauth's, whose pages are its own matter."""
    for item in (resolver or get_resolver()).url_patterns:
        if isinstance(item, URLResolver):
            yield from our_patterns(item)
        elif not item.callback.__module__.startswith("allauth."):
            yield item


# What differs where a problem is of CRM: nothing of it is retried, and it has no runs.
OF_CRM: dict[str, dict[str, Answers]] = {"retry_policy_of_problem": {"admin": ("404", "404")}}


def test_every_address_stands_in_the_matrix() -> None:
    assert sorted(item.name or str(item.pattern) for item in our_patterns()) == sorted(MATRIX)


@dataclass
class Shared:
    """What all tests here look at; `paused` is a second account with one of everything, not mirrored at present."""

    world: World
    paused: World
    cookies: dict[str, SimpleCookie]


@pytest.fixture(scope="module")
def shared(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Shared]:
    """Two accounts and a person of each role, around the transaction of each test, which takes its own changes back."""
    with around_tests(django_db_blocker):
        world = make_world(timezone.now())
        other = make_world(timezone.now(), name="Brightwater", person="kim", worker="second")
        other.account.is_active = False
        other.account.save(update_fields=["is_active"])
        yield Shared(world, other, {role: client_of(role).cookies for role in ROLES})


@pytest.fixture
def world(shared: Shared, db: None) -> World:
    WorkerBeat.objects.update(beat_at=timezone.now())  # the world may be minutes old
    return shared.world


@pytest.fixture
def paused_world(world: World, shared: Shared) -> World:
    return shared.paused


@pytest.fixture
def crm_world(world: World) -> World:
    return of_crm(world)


@pytest.fixture
def visitor(world: World, shared: Shared) -> Callable[..., Client]:
    """`visitor(role)`: a client of the person of this role, who signed in once for all tests here."""

    def come(role: str, *, csrf: bool = False) -> Client:
        client = Client(enforce_csrf_checks=csrf)
        client.cookies.load({name: morsel.value for name, morsel in shared.cookies[role].items()})
        return client

    return come


def one_for_each_answer(answers: dict[str, Answers]) -> list[str]:
    """The roles, but of those who get the same answers the one with the most rights alone."""
    return list({answers.get(role, ("in", "in")): role for role in ROLES}.values())


def client_of(role: str, *, csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=csrf)
    if role == "anonymous":
        return client
    rights = Role.VIEWER if role == "inactive" else Role(role)
    user = factories.make_user(f"the-{role}", rights)
    client.force_login(user, backend="dashboard.people.backends.PersonBackend")
    if role == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    return client


def status_of(response: Any) -> str:
    if response.status_code == 302 and "/accounts/login/" in response["Location"]:
        return "in"
    return str(response.status_code)


@pytest.mark.one_database
@pytest.mark.parametrize("name", sorted(MATRIX))
@pytest.mark.parametrize("whose", ["world", "paused_world", "crm_world"])
def test_each_role_gets_its_answer_from_each_address(
    name: str, whose: str, visitor: Callable[..., Client], request: pytest.FixtureRequest
) -> None:
    """A role is of the whole product: what it may do is the same for each account, also a paused one.

    Of the paused one's, one role is asked for each answer.
    """
    arguments, answers = MATRIX[name]
    kwargs = arguments(request.getfixturevalue(whose))
    if whose != "world" and kwargs == arguments(request.getfixturevalue("world")):
        return  # the same address
    if whose == "crm_world":
        answers = answers | OF_CRM.get(name, {})
    url = reverse(name, kwargs=kwargs)
    found: dict[str, Answers] = {}
    roles = ROLES if whose == "world" else one_for_each_answer(answers)
    for role in roles:
        with transaction.atomic():
            client = visitor(role)
            found[role] = status_of(client.get(url)), status_of(client.post(url))
            transaction.set_rollback(True)  # what one role did must not change the next one's answer
    assert found == {role: answers.get(role, ("in", "in")) for role in roles}


@pytest.mark.one_database
@pytest.mark.parametrize("name", sorted(MATRIX))
def test_head_is_answered_as_get_is_and_without_a_body(name: str, world: World, visitor: Callable[..., Client]) -> None:
    url = reverse(name, kwargs=MATRIX[name][0](world))
    for role in one_for_each_answer(MATRIX[name][1]):
        with transaction.atomic():
            client = visitor(role)
            got, looked = client.get(url), client.head(url)
            assert (status_of(looked), looked.content) == (status_of(got), b""), role
            assert looked.headers.get("Content-Type") == got.headers.get("Content-Type"), role
            transaction.set_rollback(True)


OTHER_METHODS = ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


@pytest.mark.one_database
@pytest.mark.parametrize("name", sorted(MATRIX))
def test_no_other_method_is_taken_from_anybody(name: str, world: World, visitor: Callable[..., Client]) -> None:
    url = reverse(name, kwargs=MATRIX[name][0](world))
    for role in one_for_each_answer(MATRIX[name][1]):
        to_get = MATRIX[name][1].get(role, ("in", "in"))[0]
        # Whoever is led elsewhere with a GET may be with anything.
        expected = {"in"} if to_get == "in" else {"405", "302"} & {"405", to_get}
        client = visitor(role)
        found = {method: status_of(client.generic(method, url)) for method in OTHER_METHODS}
        assert set(found.values()) <= expected, (role, found)


# Zoho, and mail programs (RFC 8058): none of them has a page of ours before.
CALLED_BY_PROGRAMS = {"hook_flow", "hook_crm", "unsubscribe_by_mail"}


def test_only_what_programs_call_needs_no_csrf_token() -> None:
    exempt = {item.name for item in our_patterns() if getattr(item.callback, "csrf_exempt", False)}
    assert exempt == CALLED_BY_PROGRAMS


@pytest.mark.one_database
@pytest.mark.parametrize("name", sorted(set(MATRIX) - CALLED_BY_PROGRAMS))
def test_a_post_without_its_csrf_token_is_refused(name: str, world: World, visitor: Callable[..., Client]) -> None:
    arguments, _ = MATRIX[name]
    response = visitor("admin", csrf=True).post(reverse(name, kwargs=arguments(world)))
    assert response.status_code == 403


TRAIL = {"monitor.AuditEntry", "monitor.AuditTally"}


def everything(*, but: Collection[str] = ()) -> dict[str, list[Any]]:
    """Every row of every table but sessions, where sign-in keeps its own books; as the database has it."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            meta = model._meta
            if meta.label not in {"sessions.Session", *but}:
                cursor.execute(f"SELECT * FROM {meta.db_table} ORDER BY {meta.pk.column}")  # noqa: S608 - our own names
                found[meta.label] = cursor.fetchall()
    return found


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_a_get_changes_nothing(name: str, world: World, visitor: Callable[..., Client]) -> None:
    arguments, _ = MATRIX[name]
    client = visitor("admin")
    before = everything()
    with CaptureQueriesContext(connection) as captured:
        response = client.get(reverse(name, kwargs=arguments(world)))
    if response.status_code == 403:  # a refusal is written down, and nothing else
        assert everything(but=TRAIL) == {label: rows for label, rows in before.items() if label not in TRAIL}
        return
    assert everything() == before
    writes = [q["sql"] for q in captured if q["sql"].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
    assert writes == []


def test_no_page_asks_more_than_eight_statements(world: World, visitor: Callable[..., Client]) -> None:
    """Nothing is remembered here: it is what the first one who looks waits for."""
    client, counted = visitor("admin"), {}
    for name, (arguments, answers) in MATRIX.items():
        if answers.get("admin", ("", ""))[0] == "200":
            counted[name] = len(asked(client, reverse(name, kwargs=arguments(world))))
    assert {name: count for name, count in counted.items() if count > MOST} == {}
    assert len(counted) > 80


BY_KEY = [name for name, (make, _) in MATRIX.items() if "pk" in make.__code__.co_consts]


@pytest.mark.parametrize("name", BY_KEY)
@pytest.mark.parametrize("pk", [987_654_321, 999_999_999_999_999_999_999])
def test_what_is_not_there_is_a_404_for_those_who_might_see_it(
    name: str, pk: int, visitor: Callable[..., Client]
) -> None:
    url, client = reverse(name, kwargs={"pk": pk}), visitor("admin")
    answer = client.get(url)
    assert (client.post(url) if answer.status_code == 405 else answer).status_code == 404


@pytest.mark.one_database
@pytest.mark.parametrize("name", BY_KEY)
def test_who_may_not_see_it_is_not_told_whether_it_is_there(
    name: str, world: World, visitor: Callable[..., Client]
) -> None:
    arguments, answers = MATRIX[name]
    there, nowhere = (reverse(name, kwargs=arguments(world) | more) for more in ({}, {"pk": 987_654_321}))
    for role in {answers.get(role): role for role in ("viewer", "operator")}.values():
        client = visitor(role)
        for method in (client.get, client.post):
            if (refused := method(there).status_code) == 403:
                assert method(nowhere).status_code == refused
