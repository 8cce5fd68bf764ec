"""Random fault schedules: whatever goes wrong, in the end the mirror equals Zoho field by field.

50 fixed ones by default; `FAULT_SCHEDULES=1000` plays more, from `FAULT_FIRST` on; `FAULT_SEED=7` plays one.
"""

from __future__ import annotations

import os
import statistics

import pytest

from tests.faults.play import play_seed

COUNT = int(os.environ.get("FAULT_SCHEDULES", "50"))
FIRST = int(os.environ.get("FAULT_FIRST", "1"))
ALONE = os.environ.get("FAULT_SEED")
SEEDS = [int(ALONE)] if ALONE else range(FIRST, FIRST + COUNT)
GROUP = 10  # schedules a test, so that the report stays short


@pytest.mark.django_db
@pytest.mark.parametrize("first", SEEDS[::GROUP])
def test_after_the_faults_end_the_mirror_equals_zoho_field_by_field(first: int) -> None:
    seeds = [seed for seed in SEEDS if first <= seed < first + GROUP]
    reports = [play_seed(seed) for seed in seeds]
    times = [report.equal_after.total_seconds() for report in reports if report.equal_after is not None]
    if times:
        counted, at_once = sum(report.calls for report in reports), sum(report.at_once for report in reports)
        print(f"seeds {seeds[0]} to {seeds[-1]}: {counted} calls; equal as soon as the faults ended: {at_once};")
        print(f"  after Zoho came to rest: {statistics.median(times):.0f} s (median), {max(times):.0f} s at most")

    wrong = {report.seed: report.wrong[:3] for report in reports if report.wrong}
    assert not wrong
