"""Admins change rules on pages: what would change is shown, a wish is taken, its state and its undo are offered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from monitor.edits import drafts
from monitor.models import Edit, Role
from tests import factories
from tests.bystander import own
from tests.dashboard.soup import Page, words
from tests.edits.conftest import EditDesk, opened_desk


@pytest.fixture
def desk(db: None, ada: Any) -> Iterator[EditDesk]:
    with opened_desk(ada) as found:
        yield found


@pytest.fixture
def admin(desk: EditDesk, signed_in: Any) -> Iterator[Client]:
    with time_machine.travel(desk.clock(), tick=False):
        yield signed_in(desk.person)


def text_of(answer: Any) -> str:
    return words(Page(answer.content.decode()).root)


def hidden_of(answer: Any) -> dict[str, str]:
    """The hidden fields of the page's last form, as a browser sends them."""
    form = Page(answer.content.decode()).root.findall(".//form[@method='post']")[-1]
    return {
        field.get("name"): field.get("value") or ""
        for field in form.iter("input")
        if field.get("type") == "hidden" and field.get("name") != "csrfmiddlewaretoken"
    }


def as_a_browser_sends(page: str) -> dict[str, str]:
    """What the last form of a page sends as it is shown, by its button that looks further."""
    form = Page(page).root.findall(".//form[@method='post']")[-1]
    found = {}
    for field in form.iter():
        name, kind = field.get("name"), field.get("type")
        if field.tag == "select":
            chosen = [one for one in field.iter("option") if one.get("selected") is not None] or [*field.iter("option")]
            found[name] = chosen[0].get("value") or ""
        elif field.tag == "textarea":
            found[name] = (field.text or "").removeprefix("\n")
        elif (
            field.tag == "input" and name != "csrfmiddlewaretoken" and (kind != "checkbox" or "checked" in field.attrib)
        ):
            found[name] = field.get("value") or ""
    return found


def previewed(client: Client, address: str, said: dict[str, Any]) -> Any:
    """Fills the form of a page, as it is shown now, and asks what that would change."""
    return client.post(address, as_a_browser_sends(client.get(address).content.decode()) | {"step": "preview"} | said)


def confirmed(client: Client, address: str, shown: Any, **more: str) -> Any:
    return client.post(address, hidden_of(shown) | {"reason": "as agreed", **more})


