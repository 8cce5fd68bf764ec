"""How a failed run ended."""

from __future__ import annotations

import pytest

from monitor.models import Failure
from monitor.triage.fate import FATES, FailedOnce, fate_of


def test_the_fates_are_those_of_the_table() -> None:
    assert set(FATES) == set(Failure.Fate.values)


@pytest.mark.parametrize(
    ("run", "fate"),
    [
        (FailedOnce("failed"), "open"),
        (FailedOnce("running"), "open"),
        (FailedOnce("a word of tomorrow"), "open"),
        (FailedOnce("success"), "recovered"),
        (FailedOnce("failed", has_good_retry=True), "retried"),
        (FailedOnce("success", has_good_retry=True), "retried"),
        (FailedOnce("failed", is_superseded=True), "superseded"),
        (FailedOnce("failed", is_written_off=True), "written_off"),
        (FailedOnce("success", is_written_off=True, is_superseded=True), "recovered"),
        (FailedOnce("failed", is_written_off=True, is_superseded=True), "superseded"),
        (FailedOnce("failed", is_written_off=True, is_superseded=True, has_good_retry=True), "retried"),
    ],
)
def test_what_happened_at_zoho_outweighs_what_a_person_said(run: FailedOnce, fate: str) -> None:
    assert fate_of(run) == fate
