"""Chains of retries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from monitor.rollups.retry_chains import Key, Lineage, RetryLink


def key(name: str) -> Key:
    return (1, name)


def attempt(number: int, original: str, new: str = "", *, succeeded: bool = False) -> RetryLink:
    return RetryLink(number, key(original), key(new) if new else None, succeeded)


def test_a_retrys_own_row_is_known_and_its_original_rescued_by_its_success() -> None:
    lineage = Lineage([attempt(1, "A", "B")], {key("B")})
    assert (lineage.is_retry(key("A")), lineage.is_retry(key("B"))) == (False, True)
    assert lineage.is_rescued(key("A"))


def test_an_original_whose_retry_failed_is_not_rescued() -> None:
    assert not Lineage([attempt(1, "A", "B")]).is_rescued(key("A"))


def test_an_attempt_that_succeeded_rescues_though_its_row_is_not_mirrored_yet() -> None:
    assert Lineage([attempt(1, "A", succeeded=True)]).is_rescued(key("A"))


def test_a_second_attempt_rescues_what_the_first_did_not() -> None:
    lineage = Lineage([attempt(1, "A", "B"), attempt(2, "A", "C")], {key("C")})
    assert lineage.is_rescued(key("A"))
    assert lineage.is_retry(key("B"))


def test_a_retry_of_a_retry_rescues_the_root_of_the_chain() -> None:
    lineage = Lineage([attempt(1, "A", "B"), attempt(2, "B", "C")], {key("C")})
    assert lineage.is_rescued(key("A"))
    assert lineage.roots(key("C")) == {key("A")}


def test_a_re_run_in_place_leaves_the_original_an_original() -> None:
    assert not Lineage([attempt(1, "A", "A")]).is_retry(key("A"))


def test_a_ring_keeps_its_first_execution_as_the_root() -> None:
    lineage = Lineage([attempt(2, "B", "A"), attempt(1, "A", "B")])
    assert (lineage.is_retry(key("A")), lineage.is_retry(key("B"))) == (False, True)
    assert not lineage.is_rescued(key("A"))


def test_the_same_id_at_another_account_is_another_execution() -> None:
    lineage = Lineage([attempt(1, "A", "B")], {(2, "B")})
    assert not lineage.is_rescued(key("A"))
    assert not lineage.is_retry((2, "B"))


names = st.sampled_from("ABCDEF")


@given(st.lists(st.tuples(names, names)))
def test_every_chain_has_a_root_that_is_no_retry(pairs: list[tuple[str, str]]) -> None:
    lineage = Lineage([attempt(number, *pair) for number, pair in enumerate(pairs)])
    for name in "ABCDEF":
        roots = lineage.roots(key(name))
        assert roots
        assert not any(lineage.is_retry(root) for root in roots)
        assert (roots == {key(name)}) == (not lineage.is_retry(key(name)))
