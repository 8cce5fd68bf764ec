"""The first sentence of the overview: numbers in, words out."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.overview.verdict import CALM, VerdictFacts, doubt_of, verdict
from monitor.freshness import NEVER, SILENT, Judged
from monitor.queries.freshness import AccountFreshness, Mirror

NUMBERS = [one.name for one in fields(VerdictFacts) if one.name not in ("doubt", "is_unread")]


@pytest.mark.parametrize(
    ("facts", "tone", "text"),
    [
        ({}, "good", f"{CALM}."),
        (
            {"problems": 4, "new_today": 1, "without_owner": 2},
            "bad",
            "4 problems, 1 new today, 2 without an owner.",
        ),
        ({"problems": 1}, "bad", "1 problem."),
        ({"problems": 1234, "alerts": 1}, "bad", "1,234 problems; 1 alert."),
        ({"silent": 2, "broken": 1}, "bad", "2 silent flows; 1 broken connection."),
        ({"silent": 1}, "warn", "1 silent flow."),
        (
            {"rules": 3, "passing": 1},
            "warn",
            "3 CRM rules failing since yesterday; 1 plan that will not last the month.",
        ),
        ({"doubtful": 1}, "warn", "1 connection that may not work."),
        ({"webhooks": 1}, "warn", "1 account with failed webhooks of no known rule."),
        ({"changes": 1, "retries": 1}, "warn", "1 change of unknown outcome; 1 retry of unknown outcome."),
        ({"changes": 2, "retries": 3}, "warn", "2 changes of unknown outcome; 3 retries of unknown outcome."),
        ({"passing": 2}, "warn", "2 plans that will not last the month."),
        ({"doubt": "Acme is behind"}, "warn", "Not everything is known: Acme is behind. What is known needs nobody."),
        (
            {"doubt": "Acme is behind", "problems": 2, "silent": 1},
            "bad",
            "Not everything is known: Acme is behind. Of what is known: 2 problems; 1 silent flow.",
        ),
        (
            {"doubt": "the worker does not run", "is_unread": True},
            "quiet",
            "Nothing is known yet: the worker does not run.",
        ),
        ({"is_unread": True}, "quiet", "Nothing is known yet: nothing was read so far."),
    ],
)
def test_the_sentence_says_what_is_wrong_and_first_what_is_not_known(
    facts: dict[str, Any], tone: str, text: str
) -> None:
    found = verdict(VerdictFacts(**facts))
    assert (found.tone, found.text) == (tone, text)


@given(
    st.fixed_dictionaries({name: st.integers(0, 3) for name in NUMBERS}),
    st.sampled_from(["", "Acme has gaps"]),
    st.booleans(),
)
def test_it_is_calm_only_where_all_is_known_and_nothing_is_wrong(
    numbers: dict[str, int], doubt: str, is_unread: bool
) -> None:
    facts = VerdictFacts(doubt=doubt, is_unread=is_unread, **numbers)
    found = verdict(facts)
    wrong = [name for name in NUMBERS if numbers[name] and name not in ("new_today", "without_owner")]
    assert (found.tone == "good") == (not wrong and not doubt and not is_unread)
    assert (CALM in found.text) == (found.tone == "good")
    assert found.text.endswith(".")
    assert not any(part.words == "" for part in found.parts)
    if doubt and not (is_unread and not wrong):
        assert found.text.startswith("Not everything is known: ")
    opened = {part.opens for part in found.parts if part.opens}
    assert opened >= {{"broken": "connections", "passing": "plans"}.get(name, name) for name in wrong}, (
        "each number is a part of its own"
    )


def test_each_number_is_a_link_where_its_list_has_an_address_and_words_are_escaped() -> None:
    found = verdict(VerdictFacts(doubt="<Acme> is behind", problems=2, broken=1))
    painted = found.painted({"problems": "/problems/?a=1&b=2"})
    assert "&lt;Acme&gt; is behind" in painted
    assert '<a href="/problems/?a=1&amp;b=2">2 problems</a>; 1 broken connection.' in painted


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def account(name: str = "Acme", state: str = "ok", **fields: Any) -> AccountFreshness:
    known = {"reason": "", "since": None, "as_of": NOON, "swept_at": NOON, "due_at": None, "age": None, "holes": 0}
    return AccountFreshness(account_id=1, name=name, state=state, **(known | fields))


@pytest.mark.parametrize(
    ("mirror", "doubt"),
    [
        (Mirror([account()]), ""),
        (Mirror([account(), account(state="paused")]), ""),
        (Mirror([account(state="unreachable")]), "Acme is behind (zoho cannot be reached)"),
        (Mirror([account(holes=2)]), "Acme has gaps"),
        (Mirror([account(holes=2), account(state="revoked"), account()]), "2 of 3 accounts are behind or have gaps"),
        (Mirror([account()], locked="no key"), "the stored secrets cannot be read, so Zoho cannot be asked"),
        (
            Mirror([account()], Judged(SILENT, "the worker does not run")),
            "nothing is read from Zoho, for the worker does not run",
        ),
        (Mirror([account(state="never", as_of=None)], Judged(NEVER)), "the worker has not run yet"),
        (
            Mirror([account(state="never", as_of=None, swept_at=None), account("Beta")]),
            "the history of Acme is still being read",
        ),
    ],
)
def test_why_the_mirror_is_not_to_be_trusted_is_said_in_words(mirror: Mirror, doubt: str) -> None:
    assert doubt_of(mirror) == doubt
