"""Random fault schedules: whatever goes wrong, in the end the mirror equals Zoho field by field.

50 fixed ones by default; `FAULT_SCHEDULES=1000` plays more (`make bench-sync`), from `FAULT_FIRST` on, so that two
processes can share them; `FAULT_SEED=7` plays one. With `-s` the last line sums up.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from tests.faults.play import Report, play_seed

COUNT = int(os.environ.get("FAULT_SCHEDULES", "50"))
FIRST = int(os.environ.get("FAULT_FIRST", "1"))
ALONE = os.environ.get("FAULT_SEED")
SEEDS = [int(ALONE)] if ALONE else range(FIRST, FIRST + COUNT)
GROUP = 10  # schedules a test, so that the report stays short


@pytest.fixture(scope="module")
def played() -> Iterator[list[Report]]:
    """All reports of this process; summed up at the end."""
    reports: list[Report] = []
    began = time.monotonic()
    yield reports
    red = [report.seed for report in reports if report.wrong]
    print(
        f"\n{len(reports)} fault schedules from seed {FIRST} on, {connection.vendor}: {len(red)} with differences"
        f"{f' {red}' if red else ''}; {time.monotonic() - began:.0f} s"
    )


@pytest.mark.django_db
@pytest.mark.parametrize("first", SEEDS[::GROUP])
def test_after_the_faults_end_the_mirror_equals_zoho_field_by_field(first: int, played: list[Report]) -> None:
    seeds = [seed for seed in SEEDS if first <= seed < first + GROUP]
    reports = [play_seed(seed) for seed in seeds]
    played += reports
    times = [report.equal_after.total_seconds() for report in reports if report.equal_after is not None]
    if times:
        counted, at_once = sum(report.calls for report in reports), sum(report.at_once for report in reports)
        print(f"seeds {seeds[0]} to {seeds[-1]}: {counted} calls; equal as soon as the faults ended: {at_once};")
        print(f"  after Zoho came to rest: {statistics.median(times):.0f} s (median), {max(times):.0f} s at most")

    wrong = {report.seed: report.wrong[:3] for report in reports if report.wrong}
    assert not wrong
