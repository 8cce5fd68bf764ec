"""What people write about problems, failures and flows hides whom the pages of the runs hide, wherever it is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor import named_people
from monitor.alerting import actions
from monitor.models import Execution, Flow, Occasion, Problem, ProblemAct, User, WriteOff
from monitor.named_people import newest_failed
from monitor.notify.kinds import note as note_mail
from monitor.retry.set_pin import set_pin
from monitor.triage import acts
from monitor.triage.write_off import write_off
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_state
from tests.triage.conftest import Fail, Triage, fail, flow, triage

__all__ = ["fail", "flow", "triage"]
pytestmark = pytest.mark.django_db

NAMES = ("Quilla Zorn", "Ned Wixley", "Vera Holm")


@pytest.fixture
def runs(fail: Fail, triage: Triage) -> list[Execution]:
    """Three failed runs of one problem, each about a person."""
    made = [fail(minutes_ago=30 + n, trigger_data={"name": name, "id": n}) for n, name in enumerate(NAMES)]
    triage(*made)
    return made


@pytest.fixture
def problem(runs: list[Execution]) -> Problem:
    return own(Problem).get()


def page(client: Any, thing: Any) -> str:
    return client.get(thing.get_absolute_url()).content.decode()


Act = Callable[[Problem, str, User, datetime], Any]
ACTS: dict[str, Act] = {
    "note": acts.add_note,
    "resolve": lambda problem, text, otto, now: acts.resolve(problem, otto, now, text=text),
    "archive": lambda problem, text, otto, now: acts.archive(problem, otto, now, text=text),
    "write off": lambda problem, text, otto, now: write_off(newest_failed(group__problem=problem), otto, text, now),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_problems_log_hides_the_people_of_its_runs_in_what_is_written(
    runs: list[Execution], problem: Problem, act: str, otto: User, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    ACTS[act](problem, "Asked Ned Wixley, and ZORN, says Bob", otto, at_noon)
    assert "Asked [hidden], and [hidden], says Bob" in page(signed_in(vera), problem)
    # The data of the runs goes by its age, the words stay.
    own(Execution).update(trigger_data=None, said_names="")
    assert "Asked [hidden], and [hidden], says Bob" in page(signed_in(vera), problem)


def test_the_mail_of_a_note_hides_them_too_and_calls_who_is_mentioned_by_name(
    runs: list[Execution], problem: Problem, otto: User, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    """A person of ours may be called as a person of a run is."""
    acts.add_note(problem, "@vera: Vera Holm and Zorn asked", otto, at_noon)
    letter = note_mail.KIND.letter(Occasion.objects.get(recipient=vera), UTC)
    assert letter.quote == "@vera: [hidden] and [hidden] asked"
    assert "@vera: [hidden] and [hidden] asked" in page(signed_in(vera), problem)


def test_a_run_that_was_written_off_says_by_whom_and_why_and_names_nobody_of_the_others(
    runs: list[Execution], otto: User, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    keys = [run.pk for run in runs[:2]]
    write_off(keys, otto, "Ned Wixley entered both by hand", at_noon)
    client = signed_in(vera)
    for run in runs[:2]:
        shown = page(client, run)
        assert "[hidden] entered both by hand" in shown
        assert "Written off" in shown
        assert "Wixley" not in shown
    assert "entered both by hand" not in page(client, runs[2])
    assert {row.said_names for row in own(WriteOff)} == {"Ned Wixley\nWixley\nNed"}


def test_why_an_admin_said_that_a_flow_may_be_repeated_names_nobody_of_its_runs(
    runs: list[Execution], flow: Flow, ada: User, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    set_pin(flow, "unknown", [], ada, "Quilla Zorn got two invoices", at_noon)
    client = signed_in(vera)
    addresses = [f"{flow.get_absolute_url()}?tab=definition", *(run.get_absolute_url() for run in runs[:2])]
    for address in addresses:
        shown = client.get(address).content.decode()
        assert "[hidden] got two invoices" in shown
        assert "Zorn" not in shown


def test_what_people_say_of_an_incident_names_nobody_of_the_failed_runs_of_its_flows(
    runs: list[Execution], flow: Flow, otto: User, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    alert = make_state(factories.make_alert_rule(flow.account), flow, at_noon)
    incident = factories.make_incident(alert)
    actions.acknowledge(incident, otto, "Ned Wixley called", at_noon)
    actions.comment(incident, "Zorn called too", otto, at_noon)
    client = signed_in(vera)
    shown = page(client, incident)
    # The acknowledgement stands beside the owner and in the timeline.
    assert (shown.count("[hidden] called"), shown.count("[hidden] called too")) == (3, 1)
    assert "Wixley" not in shown + page(client, alert)
    assert "[hidden] called" in page(client, alert)
    incident.refresh_from_db()
    assert incident.people == ["Ned Wixley", "Wixley", "Ned"]
    actions.take_back(incident, otto, at_noon)
    incident.refresh_from_db()
    assert incident.people == []


def test_words_are_held_against_the_newest_runs_of_the_problem_alone(
    runs: list[Execution], problem: Problem, fail: Fail, otto: User, at_noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(named_people, "MOST_RUNS", 2)
    other = factories.make_flow(runs[0].account)
    factories.make_failure(factories.make_execution(other, "failed", trigger_data={"name": "Olga Prune"}))
    assert newest_failed(group__problem=problem) == [runs[0].pk, runs[1].pk]
    acts.add_note(problem, "Quilla Zorn, Vera Holm, Olga Prune", otto, at_noon + timedelta(minutes=1))
    assert own(ProblemAct).get(kind="note").people == ["Quilla Zorn", "Quilla", "Zorn"]
