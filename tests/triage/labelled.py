"""The labelled corpus as a command reads it: a line of JSON a failure."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from monitor.triage.fingerprint import FailureCause, cause_of
from tests.triage.corpus.generate import FILE
from tests.triage.scoring import Score, score


@cache
def records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def cause_in(record: dict[str, Any]) -> FailureCause:
    """What the product makes of a record of the corpus."""
    return cause_of(
        app=record.get("app", ""),
        action=record.get("action", ""),
        code=record.get("error_code", ""),
        message=record.get("error_message"),
        details=record.get("error_details"),
        trigger_data=record.get("trigger_data"),
    )


def score_of(*parts: str) -> Score:
    """How well the product groups these parts of the corpus."""
    chosen = [record for record in records() if record["part"] in parts]
    return score(
        [cause_in(record).fingerprint for record in chosen], [(record["part"], record["cause"]) for record in chosen]
    )
