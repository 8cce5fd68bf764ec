"""Every documented error of a change is provoked once by an admin's click in Chromium, and read as its message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from monitor import pipeline
from monitor.edits import drafts
from monitor.edits.refusals import explain
from monitor.models import ApiBudget, ApiToken, ConnectedWorkflow, Edit, Flow, User, WorkflowRule
from monitor.sent_once.timing import MAX_SENDS
from standin.build import make_world, system_clock
from tests.browser.conftest import Visit, Zoho, mirrored
from tests.edits.test_refusals import DOCUMENTED

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Zoho says with these that nothing was done: a new token or another minute may help, and it is tried thrice at most.
FOR_NOW = {
    "INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE", "TOO_MANY_REQUESTS", "RATE_LIMIT_EXCEEDED",
    "LIMIT_REACHED",
}  # fmt: skip
WITHOUT_A_WORD = {"INTERNAL_ERROR"}  # that it was not done: it stays open, and the thing is changed no further
# Those last, as the thing that they are about is taken afterwards.
ERRORS = sorted(dict.fromkeys(DOCUMENTED), key=lambda row: row[1] in WITHOUT_A_WORD)


@pytest.fixture
def small(transactional_db: None) -> Iterator[Zoho]:
    """A stand-in with one flow and a few rules."""
    world = make_world(seed=11, clock=system_clock, flows=1, rules=4, executions=1, history_days=1)
    with mirrored(world) as found:
        yield found


def changes_at(zoho: Zoho) -> list[Any]:
    """What came to Zoho that would change something, sign-ins aside."""
    return [call for call in zoho.app.ledger.calls if call.method != "GET" and "/oauth/" not in call.path]


def time_passes(zoho: Zoho) -> None:
    """As much as Zoho, or our own caution, asks to wait."""
    ago = timezone.now() - timedelta(seconds=1)
    ApiToken.objects.filter(account=zoho.account).update(refreshes=[])
    ApiBudget.objects.filter(account=zoho.account).update(blocked_until=None, failures_in_row=0)
    Edit.objects.filter(account=zoho.account, state="wished").update(not_before=ago)


def asked_by_a_click(page: Page, url: str, zoho: Zoho, subject: str) -> None:
    """An admin asks for a change of such a thing, and confirms it."""
    of_account = {"account": zoho.account, "gone_at": None}
    if subject == "rule":
        path = f"/rules/{WorkflowRule.objects.get(name='Big deal to management', **of_account).pk}/edit/deactivate/"
    elif subject == "rule_order":
        path = f"/rules/{WorkflowRule.objects.get(name='Big deal to management', **of_account).pk}/order/"
    elif subject == "flow":
        path = f"/flows/{Flow.objects.get(**of_account).pk}/edit/deactivate/"
    else:
        workflow = ConnectedWorkflow.objects.filter(status="active", **of_account).earliest("pk")
        path = f"/connected/{workflow.pk}/edit/deactivate/"
    page.goto(url + path, wait_until="domcontentloaded")
    if subject == "rule_order":
        page.get_by_label("Big deal to management").fill("1")
        page.get_by_role("button", name="Show what would change").click()
    page.get_by_label("Reason").fill("As agreed with sales")
    page.locator("form:has(#confirm_reason) button[type=submit]").click()
    page.wait_for_url("**/edits/*/", wait_until="commit")


def test_every_documented_error_is_read_as_its_message_and_what_to_do(
    visit: Visit, small: Zoho, people: dict[str, User]
) -> None:
    faults, page = small.app.faults, visit.page
    expected = 0
    visit.sign_in(people["ada"])
    for subject, code, words, place, _ in ERRORS:
        asked_by_a_click(page, visit.url, small, subject)
        row, before = explain(subject, code, words, place), len(changes_at(small))
        for method in ("POST", "PUT"):
            answer = {"code": code, "message": words, "place": place}
            kind = {"kind": "documented_error", "path": "workflow|/flows/", "method": method, "times": 0}
            faults.push(kind | {"args": answer})
        sends = MAX_SENDS if code in FOR_NOW else 1
        for _ in range(sends):
            pipeline.settle_edits()
            time_passes(small)
        sent = changes_at(small)[before:]
        assert len(sent) == sends, (subject, code)
        assert {call.fault for call in sent} == {"documented_error"}, "nothing was carried out"
        expected += sends
        faults.clear()
        page.reload(wait_until="domcontentloaded")
        shown = page.locator("#edit-state").inner_text()
        assert row.message in shown, (subject, code, words, place)
        assert row.resolution in shown, (subject, code, words, place)
        assert Edit.objects.latest("pk").state == ("unknown" if code in WITHOUT_A_WORD else "refused")
    time_passes(small)
    pipeline.settle_edits()
    assert len(changes_at(small)) == expected, "no row of them was sent once more by a later sweep"


def refused_by_us() -> list[tuple[str, str, dict[str, str], str]]:
    """What our own checks refuse before anything is sent: the page, its fields, what is read there."""
    return [
        ("describe", "", {"Name": "n" * 101}, "The name has 101 characters; Zoho takes 100."),
        ("describe", "", {"Description": "d" * 1001}, "The description has 1001 characters; Zoho takes 1000."),
        ("activate", "", {}, "It is active already."),
        ("change", "module", {}, "A rule stays in its module"),
        ("change", "trigger", {}, "A trigger stays in its category"),
        ("change", "conditions", {}, "A rule has at most 10 conditions"),
        ("change", "actions", {}, "at most 5 instant actions"),
        ("change", "unsupported", {}, "The trigger delete does not allow the action assign_owner."),
        ("change", "id", {}, "there is none with the id 99"),
    ]


def spoiled(definition: dict[str, Any], how: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(definition))
    (condition,) = found["conditions"]
    new = {"type": "add_tags", "details": {"tags": [{"name": "A"}]}}
    changes: dict[str, Callable[[], Any]] = {
        "module": lambda: found.update(module={"api_name": "Leads"}),
        "trigger": lambda: found.update(execute_when={"type": "score_increase"}),
        "conditions": lambda: found["conditions"].extend({"instant_actions": {"actions": [new]}} for _ in range(10)),
        "actions": lambda: condition["instant_actions"]["actions"].extend([new] * 5),
        "id": lambda: condition["instant_actions"]["actions"].append({"type": "tasks", "id": "99"}),
        "unsupported": lambda: (
            found["execute_when"].update(type="delete"),
            condition["instant_actions"]["actions"].append({"type": "assign_owner", "details": {"id": "1"}}),
        ),
    }
    changes[how]()
    return found


def looked_at(page: Page, fields: dict[str, str]) -> None:
    for label, text in fields.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Show what would change").last.click()


def test_what_our_own_checks_refuse_is_read_before_anything_is_sent(
    visit: Visit, small: Zoho, people: dict[str, User]
) -> None:
    page, before = visit.page, len(changes_at(small))
    rule = WorkflowRule.objects.get(account=small.account, name="Big deal to management")
    taken = ConnectedWorkflow.objects.filter(account=small.account, gone_at=None).earliest("pk")
    definition = drafts.newest_of(rule)[0]
    visit.sign_in(people["ada"])
    for act, how, fields, words in refused_by_us():
        page.goto(f"{visit.url}/rules/{rule.pk}/edit/{act}/", wait_until="domcontentloaded")
        typed = fields | ({"Definition (JSON)": json.dumps(spoiled(definition, how))} if how else {})
        if typed:
            looked_at(page, typed)
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.get_by_text("It cannot be sent.").first).to_be_visible()
        expect(page.get_by_text("Send it to Zoho")).to_have_count(0)
    for name, module, description, words in (
        ("n" * 51, "Cases", "", "The name has 51 characters; Zoho takes 50."),
        ("a<b", "Cases", "", "in the name of a connected workflow"),
        ("Fits", "Cases", "d" * 501, "The description has 501 characters; Zoho takes 500."),
        (taken.name, "Cases", "", "There is a connected workflow of this name already."),
        ("Fits", taken.primary_module, "", "has a connected workflow already: one a module."),
        ("", "Cases", "", "This field is required."),
    ):
        page.goto(f"{visit.url}/connected/new/", wait_until="domcontentloaded")
        looked_at(page, {"Name": name, "Primary module (API name)": module, "Description": description})
        expect(page.get_by_text(words)).to_be_visible()
        expect(page.get_by_text("Send it to Zoho")).to_have_count(0)
    # Chromium notes the answer to the name that is missing as a file that did not come.
    visit.complaints = [one for one in visit.complaints if "/connected/new/: Failed to load resource" not in one]
    assert not Edit.objects.filter(account=small.account).exists()
    assert len(changes_at(small)) == before
