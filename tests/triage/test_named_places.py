"""What the places of a template are, as people are told: by the words of some runs, and silent in doubt."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.triage.fingerprint import cause_of
from monitor.triage.kinds_of_values import kind_of
from monitor.triage.named_places import SampleOfWords, with_kinds


def told(*messages: Any, details: Any = None, people: tuple[str, ...] = ()) -> str:
    """The template of some messages of one cause as it is shown; values that only the trigger tells are people."""
    names = {f"k{number}": name for number, name in enumerate(people)}
    causes = {cause_of(message=one, details=details, trigger_data=names).template for one in messages}
    [template] = causes
    return with_kinds(template, [SampleOfWords((one, details), people) for one in messages])


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Invoice INV-00017 was refused (code 3001)", "Invoice <id> was refused (code 3001)"),
        ("Record 5725767000000413 is locked", "Record <id> is locked"),
        ("Invalid address quilla@example.com given", "Invalid address <e-mail> given"),
        ("The period of 2026-11-22 is closed", "The period of <date> is closed"),
        ("Not before 22 Nov 2026 14:05 UTC please", "Not before <date and time> please"),
        ("Amount 4,150,908.00 exceeds the limit of 100", "Amount <amount> exceeds the limit of <number>"),
        ("Row 12 cannot be read", "Row <number> cannot be read"),
        ("Request to https://api.example.com/v1?x=1 timed out after 30 seconds",
         "Request to <URL> timed out after <duration>"),
        ("No answer from 10.0.0.1 today", "No answer from <IP address> today"),
        ("Tax 'VAT 19' does not exist", "Tax <text> does not exist"),
        ('{"code":"BAD_ID","details":{"id":"5725767000000413"},"message":"the id given is wrong"}',
         "code: BAD_ID, details: id: <id>, message: the id given is wrong"),
    ],
)  # fmt: skip
def test_a_place_is_named_by_what_stood_there(message: str, shown: str) -> None:
    assert told(message) == shown


def test_a_name_is_told_by_the_people_of_the_run() -> None:
    assert told("Kunde zoë ist gesperrt", people=("zoë",)) == "Kunde <name> ist gesperrt"
    assert told("客户 王小明 不存在", people=("王小明",)) == "客户 <name> 不存在"


def test_details_name_their_own_places() -> None:
    assert told("Deal is locked", details="by record 5725767000000413 since 10:22:31") == (
        "Deal is locked | by record <id> since <time>"
    )


def test_samples_that_disagree_leave_a_place_as_it_is_and_an_id_may_be_a_number() -> None:
    assert told("Entry 'quilla@example.com' is taken", "Entry '2026-11-22' is taken") == "Entry <*> is taken"
    assert told("Entry '17' is taken", "Entry 'INV-17' is taken") == "Entry <id> is taken"


def test_without_samples_or_with_strange_ones_nothing_is_named() -> None:
    for samples in ([], [SampleOfWords(("", None))], [SampleOfWords(("Something else",))]):
        assert with_kinds("Tax <*> does not exist", samples) == "Tax <*> does not exist"
    assert with_kinds("[hidden] <*> [hidden]", [SampleOfWords(("a 12 b",))]) == "[hidden] <*> [hidden]"


PIECES = st.sampled_from(["<*>", "[hidden]", " | ", "tax", "is", "12", "a@b.example", '{"id":', '"x"}', "王", " ", ","])


@given(st.lists(PIECES, max_size=12).map("".join), st.lists(st.lists(PIECES, max_size=12).map(" ".join), max_size=3))
def test_only_places_change_and_no_value_is_ever_shown(template: str, messages: list[str]) -> None:
    shown = with_kinds(template, [SampleOfWords((one,)) for one in messages])
    kinds = "<(?:[A-Za-z -]+|[*])>".join(map(re.escape, template.split("<*>")))
    assert re.fullmatch(kinds, shown)


def test_long_texts_cost_little() -> None:
    samples = [SampleOfWords(("a " * 10_000, "b " * 9_000))] * 5
    started = time.process_time()
    with_kinds("a <*> " * 300 + "z", samples)
    for value in ("1," * 150, "a." * 150, "1-" * 150, "A " * 150, ":" * 300):
        kind_of(value)
    assert time.process_time() - started < 1
