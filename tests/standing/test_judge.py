"""One standing of a flow: what is bad stays bad until there is ground for green, and green is said last."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.freshness import LABELS, Judged
from monitor.models import SyncState
from monitor.standing.judge import WORDS, AccountPresent, FlowFacts, judge_flow, present_of

PAUSED = AccountPresent("paused", "switched off")
NEVER = AccountPresent("unread", "")
BEHIND = AccountPresent("unknown", "Out of date")
BAD_WEEK: dict[str, Any] = {"newest": "failed", "runs": 10, "failures": 4}


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({}, "healthy"),
        ({"runs": 100, "failures": 5, "newest": "failed"}, "healthy"),
        ({"runs": 100, "failures": 6, "newest": "failed"}, "failing"),
        ({"newest": "failed"}, "failing"),
        ({"newest": "", "runs": 20, "failures": 1}, "healthy"),
        ({"newest": "", "runs": 20, "failures": 2}, "failing"),
        ({"newest": ""}, "unknown"),
        ({"has_alert": True}, "failing"),
        ({"has_alert": True, "account": BEHIND}, "failing"),
        ({"has_alert": True, "is_stuck": True, "is_silent": True, "hole": "3 runs"}, "failing"),
        ({**BAD_WEEK, "account": BEHIND}, "failing"),
        ({"account": BEHIND}, "unknown"),
        ({"account": BEHIND, "is_silent": True, "is_stuck": True}, "unknown"),
        ({"hole": "3 runs are missing"}, "unknown"),
        ({"runs": 10, "others": 10}, "healthy"),
        ({"runs": 10, "others": 11}, "unknown"),
        ({"newest": "", "others": 11, "is_silent": True}, "unknown"),
        ({**BAD_WEEK, "others": 90}, "failing"),
        ({"is_stuck": True, "is_silent": True}, "stuck"),
        ({"is_silent": True}, "silent"),
        ({"is_silent": True, "newest": ""}, "silent"),
        ({"is_read": False}, "unread"),
        ({"is_read": False, "account": BEHIND}, "unread"),
        ({"account": NEVER}, "unread"),
        ({"account": PAUSED, **BAD_WEEK, "has_alert": True}, "paused"),
        ({"status": "inactive", "has_alert": True}, "paused"),
        ({"status": "draft", "is_read": False}, "paused"),
        ({"status": "disabled"}, "paused"),
        ({"status": ""}, "unknown"),
        ({"status": "suspended_by_zoho", "is_silent": True, "is_stuck": True}, "unknown"),
        ({"status": "", **BAD_WEEK}, "failing"),
        ({"status": "live", "has_alert": True}, "failing"),
        ({"is_gone": True, "status": "inactive", "has_alert": True}, "gone"),
    ],
)
def test_a_flow_stands_as_the_first_of_what_is_known_of_it_says(facts: dict[str, Any], code: str) -> None:
    standing = judge_flow(FlowFacts(**facts))
    assert standing.code == code
    assert standing.label == WORDS[code]
    assert bool(standing.reason) == (code not in ("healthy", "gone") and facts.get("account") != NEVER
                                     and not (code == "unread" and "account" not in facts))  # fmt: skip


def test_a_word_of_zohos_that_is_not_known_is_told_as_it_came() -> None:
    assert "“suspended_by_zoho”" in judge_flow(FlowFacts(status="suspended_by_zoho")).reason
    assert judge_flow(FlowFacts(status="")).reason == "Zoho does not say whether it is switched on"


@pytest.mark.parametrize("state", [*SyncState.State.values, *LABELS])
def test_only_an_account_that_is_read_makes_a_flow_green(state: str) -> None:
    present = present_of(Judged(state, "why"), unread="")
    green = judge_flow(FlowFacts(account=present)).code == "healthy"
    assert green is (state in ("ok", "incomplete"))
    assert not green or judge_flow(FlowFacts(account=present_of(Judged(state), unread="no list"))).code == "unknown"
    assert (present.code, "why" in present.reason) == {
        "ok": ("", False),
        "incomplete": ("", False),
        "never": ("unread", True),
        "paused": ("paused", False),
    }.get(state, ("unknown", True))
