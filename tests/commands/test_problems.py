"""`manage.py problems`: the list, and what people do with problems by their numbers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from monitor.management.commands import problems as command
from monitor.models import CrmFailure, Failure, Problem, Role
from monitor.triage.take_crm import take_crm
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, fail, flow, problem, triage

__all__ = ["fail", "flow", "triage"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "utc_now", lambda: now)


@pytest.fixture
def found(fail: Fail, triage: Triage) -> Problem:
    triage(fail(minutes_ago=50), fail(minutes_ago=40))
    return problem()


def run(capsys: pytest.CaptureFixture[str], *words: object, **options: Any) -> str:
    call_command("problems", *map(str, words), **options)
    return capsys.readouterr().out


def test_the_list_as_json(found: Problem, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run(capsys, "--json", "--account", found.account.name))
    assert len(rows) == 1
    row = rows[0]
    assert (row["number"], row["state"], row["owner"], row["flows"]) == (found.pk, "new", None, 1)
    assert row["failed"] == row["open"] == 2
    assert row["failed"] == sum(row[fate] for fate in Failure.Fate.values)
    assert row["last_seen_at"] == "2026-11-22T11:20:02Z"


def test_the_list_for_people(found: Problem, capsys: pytest.CaptureFixture[str]) -> None:
    line = run(capsys, "--account", found.account.name)
    assert line.startswith(f"{found.pk}: Tax")
    assert "[new] 2 of 2 failed runs open in 1 flow" in line
    assert "nobody is on it" in line
    assert run(capsys, "--account", found.account.name, "--state", "archived") == "No problems that are archived.\n"


def test_the_list_of_some_numbers(fail: Fail, triage: Triage, capsys: pytest.CaptureFixture[str]) -> None:
    triage(fail("Tax"), fail("Token"))
    one, other = own(Problem).order_by("pk")
    assert [row["number"] for row in json.loads(run(capsys, "list", other.pk, "--json"))] == [other.pk]
    call_command("problems", "resolve", str(one.pk))
    capsys.readouterr()
    assert run(capsys, "list", one.pk) == "No problems that are unresolved.\n"
    assert run(capsys, "list", one.pk, "--state", "all").startswith(f"{one.pk}: ")


def test_acts_by_number(found: Problem, capsys: pytest.CaptureFixture[str], now: datetime) -> None:
    factories.make_user("olga", Role.OPERATOR)
    assert "assigned to olga" in run(capsys, "assign", found.pk, owner="olga")
    assert problem().owner is not None
    assert "archived" in run(capsys, "archive", found.pk, until="2026-11-24")
    assert problem().archived_until == now.replace(hour=0) + timedelta(days=2)
    assert "reopened" in run(capsys, "reopen", found.pk)
    assert "noted" in run(capsys, "note", found.pk, reason="asked the vendor")
    assert "noted. Nobody who may see this is called @ghost, so no mail went there." in run(
        capsys, "note", found.pk, reason="ask @ghost"
    )
    assert "resolved" in run(capsys, "resolve", found.pk, changed_at="2026-11-22T11:00:00Z", reason="made the tax")
    assert (problem().state, problem().resolved_before) == ("resolved", now - timedelta(hours=1))
    assert "assigned to nobody" in run(capsys, "assign", found.pk, owner="")


def test_write_off(found: Problem, capsys: pytest.CaptureFixture[str]) -> None:
    assert "2 runs written off" in run(capsys, "write-off", found.pk, reason="test data")
    assert {row.fate for row in own(Failure)} == {"written_off"}


def test_merge(fail: Fail, triage: Triage, capsys: pytest.CaptureFixture[str]) -> None:
    triage(fail("Tax"), fail("Token"))
    one, other = own(Problem).order_by("pk")
    assert f"{other.pk}: took in {one.pk}" in run(capsys, "merge", one.pk, other.pk)
    assert problem() == other


def test_all_or_none(fail: Fail, triage: Triage) -> None:
    triage(fail("Tax"), fail("Token"))
    one, other = own(Problem).order_by("pk")
    call_command("problems", "resolve", str(other.pk))
    with pytest.raises(CommandError, match="It is resolved"):
        call_command("problems", "resolve", str(one.pk), str(other.pk))
    assert {row.state for row in own(Problem)} == {"new", "resolved"}


@pytest.mark.parametrize(
    ("words", "options", "says"),
    [
        (["resolve"], {}, "say which problems"),
        (["resolve", 10**12], {}, "there is no problem 1000000000000"),
        (["resolve", "N", 10**22], {}, f"there is no problem {10**22}"),
        (["merge", 10**22, "N"], {}, f"there is no problem {10**22}"),
        (["assign", 0], {"owner": ""}, "there is no problem 0"),
        (["list", 10**22], {}, f"there is no problem {10**22}"),
        (["resolve", "N"], {"changed_at": "yesterday"}, "--changed-at 'yesterday' is neither a day"),
        (["resolve", "N"], {"changed_at": "2099-01-01"}, "The change cannot lie in the future."),
        (["archive", "N"], {"after": 0}, "--after"),
        (["assign", "N"], {}, "say to whom"),
        (["assign", "N"], {"owner": "system"}, "system may not work on problems."),
        (["assign", "N"], {"owner": "nobody here"}, "there is no person named 'nobody here'"),
        (["note", "N"], {}, "Write something."),
        (["write-off", "N"], {}, "Say why these runs are given up."),
        (["merge", "N"], {}, "merge needs two problems"),
        ([], {"account": "nowhere"}, "there is no account named 'nowhere'"),
    ],
)
def test_bad_input_changes_nothing(found: Problem, words: list[object], options: dict[str, Any], says: str) -> None:
    before = own(Problem).values().get()
    with pytest.raises(CommandError) as error:
        call_command("problems", *[str(found.pk if word == "N" else word) for word in words], **options)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert own(Problem).values().get() == before
    assert {row.fate for row in own(Failure)} == {"open"}


def test_what_failed_in_crm_is_accepted_by_the_same_word_and_all_or_nothing(
    found: Problem, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    factories.make_webhook_failure(found.account)
    take_crm(now)
    of_crm = own(Problem).get(source="crm")
    out = run(capsys, "write-off", of_crm.pk, found.pk, reason="known")
    assert out.splitlines() == [f"{of_crm.pk}: 1 failure accepted", f"{found.pk}: 2 runs written off"]
    assert own(CrmFailure).get().fate == "written_off"
    factories.make_webhook_failure(found.account, webhook_id="9")
    take_crm(now)
    other = own(Problem).get(source="crm", state="new")
    with pytest.raises(CommandError, match="Nothing of it is open"):
        run(capsys, "write-off", other.pk, of_crm.pk, reason="known")
    assert own(CrmFailure).filter(fate="open").count() == 1
