"""How a failed run ended."""

from __future__ import annotations

import pytest

from monitor.models import Failure
from monitor.triage.fate import FATES, Outcome, fate_of


def test_the_fates_are_those_of_the_table() -> None:
    assert set(FATES) == set(Failure.Fate.values)


@pytest.mark.parametrize(
    ("run", "fate"),
    [
        (Outcome("failed"), "open"),
        (Outcome("running"), "open"),
        (Outcome("a word of tomorrow"), "open"),
        (Outcome("success"), "recovered"),
        (Outcome("failed", has_good_retry=True), "retried"),
        (Outcome("success", has_good_retry=True), "retried"),
        (Outcome("failed", is_superseded=True), "superseded"),
        (Outcome("failed", is_written_off=True), "written_off"),
        (Outcome("success", is_written_off=True, is_superseded=True), "recovered"),
        (Outcome("failed", is_written_off=True, is_superseded=True), "superseded"),
        (Outcome("failed", is_written_off=True, is_superseded=True, has_good_retry=True), "retried"),
    ],
)
def test_what_happened_at_zoho_outweighs_what_a_person_said(run: Outcome, fate: str) -> None:
    assert fate_of(run) == fate
