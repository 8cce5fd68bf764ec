"""What a message says: short, of the mail's own facts, whatever names and errors hold."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from monitor.models import Channel, Notice
from monitor.notify.channels.webhook import MOST_SENT
from monitor.notify.channels.words import LINES_LENGTH, lines_of, message_of, payload_of
from monitor.notify.compose import SUBJECT_LENGTH
from monitor.notify.facts import Facts, MemberFacts
from tests.factories import NOON

PAGERDUTYS = 1_024  # characters of title and text together


def member(number: int = 1, **more: Any) -> MemberFacts:
    known = {"alert": number, "flow": number, "name": f"Flow {number}", "rule_name": "Success rate below 95 %"}
    known |= {"reason": "30 of 40 runs succeeded", "rate": 75.0, "runs": 40, "failed": 10, "began_at": NOON}
    return MemberFacts(**(known | more))


def facts(*members: MemberFacts, **more: Any) -> Facts:
    known = {"kind": "firing", "incident": 7, "account_name": "Acme", "cause": "", "members": members or (member(),)}
    known |= {"at": NOON, "began_at": NOON, "noticed_at": NOON + timedelta(minutes=1)}
    return Facts(**(known | more))


def test_it_says_where_since_when_what_and_who_is_on_it() -> None:
    told = lines_of(facts(errors=((10, "401: token expired"), (1, "rare"))))
    assert told == [
        "Account Acme, since 22 Nov 2026, 12:00 UTC",
        "Flow 1: 30 of 40 runs succeeded",
        "10 × 401: token expired",
        "On it: nobody yet",
    ]


def test_the_end_says_since_when_and_leaves_errors_out() -> None:
    told = lines_of(facts(kind="resolved", closed_at=NOON + timedelta(hours=1), closed_how="recovered"))
    assert told[1] == "Over since 22 Nov 2026, 13:00 UTC"
    assert not any(line.startswith("On it") for line in told)


def test_of_many_alerts_it_names_four_and_counts_the_rest() -> None:
    told = lines_of(facts(*(member(number) for number in range(1, 51)), cause="the sign-in of Books"))
    assert "In common: the sign-in of Books" in told
    assert "and 46 more" in told
    assert sum(line.startswith("Flow ") for line in told) == 4


def test_a_webhook_is_told_which_sort_of_news_it_is() -> None:
    over = {"closed_at": NOON, "closed_how": "recovered"}
    assert payload_of(facts(), NOON)["type"] == "incident.firing"
    assert payload_of(facts(kind="resolved", **over), NOON)["type"] == "incident.resolved"
    assert payload_of(facts(**over), NOON)["type"] == "incident.fired_and_resolved"
    data = payload_of(facts(*(member(number) for number in range(1, 51))), NOON)["data"]
    assert (len(data["alerts"]), data["alerts_in_all"]) == (40, 50)


@example("語" * 400, "\U0001f600" * 4_000, 60)
@given(st.text(max_size=400), st.text(max_size=4_000), st.integers(1, 60))
def test_whatever_names_and_errors_hold_it_stays_short_and_can_be_sent(name: str, text: str, count: int) -> None:
    members = [member(number, name=name, reason=text, rule_name=text) for number in range(count)]
    told = facts(*members, account_name=name, cause=text, errors=((3, text),), owner=name, owner_note=text)
    message = message_of(Notice(), told, Channel(), NOON)
    lines = message.text.split("\n")
    assert len(message.title) <= SUBJECT_LENGTH
    assert len(message.title) + len(message.text) <= PAGERDUTYS
    assert sum(map(len, lines)) <= LINES_LENGTH + 1
    assert all(line == " ".join(line.split()) for line in [message.title, *lines])
    data = json.loads(json.dumps(message.payload))["data"]
    assert name.startswith(data["account"].removesuffix("…").rstrip())
    assert len(json.dumps(message.payload, ensure_ascii=False).encode()) <= MOST_SENT
    assert data["alerts"]
