"""What comes next of a run is one sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.executions.next_words import Coming, coming
from monitor.queries.run_status import Standing

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
USUAL: dict[str, Any] = {
    "is_open_failure": True, "is_being_retried": False, "policy": None, "may_be_retried": True,
}  # fmt: skip
FINAL = Standing("final", "", "Failed, final: Zoho does not run this kind of error again by itself.")
WILL = Standing("retry", "Zoho will retry at", "Failed, and Zoho will run it again by itself at", AT)


@pytest.mark.parametrize(
    ("later", "known", "said"),
    [
        (Standing(), {"is_open_failure": False}, None),
        (FINAL, {"is_open_failure": False}, None),
        (
            Standing("stuck", "stuck", "Stuck: still running."),
            {"is_open_failure": False},
            Coming("Stuck: still running."),
        ),
        (WILL, {}, Coming(WILL.text, AT)),
        (WILL, {"policy": 3}, Coming(WILL.text, AT)),
        (WILL, {"is_being_retried": True}, Coming("A retry is under way; what becomes of it stands under Retry.")),
        (
            FINAL,
            {"policy": 3},
            Coming(f"{FINAL.text} A retry policy takes it up by itself, where that is safe.", policy=3),
        ),
        (
            FINAL,
            {},
            Coming(f"{FINAL.text} It waits for a person to retry it or to write it off."),
        ),
        (
            Standing(),
            {"may_be_retried": False},
            Coming("A retry is refused: see there for why."),
        ),
    ],
)
def test_the_sentence_tells_who_acts_next(later: Standing, known: dict[str, Any], said: Coming | None) -> None:
    assert coming(later, **(USUAL | known)) == said
