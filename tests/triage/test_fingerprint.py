"""Failures of one cause have one fingerprint."""

from __future__ import annotations

import hashlib
import string

from hypothesis import given
from hypothesis import strategies as st

from monitor.triage import fingerprint
from monitor.triage.fingerprint import LENGTH, VERSION, cause_of
from tests.triage.corpus.generate import PARTS, messages
from tests.triage.failures import said, template
from tests.triage.labelled import cause_in

# What the rules of each version make of the corpus. Rules have changed where this fails: raise VERSION, so that old
# problems keep their failures, and add its digest; an old line is never changed once it was released.
DIGESTS = {1: "b4d3493c2a0b0fe1"}

WORDS = st.lists(st.text(string.ascii_lowercase, min_size=3, max_size=9), min_size=1, max_size=6).map(" ".join)
VALUES = {
    "ids": st.integers(10**14, 10**19).map(str),
    "numbers": st.integers(1, 10**6).map(str),
    "amounts": st.integers(1_000, 10**9).map("{:,}".format),
    "e-mails": st.from_regex(r"[a-z][a-z0-9.+'-]{0,12}[a-z]@[a-z][a-z0-9-]{1,9}\.(?:com|org|co\.uk)", fullmatch=True),
    "uuids": st.uuids().map(str),
    "dates": st.dates().map(str),
    "times": st.datetimes().map(str),
    "addresses": st.ip_addresses().map(str).filter(lambda text: any(map(str.isdigit, text))),
    "quoted": st.text(string.ascii_letters + " -&é王", max_size=20).map(lambda text: f'"{text}"'),
}


def test_it_is_stable_text_of_hex_digits() -> None:
    made = said("Record 5 is locked").fingerprint
    assert len(made) == LENGTH
    assert set(made) <= set(string.hexdigits.lower())
    assert made == said("Record 6 is locked").fingerprint


def test_each_part_of_the_cause_is_in_it() -> None:
    base = {"app": "Zoho CRM", "action": "Create Lead", "code": "ACTION_FAILED", "message": "No", "details": "Why"}
    others = [base | {field: "Else"} for field in base]
    assert len({cause_of(**fields).fingerprint for fields in (base, *others)}) == len(base) + 1


def test_a_text_does_not_slip_from_one_part_into_the_next() -> None:
    assert cause_of(app="a", action="b").fingerprint != cause_of(app="ab").fingerprint
    assert cause_of(message="No", details="Why").fingerprint != cause_of(message="No | Why").fingerprint


def test_letters_case_and_spaces_of_app_action_and_code_do_not_matter() -> None:
    assert cause_of(app="Zoho  CRM ", code="x").fingerprint == cause_of(app="zoho crm", code="X").fingerprint


def test_the_version_of_the_rules_is_in_it(monkeypatch) -> None:
    told_by = fingerprint._told_by.__wrapped__
    before = told_by("Zoho CRM", "", "", "No", "")
    monkeypatch.setattr(fingerprint, "VERSION", VERSION + 1)
    after = told_by("Zoho CRM", "", "", "No", "")
    assert before.fingerprint != after.fingerprint
    assert before.template == after.template


def test_other_rules_need_another_version() -> None:
    made = "".join(cause_in(record).fingerprint for part in PARTS for record in messages(part, 2))
    assert DIGESTS[VERSION] == hashlib.sha256(made.encode()).hexdigest()[:16]


def test_signs_that_cannot_be_written_are_no_trouble() -> None:
    assert said("\ud800 lone \udfff", app="\ud800").fingerprint
    assert said("x" * 1_000_000).fingerprint
    assert said(None).fingerprint
    assert said("").template == ""


@given(WORDS, WORDS, st.sampled_from(sorted(VALUES)), st.data())
def test_another_value_of_the_same_kind_is_the_same_cause(before, after, kind, data) -> None:
    one, other = data.draw(VALUES[kind]), data.draw(VALUES[kind])
    assert said(f"{before} {one} {after}") == said(f"{before} {other} {after}")


@given(WORDS, WORDS)
def test_other_words_are_another_cause(one: str, other: str) -> None:
    if one != other:
        assert said(f"{one} 5").fingerprint != said(f"{other} 5").fingerprint


@given(WORDS, VALUES["ids"], WORDS)
def test_the_template_of_a_template_is_itself(before: str, value: str, after: str) -> None:
    once = template(f"{before} {value} {after}")
    assert template(once) == once


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=30),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    )
)
def test_whatever_json_holds_has_a_cause(value: object) -> None:
    made = said(value, value, details=value)
    assert "\ue000" not in made.template
    assert made == said(value, value, details=value)
