"""Who asked for a change is asked to look, by one mail, where nothing shows what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.people.forms import ProfileForm
from monitor import due
from monitor.edits import drafts
from monitor.edits.requests import settle_by_hand
from monitor.edits.tell import ask_who_wanted
from monitor.models import AuditEntry, Delivery, Edit, Occasion, Role
from monitor.notify.dispatch import dispatch_occasions
from monitor.notify.outlived import outlived_occasions
from monitor.periods import DAY
from tests import factories
from tests.bystander import Bystander, own
from tests.edits.conftest import EditDesk

pytestmark = pytest.mark.django_db


def lost(desk: EditDesk) -> Edit:
    """A change whose answer was lost, and of which Zoho's reading shows neither."""
    desk.lose = lambda: "before"
    rule = desk.rule()
    edit = desk.done(desk.ask(drafts.rule_draft(rule, "describe", {"name": "Another name", "description": ""})))
    Edit.objects.filter(pk=edit.pk).update(state="unknown", settled_at=None, next_check_at=None, act="test_actions")
    edit.refresh_from_db()
    return edit


def asked() -> list[tuple[str, str]]:
    return list(own(Occasion).order_by("pk").values_list("kind", "recipient__username"))


def test_after_a_quarter_of_an_hour_one_mail_asks_who_wanted_it_to_look(
    edit_desk: EditDesk, settings: Any, bystander: Bystander
) -> None:
    settings.PUBLIC_URL = "https://monitor.example.com"
    edit = lost(edit_desk)
    Edit.objects.filter(pk=edit.pk).update(reason="told by jane@example.com")
    edit_desk.clock.advance(14 * 60)
    assert ask_who_wanted(edit_desk.clock()) == 0
    assert not due.is_any_edit_due(edit_desk.clock())
    edit_desk.clock.advance(61)
    assert due.is_any_edit_due(edit_desk.clock())
    assert ask_who_wanted(edit_desk.clock()) == 1
    assert not due.is_any_edit_due(edit_desk.clock())
    edit_desk.clock.advance(3600)
    assert ask_who_wanted(edit_desk.clock()) == 0
    assert asked() == [("change_unknown", edit_desk.person.username)]
    assert own(AuditEntry).filter(action="edit.owner_told", object_id=str(edit.pk)).count() == 1
    edit.refresh_from_db()
    assert edit.state == "unknown"

    assert dispatch_occasions(edit_desk.clock()) == 1
    mail = own(Delivery).get()
    assert mail.subject == f"[Changes] Look in Zoho: what became of change {edit.pk} is not known"
    assert f"https://monitor.example.com{edit.get_absolute_url()}" in mail.text
    assert "All unknown outcomes (of yours: 1): https://monitor.example.com/edits/?state=unknown" in mail.text
    assert "Workflow rule: Big deal to management\n" in mail.text
    assert "By now" not in mail.text
    assert "jane@example.com" not in mail.text + mail.html


def test_a_change_that_was_settled_before_is_not_asked_about(edit_desk: EditDesk) -> None:
    edit = lost(edit_desk)
    edit_desk.clock.advance(901)
    settle_by_hand(edit, edit_desk.person, "I looked", edit_desk.clock(), was_done=False)
    assert ask_who_wanted(edit_desk.clock()) == 0
    assert asked() == []


def test_what_has_become_known_before_the_mail_is_written_stands_in_it(edit_desk: EditDesk) -> None:
    edit = lost(edit_desk)
    edit_desk.clock.advance(901)
    ask_who_wanted(edit_desk.clock())
    settle_by_hand(edit, edit_desk.person, "I looked", edit_desk.clock(), was_done=True)
    dispatch_occasions(edit_desk.clock())
    assert "By now: Done, as was read later\n" in own(Delivery).get().text


def test_who_wants_no_such_mail_gets_none(edit_desk: EditDesk) -> None:
    lost(edit_desk)
    edit_desk.person.unwanted_mails = ["change_unknown"]
    edit_desk.person.save()
    edit_desk.clock.advance(901)
    assert ask_who_wanted(edit_desk.clock()) == 1
    assert dispatch_occasions(edit_desk.clock()) == 0
    assert not own(Delivery).exists()


def test_that_somebody_was_asked_is_kept_as_long_as_the_outcome_is_unknown(edit_desk: EditDesk) -> None:
    edit = lost(edit_desk)
    edit_desk.clock.advance(901)
    ask_who_wanted(edit_desk.clock())
    own(Occasion).update(dispatch_state="silent")
    edge = edit_desk.clock() + DAY
    assert not own(Occasion).filter(pk__in=outlived_occasions(edge).values("pk")).exists()
    settle_by_hand(edit, edit_desk.person, "I looked", edit_desk.clock(), was_done=True)
    assert own(Occasion).filter(pk__in=outlived_occasions(edge).values("pk")).exists()


@pytest.mark.parametrize(("role", "is_offered"), [(Role.ADMIN, True), (Role.OPERATOR, False), (Role.VIEWER, False)])
def test_only_who_may_change_automation_finds_the_switch_of_these_mails(db: None, role: Role, is_offered: bool) -> None:
    person = factories.make_user("sam", role)
    assert ("wants_change_unknown" in ProfileForm(instance=person).fields) == is_offered
