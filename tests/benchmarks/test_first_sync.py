"""The first sync beside a bare loop that fetches the same pages, parses them and inserts the rows.

Run by `make bench`; it prints a ratio and asserts none: a figure of one machine is no bound for another.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from monitor import pipeline
from monitor.ingest.base.mode import Mode, Patience
from monitor.models import Execution, Flow, HourBucket, Role, ZohoAccount
from monitor.zoho import Origins
from standin.build import Credentials, make_app, make_world, serving, system_clock
from tests.factories import make_user

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]
ROWS = 12_000


@pytest.fixture
def zoho() -> Iterator[str]:
    """A stand-in with a month of history, no limits, and everything made up before the clock starts."""
    world = make_world(seed=5, clock=system_clock, flows=24, rules=0, executions=ROWS)
    with serving(make_app(world, plan="unlimited")) as url:
        list(pages(url))
        yield url


def pages(url: str) -> Iterator[tuple[str, list[dict]]]:
    """Every page of every flow's executions, as the sync asks for them: 200 rows each."""
    known = Credentials()
    form = {
        "grant_type": "refresh_token",
        "client_id": known.client_id,
        "client_secret": known.client_secret,
        "refresh_token": known.refresh_token,
    }
    with httpx.Client(base_url=url, trust_env=False) as http:
        token = http.post("/oauth/v2/token", data=form).json()["access_token"]
        http.headers["Authorization"] = f"Zoho-oauthtoken {token}"
        flows = [
            flow for page in (1, 2) for flow in http.get("/api/v1/flows", params={"page": page}).json()["data"]["flows"]
        ]
        for flow in flows:
            page, rows = 0, [{}]
            while rows:
                page += 1
                answer = http.get(f"/api/v1/flows/{flow['flow_id']}/executions", params={"page": page, "per_page": 200})
                rows = answer.json()["data"]["executions"]
                yield flow["flow_id"], rows


def bare_loop(url: str, account: ZohoAccount) -> int:
    """Fetch, parse, insert: nothing is compared, counted, guarded or judged."""
    flows = {flow.flow_id: flow for flow in Flow.objects.filter(account=account)}
    now, count = timezone.now(), 0
    for flow_id, rows in pages(url):
        made = [
            Execution(
                account=account,
                flow=flows[flow_id],
                execution_id=row["execution_id"],
                status=row["status"],
                started_time=parse_datetime(row["started_time"]),
                completed_time=parse_datetime(row["completed_time"]) if row["completed_time"] else None,
                duration_ms=row["duration_ms"],
                trigger_data=row.get("trigger_data"),
                first_seen_at=now,
                changed_at=now,
            )
            for row in rows
        ]
        Execution.objects.bulk_create(made)
        count += len(made)
    return count


def test_a_first_sync_beside_a_bare_loop_over_the_same_pages(zoho: str) -> None:
    known = Credentials()
    account = pipeline.connect_account(
        name="Bench",
        data_center="custom",
        origins=Origins(zoho, zoho, None),
        client_id=known.client_id,
        client_secret=known.client_secret,
        refresh_token=known.refresh_token,
        calls_per_minute=1_000_000,
        calls_per_day=100_000_000,
        actor=make_user("connector", Role.ADMIN),
        now=timezone.now(),
    )
    began = time.perf_counter()
    result = pipeline.sync_now(account, patience=Patience(Mode.SYNC, pause=time.sleep))
    ours = time.perf_counter() - began
    rows, hours = Execution.objects.count(), HourBucket.objects.count()
    assert result.complete
    assert rows >= ROWS * 0.9
    assert hours > 0

    Execution.objects.all().delete()
    began = time.perf_counter()
    inserted = bare_loop(zoho, account)
    bare = time.perf_counter() - began
    print(f"\nfirst sync: {rows} executions, {hours} hour buckets, judged: {ours:.1f} s, {rows / ours:.0f} rows/s")
    print(f"bare loop:  {inserted} rows fetched, parsed, inserted: {bare:.1f} s, {inserted / bare:.0f} rows/s")
    print(f"ratio:      {ours / bare:.2f}")
