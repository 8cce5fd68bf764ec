"""The field by which a flow's records are known: chosen by an admin, taken back, shown with its origin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from monitor.models import AuditEntry, Flow, RecordField, Role, User
from monitor.triage.acts import ActRefused
from monitor.triage.choose_record import choose, detail, offers, take_back
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, fates

pytestmark = pytest.mark.django_db


@pytest.fixture
def numbered(fail: Fail, triage: Triage) -> None:
    """Seven orders with a number that stays and an id that is new with each run; each has succeeded since."""
    triage(
        *(fail(minutes_ago=n, trigger_data={"id": str(n), "order": {"no": f"A{n}"}, "org": "1"}) for n in range(50, 57))
    )
    good = {"status": "success", "first_failed_at": None}
    records = {n: {"id": f"new{n}", "order": {"no": f"A{n}"}, "org": "1"} for n in range(50, 57)}
    triage(*(fail(minutes_ago=n - 40, trigger_data=data, **good) for n, data in records.items()))


def refusal(act: Callable[..., None], *args: Any) -> str:
    before = list(own(RecordField).values())
    with pytest.raises(ActRefused) as caught:
        act(*args)
    assert list(own(RecordField).values()) == before
    assert not own(AuditEntry).exists()
    return caught.value.code


def test_what_an_admin_chooses_closes_what_is_open_and_stands_in_the_trail(
    numbered: None, triage: Triage, flow: Flow, ada: User, now: datetime
) -> None:
    assert set(fates()) == {"open"}
    choose(flow, " order.no ", ada, now)
    triage()
    assert fates() == ["superseded"] * 7
    field = own(RecordField).get()
    assert (field.path, field.found, field.chosen_by, field.chosen_at) == ("order.no", "id", ada, now)
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor, entry.object_id) == ("record_field.choose", ada, str(flow.pk))
    assert entry.detail == {"from": "id", "to": "order.no"}


def test_taken_back_it_is_found_by_itself_again(
    numbered: None, triage: Triage, flow: Flow, ada: User, now: datetime
) -> None:
    choose(flow, "order.no", ada, now)
    RecordField.objects.filter(flow=flow).update(found="", samples=0)
    take_back(flow, ada, now)
    field = own(RecordField).get()
    assert (field.chosen, field.chosen_by, field.chosen_at) == ("", None, None)
    assert (field.path, field.samples, field.found_at) == ("id", 14, now)
    assert own(AuditEntry).get(action="record_field.take_back").detail == {"from": "order.no", "to": "id"}
    AuditEntry.objects.filter(account=flow.account).delete()
    assert refusal(take_back, flow, ada, now) == "already_so"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_nobody_else_chooses_or_takes_back(numbered: None, flow: Flow, now: datetime, role: Role) -> None:
    person = factories.make_user(role=role)
    assert refusal(choose, flow, "order.no", person, now) == "not_permitted"
    assert refusal(take_back, flow, person, now) == "not_permitted"


def test_a_field_that_tells_no_records_apart_is_refused(numbered: None, flow: Flow, ada: User, now: datetime) -> None:
    bad = dict.fromkeys(["", " ", ".", "order..no", "a\0b", "x" * 201], "bad_path")
    expected = bad | dict.fromkeys(["order", "order.nr", "id.more"], "not_there") | {"org": "same_in_all"}
    assert {path: refusal(choose, flow, path, ada, now) for path in expected} == expected


def test_the_same_choice_twice_is_one(numbered: None, flow: Flow, ada: User, now: datetime) -> None:
    choose(flow, "order.no", ada, now)
    with pytest.raises(ActRefused, match="chosen already"):
        choose(flow, "order.no", ada, now)
    assert own(AuditEntry).count() == 1


def test_a_flow_whose_runs_never_failed_may_have_its_field_chosen(
    fail: Fail, flow: Flow, ada: User, now: datetime
) -> None:
    fail(status="success", first_failed_at=None, trigger_data={"order": "A1"})
    choose(flow, "order", ada, now)
    assert own(RecordField).get().path == "order"


def test_what_is_offered_tells_runs_apart_and_names_nobody() -> None:
    samples = [
        {"id": n, "org": 1, "deal": {"no": f"A{n % 3}"}, "a.b": n, f"quilla{n}@example.com": n, "list": [n], "ok": True}
        for n in range(6)
    ]
    told = [(one.path, one.present, one.distinct) for one in offers([*samples, "text", None])]
    assert told == [("id", 6, 6), ("deal.no", 6, 3)]


def test_a_key_that_is_personal_is_hidden_where_it_is_told(fail: Fail, flow: Flow, ada: User, now: datetime) -> None:
    fail(trigger_data={"quilla@example.com": "1"})
    RecordField.objects.create(flow=flow, chosen="quilla@example.com")
    assert "quilla" not in detail(flow, with_offers=True).shown
