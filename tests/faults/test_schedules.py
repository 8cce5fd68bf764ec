"""Random fault schedules: whatever goes wrong, in the end the mirror equals Zoho field by field.

50 fixed ones by default, half of them on each of two databases; `FAULT_SCHEDULES=1000` plays more (`make sync-faults`),
from `FAULT_FIRST` on, so that several machines can share them; `FAULT_SEED=7` plays one. The last line sums up.
"""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

import pytest
from django.db import connection

from tests.depth import shared_out
from tests.faults.play import play_seed

FIRST = int(os.environ.get("FAULT_FIRST", "1"))
ALONE = os.environ.get("FAULT_SEED")
SEEDS = [int(ALONE)] if ALONE else shared_out(FIRST, os.environ.get("FAULT_SCHEDULES"), usual=50)
GROUP = 10  # schedules a test, so that the report stays short


@pytest.mark.deep
@pytest.mark.django_db
@pytest.mark.parametrize("first", SEEDS[::GROUP])
def test_after_the_faults_end_the_mirror_equals_zoho_field_by_field(first: int, record_property: Any) -> None:
    seeds = [seed for seed in SEEDS if first <= seed < first + GROUP]
    began = time.monotonic()
    reports = [play_seed(seed) for seed in seeds]
    red = sum(bool(report.wrong) for report in reports)
    spent = time.monotonic() - began
    # Summed up by conftest.py.
    for name, value in {"schedules": len(seeds), "red": red, "seconds": spent, "database": connection.vendor}.items():
        record_property(name, value)
    times = [report.equal_after.total_seconds() for report in reports if report.equal_after is not None]
    if times:
        counted, at_once = sum(report.calls for report in reports), sum(report.at_once for report in reports)
        print(f"seeds {seeds[0]} to {seeds[-1]}: {counted} calls; equal as soon as the faults ended: {at_once};")
        print(f"  after Zoho came to rest: {statistics.median(times):.0f} s (median), {max(times):.0f} s at most")

    wrong = {report.seed: report.wrong[:3] for report in reports if report.wrong}
    assert not wrong
