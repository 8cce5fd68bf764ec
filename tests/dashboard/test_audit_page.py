"""The audit trail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AuditEntry, User
from monitor.queries.audit import words


@pytest.fixture
def entries(ada: User) -> None:
    for day, (actor, action, thing) in enumerate(
        [("ada", "unmask", "execution"), ("otto", "retry.requested", "retry"), ("ada", "person.add", "person")], start=1
    ):
        AuditEntry.objects.create(
            at=datetime(2026, 11, day, 23, 30, tzinfo=UTC),
            actor=ada,
            actor_name=actor,
            action=action,
            object_type=thing,
            object_id=str(day),
            detail={"reason": "<b>bold</b>"},
        )


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({}, ["person.add", "retry.requested", "unmask"]),
        ({"action": "unmask"}, ["unmask"]),
        ({"actor": "OTT"}, ["retry.requested"]),
        ({"object_type": "person", "object_id": "3"}, ["person.add"]),
        ({"first_day": "2026-11-02"}, ["person.add", "retry.requested"]),
        ({"last_day": "2026-11-02"}, ["retry.requested", "unmask"]),
        ({"first_day": "2026-11-02", "last_day": "2026-11-02"}, ["retry.requested"]),
        ({"last_day": "2100-12-31"}, ["person.add", "retry.requested", "unmask"]),
        ({"action": "of.another.age"}, []),
        ({"page": "99"}, ["person.add", "retry.requested", "unmask"]),
    ],
)
def test_the_trail_is_narrowed_by_what_the_address_says(query, actions, entries, signed_in, ada):
    shown = signed_in(ada).get(reverse("audit"), query).context["page_obj"]
    assert [entry.action for entry in shown] == actions


def test_days_are_the_readers_days(entries, signed_in, ada):
    User.objects.filter(pk=ada.pk).update(timezone="Asia/Kolkata")
    shown = (
        signed_in(ada).get(reverse("audit"), {"first_day": "2026-11-02", "last_day": "2026-11-02"}).context["page_obj"]
    )
    assert [entry.action for entry in shown] == ["unmask"]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_refused_and_no_error_of_ours(day, entries, signed_in, ada):
    User.objects.filter(pk=ada.pk).update(timezone="Asia/Kolkata")
    answer = signed_in(ada).get(reverse("audit"), {"first_day": day, "last_day": day})
    assert answer.status_code == 400
    assert answer.content.decode().count("Give a year between 2000 and 2100.") == 2


def test_an_entrys_thing_leads_to_all_that_was_done_to_it(entries, signed_in, ada):
    page = signed_in(ada).get(reverse("audit"), {"page": "1"}).content.decode()
    assert 'href="?object_type=person&amp;object_id=3"' in page


def test_what_people_wrote_is_text(entries, signed_in, ada):
    page = signed_in(ada).get(reverse("audit")).content.decode()
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold" not in page


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"role": {"from": "viewer", "to": "admin"}}, ["role: viewer → admin"]),
        ({"flag": {"from": True, "to": False}, "n": {"from": None, "to": 0}}, ["flag: yes → no", "n: nothing → 0"]),
        ({"notes": [], "note": "", "accept_risk": False}, ["accept risk: no"]),
        ({"notes": ["a", "b"]}, ["notes: a", "notes: b"]),
        ({}, []),
        (["odd"], ["['odd']"]),
    ],
)
def test_an_entrys_details_in_words(detail: Any, expected: list[str]) -> None:
    assert words(detail) == expected
