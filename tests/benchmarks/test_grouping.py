"""How fast and how well failures are grouped, beside what others do with the same messages in the same run.

Rivals are one large alternation of patterns, as trackers of errors use it, and drain3 where it is installed. The
messages are those of the labelled corpus, with GROUPING_OF_EACH (100) of each cause, in random order; messages a second
are those of one core. Speeds are printed and none is asserted: a figure of one machine is no bound for another. What is
asserted is how well causes are kept apart and together.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import time
from collections.abc import Callable, Hashable
from random import Random
from typing import Any

import pytest

from monitor.triage import fingerprint, template
from tests.triage.corpus.generate import PARTS, messages
from tests.triage.labelled import cause_in
from tests.triage.scoring import score

pytestmark = pytest.mark.bench

OF_EACH = int(os.environ.get("GROUPING_OF_EACH", "100"))
ROUNDS = 3
ALTERNATION = re.compile(
    r"""(?x)
      [\w.+-]+@[\w-]+(?:\.[\w-]+)+ | \b(?:https?|ftp|wss?)://\S+ | \b(?:\d{1,3}\.){3}\d{1,3}\b
    | \b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b | \b[0-9a-fA-F]{40}\b | \b[0-9a-fA-F]{32}\b
    | \b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)? | \b\d\d[/.]\d\d[/.]\d{4}\b
    | \b\d\d:\d\d(?::\d\d)?\b | \b\d+(?:\.\d+)?\s?(?:ms|s|seconds|minutes)\b | 0x[0-9a-fA-F]+
    | \b[0-9a-f]*\d[0-9a-f]{7,}\b | -?\b\d+\.\d+\b | -?\b\d+\b | (?<==)(?:'[^']*'|"[^"]*") | (?<==)(?:true|false)\b
    """
)


def by_alternation(record: dict[str, Any]) -> Hashable:
    texts = (record.get("error_message", ""), record.get("error_details", ""))
    return (
        record.get("app"),
        record.get("action"),
        record.get("error_code"),
        *(ALTERNATION.sub("<*>", t) for t in texts),
    )


def by_drain() -> Callable[[dict[str, Any]], Hashable]:
    miner = importlib.import_module("drain3").TemplateMiner()

    def group(record: dict[str, Any]) -> Hashable:
        said = f"{record.get('error_message', '')} {record.get('error_details', '')}"
        head = (record.get("app"), record.get("action"), record.get("error_code"))
        return (*head, miner.add_log_message(said)["cluster_id"])

    return group


def by_us(record: dict[str, Any]) -> Hashable:
    return cause_in(record).fingerprint


def forget() -> None:
    for cached in (fingerprint._remembered, fingerprint._told_by, template._remembered):
        cached.cache_clear()


def without_cache(record: dict[str, Any]) -> Hashable:
    forget()
    return by_us(record)


def timed(group: Callable[[dict[str, Any]], Hashable], records: list[dict[str, Any]]) -> tuple[float, list[Hashable]]:
    """The best of some rounds, as messages a second of this process, and the groups."""
    best, groups = 0.0, []
    for _ in range(ROUNDS):
        forget()
        began = time.process_time()
        groups = [group(record) for record in records]
        best = max(best, len(records) / (time.process_time() - began))
    return best, groups


def test_causes_are_kept_apart_and_together_at_the_speed_of_a_cache() -> None:
    records = [record for part in PARTS for record in messages(part, OF_EACH)]
    Random(7).shuffle(records)
    causes = [(record["part"], record["cause"]) for record in records]
    rivals = {"ours": by_us, "ours, nothing remembered": without_cache, "one alternation": by_alternation}
    if importlib.util.find_spec("drain3"):
        rivals["drain3"] = by_drain()
    print(f"\n{len(records):,} messages of {len(set(causes))} causes, load {os.getloadavg()[0]:.1f}")
    figures = {}
    for name, group in rivals.items():
        speed, groups = timed(group, records)
        figures[name] = score(groups, causes)
        print(f"  {name:26}{speed:10,.0f} messages/s  {figures[name]}")
    ours = figures["ours"]
    assert ours == figures["ours, nothing remembered"]
    assert min(ours.accuracy, ours.f1) >= 0.9
    assert ours.precision >= 0.998
    assert ours.mixed <= 0.01
