"""A connection is tested by a click, and the trail says who asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from monitor.models import AuditEntry, Role
from monitor.zoho.errors import Unreachable
from monitor.zoho.flow import FlowClient
from tests import factories
from tests.bystander import own
from tests.edits.conftest import EditDesk, opened_desk


@pytest.fixture
def desk(db: None, ada: Any) -> Iterator[EditDesk]:
    with opened_desk(ada, syncs=False) as found, time_machine.travel(found.clock(), tick=False):
        yield found


def press(desk: EditDesk, client: Any, connection_id: str) -> list[str]:
    row = factories.make_connection(desk.account, connection_id=connection_id)
    answer = client.post(reverse("connection_test", args=[row.pk]), follow=True)
    return [str(message) for message in answer.context["messages"]]


@pytest.mark.parametrize(("works", "words"), [(True, "Zoho's test passed."), (False, "Zoho's test failed.")])
def test_what_zoho_says_of_a_connection_is_told_and_stands_in_the_trail(
    desk: EditDesk, signed_in: Any, works: bool, words: str
) -> None:
    key, there = next(iter(desk.world.connections.items()))
    there.works.change(desk.clock(), value=works)
    otto = factories.make_user("olga", Role.OPERATOR)
    (said,) = press(desk, signed_in(otto), key)
    assert said.startswith(words)
    entry = own(AuditEntry).get(action="connection.test")
    assert (entry.actor, entry.detail) == (otto, {"connection": key, "passed": works})


def test_a_connection_that_zoho_does_not_have_is_said_to_be_untested(desk: EditDesk, signed_in: Any) -> None:
    said = press(desk, signed_in(desk.person), "conn_nowhere")
    assert said[0].startswith("It could not be tested:")
    entry = own(AuditEntry).get(action="connection.test")
    assert (entry.actor, entry.detail["connection"], entry.detail["passed"]) == (desk.person, "conn_nowhere", None)
    assert entry.detail["error"]


def test_a_test_whose_answer_is_lost_stands_in_the_trail_too(desk: EditDesk, signed_in: Any, monkeypatch: Any) -> None:
    def unreachable(self: Any, connection_id: str) -> None:
        raise Unreachable("the answer was lost")

    monkeypatch.setattr(FlowClient, "test_connection", unreachable)
    press(desk, signed_in(desk.person), "conn_nowhere")
    assert own(AuditEntry).get(action="connection.test").detail["error"] == "Unreachable"
