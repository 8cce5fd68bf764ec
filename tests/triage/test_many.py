"""One thing done with several problems: in one order whoever asks, again after a deadlock, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from monitor.management.commands import problems as command
from monitor.models import Failure, Problem, ProblemAct, User
from monitor.triage import acts
from tests.bystander import own
from tests.triage.conftest import Fail, Triage
from tests.triage.test_take import Deadlock

pytestmark = pytest.mark.django_db
Do = Callable[..., None]


@pytest.fixture
def both(fail: Fail, triage: Triage) -> list[int]:
    """Two problems, that with the greater key seen first: so it is where history is read, newest first."""
    triage(fail("Tax", minutes_ago=30))
    triage(fail("Token", minutes_ago=50))
    keys = list(own(Problem).order_by("first_seen_at").values_list("pk", flat=True))
    assert keys == sorted(keys, reverse=True)
    return keys


@pytest.fixture(params=["page", "command"])
def do(request: pytest.FixtureRequest, client: Client, operator: User, monkeypatch: Any, now: Any) -> Do:
    """Acts on problems as people do: with ticks on the page, and by command."""
    monkeypatch.setattr(command, "utc_now", lambda: now)

    def by_page(act: str, keys: list[int]) -> None:
        client.force_login(operator)
        assert client.post(reverse("problems_act"), {"act": act, "problem": keys}).status_code == 302

    def by_command(act: str, keys: list[int]) -> None:
        call_command("problems", act, *map(str, keys))

    return by_page if request.param == "page" else by_command


def test_problems_are_taken_in_the_order_of_their_keys_as_by_everybody_who_locks_several(
    both: list[int], do: Do
) -> None:
    do("resolve", both)
    resolved = own(ProblemAct).filter(kind="resolved").order_by("pk").values_list("problem", flat=True)
    assert list(resolved) == sorted(both)


def test_what_the_database_gave_up_for_a_deadlock_is_done_again_from_the_beginning(
    both: list[int], do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, tried = acts.resolve, list[int]()

    def deadlock_once(problem: Problem, *given: Any, **more: Any) -> None:
        tried.append(problem.pk)
        if len(tried) == 2:
            raise OperationalError("deadlock detected") from Deadlock()
        resolve(problem, *given, **more)

    monkeypatch.setattr(acts, "resolve", deadlock_once)
    do("resolve", both)
    assert tried == sorted(both) * 2
    assert own(ProblemAct).filter(kind="resolved").count() == 2
    assert {row.state for row in own(Problem)} == {"resolved"}


def test_failures_of_several_problems_are_written_off_at_once_before_any_problem_is_held(
    both: list[int], monkeypatch: pytest.MonkeyPatch, now: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "utc_now", lambda: now)
    write_off, asked = command.write_off, list[int]()

    def written(keys: list[int], *given: Any) -> list[int]:
        asked.append(len(keys))
        return write_off(keys, *given)

    monkeypatch.setattr(command, "write_off", written)
    call_command("problems", "write-off", *map(str, both), reason="test data")
    assert asked == [2]
    assert capsys.readouterr().out == "".join(f"{key}: 1 runs written off\n" for key in both)
    assert {row.fate for row in own(Failure)} == {"written_off"}
