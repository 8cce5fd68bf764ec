"""How well failures are grouped, on a corpus of our own with a label for each message."""

from __future__ import annotations

import pytest

from tests.triage.corpus.generate import FILE, PARTS, written
from tests.triage.labelled import records, score_of
from tests.triage.scoring import score

FAILURES = ("tuned", "held out")


def test_the_corpus_is_what_its_generator_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == written()


def test_the_corpus_is_large_enough_to_speak_of_shares() -> None:
    failures = [record for record in records() if record["part"] in FAILURES]
    assert len(failures) >= 600
    assert len({(record["part"], record["cause"]) for record in failures}) >= 80


@pytest.mark.parametrize("parts", [FAILURES, ("tuned",), ("held out",), ("tuned logs",), ("held out logs",), PARTS])
def test_messages_of_one_cause_are_one_group_and_causes_are_not_mixed(parts: tuple[str, ...]) -> None:
    figures = score_of(*parts)
    assert figures.accuracy >= 0.9
    assert figures.f1 >= 0.9
    assert figures.precision >= 0.998
    assert figures.mixed <= 0.01


def test_the_figures_count_what_they_say() -> None:
    # Two causes of three messages; one whole, the other in two groups, of which one is mixed with a third cause.
    figures = score(["a", "a", "a", "b", "b", "c", "c"], [1, 1, 1, 2, 2, 2, 3])
    assert figures.accuracy == 3 / 7
    assert figures.f1 == pytest.approx(1 / 3)
    assert (figures.precision, figures.recall) == (4 / 5, 4 / 6)
    assert figures.mixed == pytest.approx(1 / 3)
