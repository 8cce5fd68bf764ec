"""What rules are measured by is read once a day, part by part."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.ingest.lists.rule_limits import FRESH, Part
from monitor.models import AutomationFact, StreamState, SyncState, ZohoAccount
from monitor.zoho.errors import NotAvailable, Refused, Unreachable
from monitor.zoho.shapes.rule_limits import rule_configuration
from tests.bystander import own
from tests.fake_zoho import Zoho, a_rule, a_task, sync

pytestmark = pytest.mark.django_db


def facts(account: ZohoAccount) -> dict[tuple[str, str], AutomationFact]:
    return {(row.part, row.subject): row for row in AutomationFact.objects.filter(account=account)}


def state(account: ZohoAccount) -> StreamState:
    return StreamState.objects.get(account=account, stream="rule_limits")


def refusing(what: str, error: Exception):
    def before(number: int, call: str) -> None:
        if call.startswith(what):
            raise error

    return before


@pytest.fixture
def ruled(zoho: Zoho) -> Zoho:
    zoho.rules = [a_rule("One"), a_rule("Two")]
    zoho.actions = {
        "field_updates": [
            {"id": "51", "field": {"api_name": "Stage"}, "value": "Won"},
            {"id": "52", "field": {"api_name": "Stage"}, "value": "x" * 500},
            {"id": "53", "field": {"api_name": "Stage"}, "related_module": {"api_name": "Accounts"}},
        ],
        "webhooks": [
            {"id": "81", "url": "https://erp.example.com/hook?key=abc123def456"},
            {"id": "82", "url": "https://[broken"},
        ],
        "tasks": [
            {
                "id": "61",
                "field_mappings": [
                    {"field": {"api_name": "Subject"}, "value": "Call jo@example.com", "display_value": "Call"},
                    {
                        "field": {"api_name": "Due_Date"},
                        "value": {"unit": "2"},
                        "display_value": "Trigger Date plus 2 days",
                    },
                    {"field": {"api_name": "Owner"}, "value": "Jo Example"},
                    "odd",
                ],
            },
            {"id": "62"},
        ],
        "email_notifications": [
            {
                "id": "71",
                "template": {"name": "Deal lost", "id": "9"},
                "recipients": {
                    "to": [{"type": "user", "details": {"name": "Jo Example"}}, {"type": "user"}, 5],
                    "cc": [],
                },
            },
            {"id": "72", "recipients": "odd"},
        ],
    }
    return zoho


def test_every_part_is_kept_and_of_addresses_the_host_alone(account: ZohoAccount, ruled: Zoho) -> None:
    sync(account, ruled)
    found = facts(account)
    assert found[Part.LIMITS, ""].facts["total_rules_limit"] == 2500
    assert found[Part.MODULES, ""].facts == {"Leads": [2, None]}
    assert found[Part.CONNECTED, ""].facts == {"connected_workflows_limit": 20}
    assert set(found[Part.CONFIGURATION, "Leads"].facts) == {"triggers", "related_triggers_details", "actions"}
    assert found[Part.FIELD_UPDATES, ""].facts == {
        "51": {"field": "Stage", "value": "Won"}, "52": {"field": "Stage", "value": None},
        "53": {"field": "", "value": None},
    }  # fmt: skip
    assert found[Part.WEBHOOKS, ""].facts == {"81": "erp.example.com", "82": ""}
    assert found[Part.TASKS, ""].facts == {"61": {"subject": "Call", "due": "Trigger Date plus 2 days"}, "62": {}}
    assert found[Part.MAILS, ""].facts == {
        "71": {"template": "Deal lost", "ways": [["to", "user", 2]]},
        "72": {"template": "", "ways": []},
    }
    assert "Jo Example" not in str([row.facts for row in found.values()])
    assert (state(account).state, state(account).item_count) == ("ok", 8)


def test_what_a_configuration_does_not_say_is_not_said_by_the_mirror_either(account: ZohoAccount, ruled: Zoho) -> None:
    asked = {"triggers": [{"api_name": "create"}, {"name": "?"}, {"api_name": "edit", "actions": ["tasks"]}],
             "related_triggers_details": [{"api_name": "Notes"}]}  # fmt: skip
    ruled.configurations = {"Leads": asked}
    sync(account, ruled)
    kept = facts(account)[Part.CONFIGURATION, "Leads"].facts
    first, read = (rule_configuration({"workflow_configurations": one}) for one in (asked, kept))
    assert (read.triggers[0].actions, read.triggers[0].scheduled_actions_supported) == (None, None)
    assert read.triggers[1].actions == ("tasks",)
    assert "Notes" not in read.related
    assert read.why_not_whole() == first.why_not_whole() != ""


def test_an_account_without_rules_is_not_asked(account: ZohoAccount, zoho: Zoho) -> None:
    sync(account, zoho)
    assert zoho.asked("limits") == 0
    assert state(account).state == "ok"


def test_in_the_background_it_is_asked_once_a_day(account: ZohoAccount, ruled: Zoho) -> None:
    sync(account, ruled, patience=a_task(ruled))
    first = ruled.asked("limits")
    assert first == 8
    due = state(account).next_due_at
    assert due is not None
    assert due - ruled.clock() > FRESH
    sync(account, ruled, patience=a_task(ruled))
    assert ruled.asked("limits") == first


def test_a_persons_sync_does_not_ask_again_on_the_same_day(account: ZohoAccount, ruled: Zoho) -> None:
    sync(account, ruled)
    sync(account, ruled)
    assert ruled.asked("limits") == 8


def test_what_zoho_refuses_is_kept_with_the_reason_and_the_rest_is_read(account: ZohoAccount, ruled: Zoho) -> None:
    ruled.before_call = refusing("limits of Leads", Refused("not for this module"))
    sync(account, ruled)
    assert facts(account)[Part.CONFIGURATION, "Leads"].problem == "not for this module"
    assert facts(account)[Part.CONFIGURATION, "Leads"].facts is None
    assert facts(account)[Part.WEBHOOKS, ""].problem == ""
    assert state(account).state == "ok"
    assert state(account).reason == "Zoho refuses 1 of 8 parts; Leads: not for this module"
    assert SyncState.objects.get(account=account).state == "ok"


def test_a_refusal_leaves_what_was_read_before(account: ZohoAccount, ruled: Zoho) -> None:
    sync(account, ruled)
    AutomationFact.objects.filter(account=account).update(read_at=ruled.clock() - timedelta(days=1))
    StreamState.objects.filter(account=account, stream="rule_limits").update(next_due_at=ruled.clock())
    ruled.before_call = refusing("limits", NotAvailable("not in this edition"))
    sync(account, ruled)
    ruled.before_call = lambda number, call: None
    sync(account, ruled)  # the same day: not asked again, and the refusal stands
    assert facts(account)[Part.LIMITS, ""].facts["total_rules_limit"] == 2500
    assert facts(account)[Part.LIMITS, ""].problem == "not in this edition"
    assert state(account).state == "not_available"
    assert "not in this edition" in state(account).reason


def test_what_cannot_be_reached_is_tried_again(account: ZohoAccount, ruled: Zoho) -> None:
    ruled.before_call = refusing("limits of modules", Unreachable("no route"))
    sync(account, ruled)
    assert state(account).state == "failing"
    assert (Part.MODULES, "") not in facts(account)
    assert (Part.WEBHOOKS, "") in facts(account)


def test_a_module_without_rules_is_forgotten(account: ZohoAccount, ruled: Zoho) -> None:
    AutomationFact.objects.create(
        account=account, part=Part.CONFIGURATION, subject="Deals", facts={}, read_at=ruled.clock() - timedelta(days=1)
    )
    sync(account, ruled)
    assert set(own(AutomationFact).filter(part=Part.CONFIGURATION).values_list("subject", flat=True)) == {"Leads"}
