"""Roles, rights, and the door to objects."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from monitor.access import RIGHTS, find, may, who_may
from monitor.models import Flow, Role, User, ZohoAccount, system_user
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db

OPERATORS_TOO = {
    "connections.test",
    "findings",
    "export",
    "acknowledge",
    "correct",
    "alert_mails",
    "read",
    "retry",
    "ownership",
    "silence",
    "triage",
    "views.share",
    "write_off",
}


def test_a_viewer_may_look_an_operator_act_and_an_admin_everything() -> None:
    allowed = {role: {action for action in RIGHTS if may(User(role=role), action)} for role in Role}

    assert allowed[Role.VIEWER] == {"view"}
    assert allowed[Role.OPERATOR] == {"view"} | OPERATORS_TOO
    assert allowed[Role.ADMIN] == set(RIGHTS)


def test_a_superuser_is_an_admin_and_who_may_not_sign_in_may_nothing() -> None:
    assert may(User(role=Role.VIEWER, is_superuser=True), "users")
    assert not any(may(User(role=Role.ADMIN, is_active=False), action) for action in RIGHTS)
    assert not any(may(AnonymousUser(), action) for action in RIGHTS)


def test_a_misspelt_right_is_an_error_and_no_refusal() -> None:
    with pytest.raises(KeyError):
        may(User(role=Role.ADMIN), "retyr")
    with pytest.raises(KeyError):
        who_may("retyr")


@pytest.mark.parametrize("action", sorted(RIGHTS))
def test_the_people_who_may_are_those_whom_the_rights_let(action: str) -> None:
    for role in Role:
        for is_active in (True, False):
            for is_superuser in (True, False):
                factories.make_user(role=role, is_active=is_active, is_superuser=is_superuser)

    selected = set(own(User).filter(who_may(action)))

    assert selected == {user for user in own(User) if may(user, action)}
    assert len(selected) >= 4


def test_the_command_line_may_do_everything_and_is_nobody_to_be_asked_or_put_in_charge() -> None:
    command_line, ada = system_user(), factories.make_user("ada", Role.ADMIN)

    for action in RIGHTS:
        assert may(command_line, action)
        assert set(own(User).filter(who_may(action))) == {ada}


def test_the_door_opens_what_is_there_to_those_who_may(account: ZohoAccount) -> None:
    flow, otto, vera = factories.make_flow(account), factories.make_user("otto", Role.OPERATOR), factories.make_user()

    assert find(vera, own(Flow), flow.pk) == flow
    assert find(otto, own(Flow), flow.pk, action="read") == flow
    with pytest.raises(PermissionDenied):
        find(vera, own(Flow), flow.pk, action="read")
    assert find(otto, own(Flow), flow.pk + 1, action="read") is None


@pytest.mark.parametrize("action", sorted(set(RIGHTS) - {"view"}))
def test_a_refusal_tells_nobody_whether_there_is_such_an_object(account: ZohoAccount, action: str) -> None:
    flow, vera = factories.make_flow(account), factories.make_user()

    for key in (flow.pk, flow.pk + 1):
        with pytest.raises(PermissionDenied):
            find(vera, own(Flow), key, action=action)
