"""Shows that the reasons of failed webhooks are said in plain words."""

from __future__ import annotations

import pytest

from monitor.rule_words.failure_reasons import REASONS, is_zohos_word, reason_words, reasons_saying
from standin.crm.failures_api import REASONS as STANDIN_REASONS


@pytest.mark.parametrize("reason", ["page_notfound", "Page_NotFound", "page-notfound", *STANDIN_REASONS])
def test_a_known_reason_has_words(reason):
    words = reason_words(reason)
    assert words is not None
    assert "_" not in words
    assert reason not in words


@pytest.mark.parametrize(
    ("reason", "is_word"), [("quota_gone", True), ("Teapot", True), ("The host said: no", False), ("", False)]
)
def test_an_unknown_reason_has_none_and_is_a_word_or_a_sentence(reason, is_word):
    assert reason_words(reason) is None
    assert is_zohos_word(reason) is is_word


def test_what_is_shown_can_be_searched():
    assert reasons_saying("CREDENTIALS") == ["unauthorized"]
    assert reasons_saying("no such words") == []
    assert set(reasons_saying("")) == set(REASONS)
