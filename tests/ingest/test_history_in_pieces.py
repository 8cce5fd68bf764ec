"""What changed on a page of a history that was read already, while the rest of it was still being read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.ingest.history import backfill
from monitor.models import Flow, ZohoAccount
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Run, Zoho, a_task, sync
from tests.ingest.mirror import mirrored, upstream


def tasks(account: ZohoAccount, zoho: Zoho, number: int, every: float = 61) -> None:
    for _ in range(number):
        zoho.clock.pause(every)
        sync(account, zoho, patience=a_task(zoho))


def until_night(account: ZohoAccount, zoho: Zoho, nights: int) -> None:
    """Noon has passed; tasks of some hours of that night."""
    zoho.clock.pause(13 * 3600 + (nights - 1) * 86_400)
    tasks(account, zoho, 8, every=1800)


def half_read(account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch, failed: int) -> FakeFlow:
    """A flow of 400 runs, one an hour, of which the newest half is read; one of them failed."""
    zoho.cap = 50
    runs = [Run(zoho.clock() - timedelta(hours=n + 1)) for n in range(400)]
    runs[failed].status = "failed"
    zoho.flows = [FakeFlow(runs=runs, before=(1000, 10))]
    monkeypatch.setattr(backfill.Backfill, "_share", lambda self: 3)
    tasks(account, zoho, 1)
    assert own(Flow).get().progress.executions_read_at is None
    return zoho.flows[0]


@pytest.mark.parametrize(
    ("hours", "nights"), [(40, 1), (120, 8)], ids=["days ago: by the next night", "older: within the week"]
)
def test_a_run_that_changed_on_a_page_already_read_is_right_after_the_nights_checks(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch, hours: int, nights: int
) -> None:
    flow = half_read(account, zoho, monkeypatch, hours)
    flow.runs[hours].succeed()
    tasks(account, zoho, 5)
    assert own(Flow).get().progress.executions_read_at is not None

    until_night(account, zoho, nights)

    assert mirrored(account) == upstream(zoho)
    row = own(Flow).get()
    assert (row.progress.baseline_total, row.progress.baseline_success, row.progress.baseline_failed) == (
        1010,
        1000,
        10,
    )
    assert (row.progress.baseline_firm, row.progress.hole_reason) == (True, "")


def test_a_late_run_that_began_within_a_page_already_read_is_here_after_the_next_night(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = half_read(account, zoho, monkeypatch, 0)
    flow.runs.append(Run(zoho.clock() - timedelta(hours=30, minutes=30)))
    tasks(account, zoho, 5)
    assert own(Flow).get().progress.executions_read_at is not None

    until_night(account, zoho, 1)

    assert mirrored(account) == upstream(zoho)
    assert own(Flow).get().progress.baseline_total == 1010
