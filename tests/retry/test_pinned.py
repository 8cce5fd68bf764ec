"""What an admin's word about a flow means for the retry of one of its runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.retry.pinned import PinnedWord, weigh
from monitor.retry.safety import Earlier, FailedRun, RetryFacts, Verdict, judge
from tests.fake_zoho.retrying import PERMANENT, TRANSIENT

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ACTIONS = (("1", "CRM: Create record"), ("2", "Books: Create invoice"), ("3", "Cliq: Post message"))
ALL = frozenset(key for key, _ in ACTIONS)
SAFE = PinnedWord("safe", "ada", NOW - timedelta(days=2), "it looks first", known=ALL, actions=ACTIONS)
UNSAFE = replace(SAFE, kind="unsafe", reason="it sends money")
UNKNOWN = replace(SAFE, kind="unknown", reason="nobody has looked")
CHANGED = {"changed_at": NOW - timedelta(days=1), "actions": (*ACTIONS, ("4", "Bank: Pay"))}


def verdict(word: PinnedWord | None, error: tuple[str, ...] = TRANSIENT, **changes: object) -> Verdict:
    run = FailedRun(error, NOW - timedelta(hours=1))
    given_facts = {"status": "failed", "runs": (run,), "pinned": word} | changes
    return judge(RetryFacts(**given_facts), NOW)  # type: ignore[arg-type]


def test_what_may_be_repeated_is_safe_though_zoho_may_run_it_too_and_it_is_said_who_said_so() -> None:
    assert verdict(None).kind == "risky"
    found = verdict(SAFE)
    assert (found.kind, found.code) == ("safe", "pinned_safe")
    assert found.reasons[0] == "ada said on 2026-11-20 that this flow's work may be repeated: it looks first."
    assert "could run twice" in found.reasons[1]


def test_a_risk_of_running_twice_that_a_person_left_behind_is_none_either() -> None:
    assert verdict(SAFE, PERMANENT, earlier=(Earlier("not_run"),)).kind == "safe"
    assert verdict(SAFE, runs=()).kind == "safe"


def test_a_later_success_for_the_record_stays_a_risk_though_it_may_be_repeated() -> None:
    """To do the older work after the newer one is another harm than to do it twice."""
    found = verdict(SAFE, PERMANENT, superseded_by="9")
    assert (found.kind, found.code) == ("risky", "superseded")
    assert found.reasons[-1].startswith("ada said")


@pytest.mark.parametrize("word", [SAFE, UNSAFE, UNKNOWN])
def test_what_is_refused_stays_refused_whatever_was_said(word: PinnedWord) -> None:
    assert verdict(word, earlier=(Earlier("unknown"),)).code == "open_retry"


@pytest.mark.parametrize(
    ("word", "code", "words"),
    [
        (UNSAFE, "pinned_unsafe", "ada said on 2026-11-20 that this flow's work must not be repeated: it sends money."),
        (UNKNOWN, "pinned_unknown",
         "ada said on 2026-11-20 that nobody knows whether this flow's work may be repeated: nobody has looked."),
    ],
)  # fmt: skip
def test_what_must_not_be_repeated_is_a_risk_that_somebody_has_to_accept(
    word: PinnedWord, code: str, words: str
) -> None:
    assert verdict(None, PERMANENT).kind == "safe"
    found = verdict(word, PERMANENT)
    assert (found.kind, found.code, found.reasons) == ("risky", code, [words])


@pytest.mark.parametrize(
    ("failed", "repeatable", "kind"),
    [("1", {"1"}, "safe"), ("2", {"1", "2"}, "safe"), ("2", {"1"}, "risky"), ("2", {"2"}, "risky"),
     ("3", {"1", "2"}, "risky"), ("", {"1", "2"}, "risky"), ("", {"1", "2", "3"}, "safe"), ("gone", {"1"}, "risky")],
)  # fmt: skip
@pytest.mark.parametrize("word", [UNSAFE, UNKNOWN])
def test_a_run_that_has_done_only_what_may_be_repeated_is_judged_as_if_nothing_was_said(
    word: PinnedWord, failed: str, repeatable: set[str], kind: str
) -> None:
    found = verdict(replace(word, repeatable=frozenset(repeatable)), PERMANENT, failed_action=failed)
    assert found.kind == kind
    assert ("What this run has done may be repeated, ada said." in found.reasons) == (kind == "safe")


def test_that_it_may_be_repeated_does_not_count_once_the_flow_has_a_new_action() -> None:
    found = verdict(replace(SAFE, **CHANGED))
    assert (found.kind, found.code) == ("risky", "auto_rerun")
    assert found.reasons[-2:] == [
        "The flow was changed since, on 2026-11-21; of its new actions nothing is said: Bank: Pay.",
        "So it does not count for this run.",
    ]


def test_a_change_without_a_new_action_is_said_and_it_goes_on_counting() -> None:
    found = verdict(replace(SAFE, changed_at=NOW - timedelta(days=1), actions=ACTIONS[:2]))
    assert found.kind == "safe"
    assert found.reasons[1] == "The flow was changed since, on 2026-11-21, without a new action."


def test_a_change_that_is_not_read_yet_may_hold_anything() -> None:
    changed = {"changed_at": NOW - timedelta(days=1), "is_unread": True}
    assert verdict(replace(SAFE, **changed)).kind == "risky"
    assert "is not read yet" in " ".join(verdict(replace(SAFE, **changed)).reasons)
    whole = replace(UNSAFE, repeatable=ALL, **changed)
    assert verdict(whole, PERMANENT, failed_action="1").code == "pinned_unsafe"


def test_a_new_action_is_none_of_those_that_may_be_repeated() -> None:
    word = replace(UNSAFE, repeatable=ALL, **CHANGED)
    assert verdict(word, PERMANENT, failed_action="4").code == "pinned_unsafe"
    assert verdict(word, PERMANENT, failed_action="3").kind == "safe"


def test_of_many_new_actions_some_are_named() -> None:
    actions = tuple((str(n), f"App: {n}") for n in range(9))
    word = replace(SAFE, actions=actions, known=frozenset("0"), changed_at=NOW)
    assert word.since.endswith("nothing is said: App: 1, App: 2, App: 3 and 5 more.")


KEYS = st.sampled_from("12345")


@given(
    kind=st.sampled_from(["safe", "unsafe", "unknown"]),
    repeatable=st.frozensets(KEYS),
    known=st.frozensets(KEYS),
    now=st.lists(KEYS, unique=True),
    failed=st.sampled_from(["", "1", "5", "9"]),
)
def test_no_word_makes_an_action_repeatable_that_it_was_not_said_of(
    kind: str, repeatable: frozenset[str], known: frozenset[str], now: list[str], failed: str
) -> None:
    word = PinnedWord(
        kind,
        "ada",
        NOW,
        "so",
        repeatable & known,
        known,
        tuple((key, key) for key in now),
        NOW,  # type: ignore[arg-type]
    )
    effect, told = weigh(word, failed)
    assert told[0].startswith("ada said on")
    if effect == "safe":
        assert kind == "safe"
        assert set(now) <= known
    if kind != "safe" and effect == "nothing":
        assert set(now) & known
        assert failed not in now or failed in repeatable
