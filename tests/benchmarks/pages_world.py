"""Fills an empty database with runs of one account, so that its pages can be timed; prints keys of sessions.

Run by test_pages.py: `python -m tests.benchmarks.pages_world --rows N --flows N`, DATABASE_URL says where. The runs are
copied in; what is counted and grouped of them is made by the product's own stages.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import django

from tests.benchmarks.page_server import ERRORS

if TYPE_CHECKING:
    from monitor.models import Execution, Flow

DAYS = 90
PEOPLE = 20
MADE_AT_MOST = 200_000  # runs; more are copies of them
TIMES = ("started_time", "completed_time", "first_seen_at", "changed_at", "first_failed_at")
FAILED = 0.05
WORD, WORD_SHARE = "quokka", 0.0027  # a word, and in how many of the runs' errors it stands
SELDOM = ("ACTION_FAILED", "No tax of this name exists", f"Tax {WORD.title()} 19")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--flows", type=int, required=True)
    options = parser.parse_args()
    django.setup()
    from django.utils import timezone

    now = timezone.now()
    flows = make_flows(options.flows, now)
    copy_runs(flows, options.rows, now)
    set_counters(now)
    count_and_group(now)
    print(json.dumps({"sessions": sessions(PEOPLE), "busiest": flows[0].pk, "flow": flows[len(flows) // 20].pk}))


def make_flows(number: int, now: datetime) -> list[Flow]:
    """Makes the account as a complete sweep of a moment ago leaves it."""
    from monitor.models import StreamState, SyncState
    from tests import factories

    account = factories.make_account("Example Company")
    moment = now - timedelta(seconds=12)
    read = {"last_started_at": moment, "last_finished_at": moment, "last_fresh_at": moment, "last_complete_at": moment}
    SyncState.objects.filter(account=account).update(state="ok", since=now - timedelta(days=DAYS), **read)
    for stream in ("flows", "executions", "connections"):
        StreamState.objects.create(
            account=account, stream=stream, state="ok", last_read_at=moment, last_tried_at=moment, item_count=number
        )
    began = now - timedelta(days=DAYS + 10)
    return [
        factories.make_flow(
            account,
            flow_name=f"Flow {place} of Example Company",
            first_seen_at=began,
            seen_at=moment,
        )
        for place in range(number)
    ]


def copy_runs(flows: list[Flow], rows: int, now: datetime) -> None:
    """Copies the runs in, oldest first as a mirror grows, by whatever is quickest on the database.

    PostgreSQL makes millions of some hundred thousand: each is there several times, some seconds apart.
    """
    from django.db import connection

    from monitor.models import Execution

    fields = [field for field in Execution._meta.concrete_fields if field.column != "id"]
    names = [str(field.column) for field in fields]
    table, is_server = Execution._meta.db_table, connection.vendor == "postgresql"
    copies = -(-rows // MADE_AT_MOST) if is_server else 1
    values = (
        tuple(field.get_db_prep_save(getattr(run, field.attname), connection) for field in fields)
        for run in runs(flows, rows // copies, now)
    )
    with connection.cursor() as cursor:
        if is_server:
            cursor.execute(f"CREATE TEMPORARY TABLE made AS SELECT {', '.join(names)} FROM {table} LIMIT 0")  # noqa: S608 - our own names
            with cursor.copy(f"COPY made ({', '.join(names)}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
            apart = timedelta(days=DAYS) / rows
            later = {name: f"{name} + (n - %(middle)s) * %(apart)s" for name in TIMES} | {
                "execution_id": "execution_id || n"
            }
            taken = ", ".join(later.get(name, name) for name in names)
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {taken} FROM made"  # noqa: S608 - our own names
                " CROSS JOIN generate_series(0, %(copies)s - 1) AS n ORDER BY made.started_time, n",
                {"apart": apart, "copies": copies, "middle": (copies - 1) / 2},
            )
            cursor.execute("DROP TABLE made")
        else:
            places = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", values)  # noqa: S608 - our own names
        cursor.execute("ANALYZE")


def runs(flows: list[Flow], rows: int, now: datetime) -> Iterator[Execution]:
    """Makes runs evenly over the time; a few busy flows have most of them, as flows have."""
    from monitor.models import Execution

    rng = random.Random(14)
    kinds = {error: failed_kind(error) for error in (*ERRORS, SELDOM)}
    weights = [1 / (place + 4) for place in range(len(flows))]
    of = rng.choices(flows, weights, k=rows)
    first = now - timedelta(days=DAYS)
    for place, flow in enumerate(of):
        started = first + timedelta(days=DAYS) * ((place + 0.5) / rows)
        took = timedelta(milliseconds=int(rng.lognormvariate(7, 0.8)))
        run = Execution(
            account_id=flow.account_id,
            flow_id=flow.pk,
            execution_id=f"9876500{place:012}",
            status="success",
            first_status="success",
            started_time=started,
            completed_time=started + took,
            duration_ms=took // timedelta(milliseconds=1),
            first_seen_at=started + took,
            changed_at=started + took,
        )
        chance = rng.random()
        if chance < FAILED:
            error = SELDOM if chance < WORD_SHARE else rng.choice(ERRORS)
            run.status = run.first_status = "failed"
            run.first_failed_at = run.completed_time
            for name, value in kinds[error].items():
                setattr(run, name, value)
        yield run


def failed_kind(error: tuple[str, str, str]) -> dict[str, Any]:
    """The columns of a run that failed so; its text is masked once for all of them."""
    from monitor.models import Execution

    code, message, details = error
    run = Execution(error_code=code, error_message=message, error_details=details)
    written = run.mask_text()
    return {name: getattr(run, name) for name in ("error_code", "error_message", "error_details", *written)}


def set_counters(now: datetime) -> None:
    """Gives the flows Zoho's counters of their runs, as they stood when they were read."""
    from django.db.models import Count, Max, Q

    from monitor.models import Flow, FlowProgress

    moment = now - timedelta(seconds=12)
    failed = Count("executions", filter=Q(executions__status="failed"))
    counted = Flow.objects.annotate(runs=Count("executions"), failed=failed, newest=Max("executions__started_time"))
    for flow in counted.order_by():
        good = flow.runs - flow.failed
        Flow.objects.filter(pk=flow.pk).update(execution_count=flow.runs, success_count=good, failure_count=flow.failed)
        FlowProgress.objects.filter(flow=flow).update(
            read_execution_count=flow.runs,
            read_success_count=good,
            read_failure_count=flow.failed,
            baseline_total=0,
            baseline_success=0,
            baseline_failed=0,
            newest_started=flow.newest,
            history_read_at=moment,
            executions_read_at=moment,
        )


def count_and_group(now: datetime) -> None:
    """Has the product's stages count the runs and enter the failures into the ledger."""
    from django.db import connection

    from monitor import garbage
    from monitor.models import DirtyHour, Execution
    from monitor.rollups.recount import rebuild_dirty
    from monitor.triage.judge import judge_problems
    from monitor.triage.take import take

    garbage.settle()
    marked: list[tuple[int, datetime]] = []
    for pair in Execution.objects.values_list("flow_id", "started_time").iterator(chunk_size=10_000):
        marked.append(pair)
        if len(marked) == 100_000:
            DirtyHour.objects.mark(marked)
            marked.clear()
    DirtyHour.objects.mark(marked)
    while rebuild_dirty(now):
        pass
    while take(now).hours:
        pass
    judge_problems([], now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def sessions(number: int) -> list[str]:
    """Signs admins in, each a person of their own: what is costly one person may not ask for many times at once."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from monitor.models import Role
    from tests import factories

    found = []
    for _ in range(number):
        user = factories.make_user(role=Role.ADMIN)
        store = SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.create()
        found.append(str(store.session_key))
    return found


if __name__ == "__main__":
    main()