def test_a_rule_is_deactivated_by_two_clicks_and_undone_by_two_more(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    page = admin.get(rule.get_absolute_url())
    address = reverse("rule_edit", args=[rule.pk, "deactivate"])
    assert address in page.content.decode()
    shown = admin.get(address)
    assert "status.active Changed true false" in text_of(shown)
    assert not own(Edit).exists()
    sent = confirmed(admin, address, shown)
    edit = own(Edit).get()
    assert sent["Location"] == edit.get_absolute_url()
    assert "Waiting to be sent" in text_of(admin.get(edit.get_absolute_url()))
    desk.sweep()
    assert "Zoho did it." in text_of(admin.get(edit.get_absolute_url()))
    assert not desk.is_on(rule.rule_id)

    undo = reverse("edit_undo", args=[edit.pk])
    assert undo in admin.get(edit.get_absolute_url()).content.decode()
    confirmed(admin, undo, admin.get(undo))
    desk.sweep()
    assert desk.is_on(rule.rule_id)
    assert "Undone by" in text_of(admin.get(edit.get_absolute_url()))


def test_a_rule_is_renamed_over_a_form_and_a_preview(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    address = reverse("rule_edit", args=[rule.pk, "describe"])
    assert 'value="Big deal to management"' in admin.get(address).content.decode()
    wish = {"step": "preview", "name": "VP Alert", "description": "For sales leadership"}
    shown = previewed(admin, address, wish)
    assert shown.status_code == 200
    assert "name Changed Big deal to management VP Alert" in text_of(shown)
    assert confirmed(admin, address, shown).status_code == 302
    desk.sweep()
    assert desk.at_zoho(rule.rule_id).body["description"] == "For sales leadership"


def test_what_zoho_would_refuse_is_said_with_the_form_to_correct_it(desk: EditDesk, admin: Client) -> None:
    address = reverse("rule_edit", args=[desk.rule().pk, "describe"])
    shown = previewed(admin, address, {"name": "n" * 101, "description": ""})
    assert "The name has 101 characters; Zoho takes 100." in text_of(shown)
    assert "Correct it" in text_of(shown)
    assert "Send it to Zoho" not in text_of(shown)


def test_a_name_that_is_hidden_in_part_stays_what_it_is_unless_it_is_written_anew(
    desk: EditDesk, admin: Client
) -> None:
    rule = desk.rule()
    desk.world.do("rule_update", rule_id=rule.rule_id, body={"name": "Ask lea.stone@example.com first"})
    desk.mirror()
    address = reverse("rule_edit", args=[rule.pk, "describe"])
    page = admin.get(address).content.decode()
    assert "lea.stone" not in page
    name = re.search(r'name="name" value="([^"]*)"', page)
    assert name is not None
    shown = previewed(admin, address, {"name": name[1], "description": "New"})
    confirmed(admin, address, shown)
    desk.sweep()
    assert desk.at_zoho(rule.rule_id).body["name"] == "Ask lea.stone@example.com first"
    assert desk.writes[-1][2] == {"workflow_rules": [{"description": "New"}]}


def test_a_change_that_was_made_meanwhile_is_shown_before_anything_is_asked_for(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    address = reverse("rule_edit", args=[rule.pk, "deactivate"])
    shown = admin.get(address)
    desk.world.do("rule_update", rule_id=rule.rule_id, body={"description": "new"})
    desk.mirror()
    answer = confirmed(admin, address, shown)
    assert answer.status_code == 409
    assert "has changed since this page was shown" in text_of(answer)
    assert not own(Edit).exists()


def test_a_rule_is_deleted_only_by_its_name(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    address = reverse("rule_edit", args=[rule.pk, "delete"])
    shown = admin.get(address)
    assert "Type Big deal to management to confirm." in text_of(shown)
    assert confirmed(admin, address, shown, typed_name="Big").status_code == 409
    assert confirmed(admin, address, shown, typed_name=rule.name).status_code == 302
    desk.sweep()
    assert rule.rule_id not in desk.world.rules.rules


def test_criteria_and_actions_are_changed_as_json(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    address = reverse("rule_edit", args=[rule.pk, "change"])
    page = Page(admin.get(address).content.decode())
    (area,) = page.root.iter("textarea")
    definition = json.loads(area.text)
    amount = {"comparator": "greater_than", "field": {"api_name": "Amount"}, "value": "300000"}
    definition["conditions"][0]["criteria_details"] = {"criteria": amount}
    shown = previewed(admin, address, {"definition": json.dumps(definition)})
    assert "Send it to Zoho" in text_of(shown), text_of(shown)
    confirmed(admin, address, shown)
    desk.sweep()
    assert own(Edit).get().state == "done"
    (condition,) = desk.at_zoho(rule.rule_id).body["conditions"]
    assert condition["criteria_details"] == {"criteria": amount}
    assert [action["name"] for action in condition["instant_actions"]["actions"]] == ["Big deal"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("{", "This is no JSON"),
        ("[]", "This is no JSON object."),
        ('{"workflow_rules": []}', "exactly one rule a request"),
        ('{"workflow_rules": [{}, {}]}', "exactly one rule a request"),
        ("", "This field is required."),
    ],
)
def test_what_is_no_definition_is_said_in_one_line(desk: EditDesk, admin: Client, sent: str, said: str) -> None:
    answer = previewed(admin, reverse("rule_edit", args=[desk.rule().pk, "change"]), {"definition": sent})
    assert answer.status_code == 400
    assert said in text_of(answer)


def test_a_copy_of_a_rule_is_made_under_a_name_of_its_own(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    address = reverse("rule_new")
    page = Page(admin.get(address, {"copy": rule.pk}).content.decode())
    (area,) = page.root.iter("textarea")
    wish = {"step": "preview", "account": desk.account.pk, "definition": area.text}
    shown = admin.post(address, wish)
    assert confirmed(admin, address, shown).status_code == 302, text_of(shown)
    desk.sweep()
    copy = desk.rule("Copy of Big deal to management")
    one, other = drafts.newest_of(rule)[0], drafts.newest_of(copy)[0]
    assert one["execute_when"] == other["execute_when"]
    assert copy.rule_id != rule.rule_id


def test_a_change_is_called_off_and_an_unknown_one_settled_on_its_page(desk: EditDesk, admin: Client) -> None:
    waits = desk.ask_of_rule("deactivate")
    admin.post(reverse("edit_cancel", args=[waits.pk]))
    waits.refresh_from_db()
    assert waits.state == "cancelled"
    assert admin.post(reverse("edit_cancel", args=[waits.pk])).status_code == 409

    lost = desk.ask_of_rule("deactivate")
    Edit.objects.filter(pk=lost.pk).update(state="unknown", sent_at=desk.clock())
    page = text_of(admin.get(lost.get_absolute_url()))
    assert "never sent again by itself" in page
    assert "What I saw in Zoho" not in page
    early = admin.post(reverse("edit_settle", args=[lost.pk]), {"was_done": "no", "reason": "looked"})
    assert early.status_code == 409
    desk.clock.advance(16 * 60)
    with time_machine.travel(desk.clock(), tick=False):
        assert "What I saw in Zoho" in text_of(admin.get(lost.get_absolute_url()))
        admin.post(reverse("edit_settle", args=[lost.pk]), {"was_done": "no", "reason": "looked"})
    lost.refresh_from_db()
    assert lost.state == "settled_not_done"


def test_a_refusal_is_told_with_what_to_do(desk: EditDesk, admin: Client) -> None:
    edit = desk.ask_of_rule("deactivate")
    Edit.objects.filter(pk=edit.pk).update(state="refused", code="OAUTH_SCOPE_MISMATCH", answer="No scope.")
    page = text_of(admin.get(edit.get_absolute_url()))
    assert "What to do: Connect the account again" in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_others_see_changes_and_are_offered_none(desk: EditDesk, signed_in: Any, role: Role) -> None:
    edit = desk.ask_of_rule("deactivate")
    client = signed_in(factories.make_user("pat", role))
    rule = client.get(desk.rule().get_absolute_url())
    assert edit.get_absolute_url() in rule.content.decode()
    assert "/edit/" not in rule.content.decode()
    page = client.get(edit.get_absolute_url())
    assert page.status_code == 200
    assert "Call it off" not in text_of(page)


def test_changes_are_found_by_name_state_and_kind(desk: EditDesk, admin: Client) -> None:
    desk.ask_of_rule("deactivate")
    address = reverse("edits")
    for query in ({"text": "big deal"}, {"state": "open"}, {"state": "wished"}, {"act": "deactivate"}):
        assert len(admin.get(address, query).context["rows"]) == 1, query
    for query in ({"text": "other"}, {"state": "done"}, {"act": "delete"}):
        assert len(admin.get(address, query).context["rows"]) == 0, query


def test_a_change_s_page_costs_few_statements(
    desk: EditDesk, admin: Client, django_assert_max_num_queries: Any
) -> None:
    edit = desk.ask_of_rule("deactivate")
    for address in (
        edit.get_absolute_url(),
        reverse("edits"),
        reverse("rule_edit", args=[desk.rule().pk, "deactivate"]),
        reverse("rule_edit", args=[desk.rule().pk, "fields"]),
        reverse("rule_form"),
    ):
        with django_assert_max_num_queries(8):
            admin.get(address)


def json_of(answer: Any) -> Any:
    (area,) = Page(answer.content.decode()).root.iter("textarea")
    return json.loads(area.text)


@pytest.mark.parametrize("step", ["preview", "confirm"])
@pytest.mark.parametrize("act", ["change", "describe", "fields"])
def test_what_was_written_over_an_older_definition_is_refused_and_the_form_filled_anew(
    desk: EditDesk, admin: Client, act: str, step: str
) -> None:
    rule = desk.rule()
    address = reverse("rule_edit", args=[rule.pk, act])
    form = admin.get(address)
    said: dict[str, Any] = as_a_browser_sends(form.content.decode()) | {"name": "VP Alert", "description": ""}
    if act == "change":
        said["definition"] = json.dumps(json_of(form) | {"name": "VP Alert"})
    if step == "confirm":
        shown = admin.post(address, said)
        said = hidden_of(shown) | {"reason": "as agreed"}
        assert said["step"] == "confirm"
    desk.world.do("rule_update", rule_id=rule.rule_id, body={"description": "somebody else was here"})
    desk.mirror()
    answer = admin.post(address, said)
    assert answer.status_code == 409
    assert "was changed in Zoho since this form was shown" in text_of(answer)
    page = answer.content.decode()
    assert "somebody else was here" in page
    assert "VP Alert" not in page
    assert not own(Edit).exists()
    assert hidden_of(answer)["judged_on"] == drafts.newest_of(desk.rule())[1]


def test_a_form_that_does_not_say_what_it_was_written_over_is_refused(desk: EditDesk, admin: Client) -> None:
    address = reverse("rule_edit", args=[desk.rule().pk, "describe"])
    assert admin.post(address, {"step": "preview", "name": "A", "description": ""}).status_code == 409


def test_a_copy_is_made_of_the_rule_as_it_was_shown(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    address = f"{reverse('rule_new')}?copy={rule.pk}"
    form = admin.get(address)
    said = hidden_of(form) | {"account": desk.account.pk, "definition": json.dumps(json_of(form))}
    assert admin.post(address, said).status_code == 200
    desk.world.do("rule_update", rule_id=rule.rule_id, body={"description": "somebody else was here"})
    desk.mirror()
    assert admin.post(address, said).status_code == 409


def test_a_copy_of_an_inactive_rule_says_that_it_may_run_at_once(desk: EditDesk, admin: Client) -> None:
    desk.done(desk.ask_of_rule("deactivate"))
    address = f"{reverse('rule_new')}?copy={desk.rule().pk}"
    form = admin.get(address)
    assert json_of(form)["status"] == {"active": False}
    said = hidden_of(form) | {"account": desk.account.pk, "definition": json.dumps(json_of(form))}
    assert "this one may run at once" in text_of(admin.post(address, said))


def test_only_a_click_asks_zoho_what_it_allows(desk: EditDesk, admin: Client, monkeypatch: Any) -> None:
    condition = desk.at_zoho(desk.rule().rule_id).body["conditions"][0]
    wanted = drafts.newest_of(desk.rule())[0] | {"conditions": [{"id": condition["id"], "sequence_number": 7}]}
    edit = desk.done(desk.ask_of_rule("change", definition=wanted))
    assert edit.state == "done"
    monkeypatch.setattr("dashboard.edits.ask.facts_of_account", lambda *_: pytest.fail("Zoho was asked"))
    address = reverse("edit_undo", args=[edit.pk])
    shown = admin.get(address)
    assert "it is asked before the change is sent" in text_of(shown)
    assert admin.head(address).status_code == 200
    assert confirmed(admin, address, shown).status_code == 302


def test_a_description_with_other_ends_of_lines_is_as_it_is(desk: EditDesk, admin: Client) -> None:
    rule = desk.rule()
    desk.world.do("rule_update", rule_id=rule.rule_id, body={"description": "first\r\nsecond \r\n"})
    desk.mirror()
    for act in ("describe", "fields"):
        address = reverse("rule_edit", args=[rule.pk, act])
        said = {"name": "VP Alert", "description": "first\r\nsecond "}
        shown = previewed(admin, address, said)
        assert shown.context["draft"].body == {"name": "VP Alert"}, act
