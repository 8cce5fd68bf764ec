"""What the pages that are looked at most ask the database: few statements, and none reads all executions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.urls import reverse

from dashboard import remembered
from dashboard.executions.forms import encode_key
from monitor.models import Execution, Flow, User
from monitor.queries.executions import Key
from tests import factories
from tests.dashboard.statements import asked, whole_reads
from tests.dashboard.test_access_matrix import MATRIX
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.django_db
RUNS, FLOWS = 50_000, 40
DAY = timedelta(days=1)
# Session and user included. What is above 8 is on the way there (docs/decisions/0008-sums-of-accounts.md).
MOST = {
    "overview of a day": 7,
    "overview of a week": 7,
    "overview of a month": 7,
    "flows": 8,
    "a flow": 7,
    "a run": 7,
    "newest runs": 7,
    "failed runs of a flow": 8,
    "runs of one day": 7,
    "runs far down": 7,
    "search": 8,
    "problems": 6,
    "alerts": 5,
    "rules": 7,
}
# Where what is the same for everybody was asked for by somebody a moment ago.
MOST_SOON_AFTER = {
    "flows": 5,
    "a flow": 7,
    "a run": 5,
    "newest runs": 5,
    "failed runs of a flow": 5,
    "runs of one day": 5,
    "runs far down": 5,
    "search": 6,
}


def addresses(world: World, now: datetime) -> dict[str, str]:
    executions, overview = reverse("executions"), reverse("overview")
    day = (now - 40 * DAY).date()
    deep = encode_key(Key(now - 30 * DAY, 1))
    return {
        "overview of a day": f"{overview}?days=1",
        "overview of a week": f"{overview}?days=7",
        "overview of a month": f"{overview}?days=30",
        "flows": reverse("flows"),
        "a flow": f"{world.flow.get_absolute_url()}?days=30",
        "a run": world.execution.get_absolute_url(),
        "newest runs": executions,
        "failed runs of a flow": f"{executions}?status=failed&flow={world.flow.pk}",
        "runs of one day": f"{executions}?start={day}&end={day + DAY}",
        "runs far down": f"{executions}?after={deep}",
        "search": f"{executions}?text=campaigns",
        "problems": reverse("problems"),
        "alerts": reverse("alerts"),
        "rules": reverse("rules"),
    }


@pytest.fixture
def world(at_noon: datetime) -> World:
    """One of everything, with somebody else's beside it, and many runs."""
    make_world(at_noon, name="Neighbour", person="nell", worker="worker:2")
    found = make_world(at_noon)
    flows = [factories.make_flow(found.account).pk for _ in range(FLOWS)]
    multiply(factories.make_execution(Flow.objects.get(pk=flows[0]), started_time=at_noon), flows, at_noon)
    return found


def multiply(run: Execution, flows: list[int], now: datetime) -> None:
    """Copies a run often, evenly over three months and the flows: the database does so in no time."""
    columns = [str(field.column) for field in Execution._meta.concrete_fields if field.column != "id"]
    earlier = {
        "postgresql": "%s::timestamptz - i * interval '6 minutes'",
        "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%S', %s, '-' || (i * 6) || ' minutes')",
    }[connection.vendor]
    given = {"execution_id": "'many-' || i", "flow_id": f"{min(flows)} + i %% {len(flows)}", "started_time": earlier}
    assert max(flows) - min(flows) == len(flows) - 1
    taken = ", ".join(given.get(name, f"e.{name}") for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO monitor_execution ({', '.join(columns)}) "  # noqa: S608 - our own columns and numbers
            f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {RUNS}) "
            f"SELECT {taken} FROM n CROSS JOIN monitor_execution AS e WHERE e.id = {run.pk}",
            [connection.ops.adapt_datetimefield_value(now)],
        )
        cursor.execute("ANALYZE")


def test_each_page_asks_few_statements_and_none_reads_all_executions(
    world: World, vera: User, signed_in: Callable[[User], Client], at_noon: datetime, settings: LazySettings
) -> None:
    client = signed_in(vera)
    counted: dict[str, int] = {}
    for name, address in addresses(world, at_noon).items():
        statements = asked(client, address)
        counted[name] = len(statements)
        for statement in statements:
            if "monitor_execution" in statement:
                assert whole_reads(statement) == [], f"{name}: {statement[:300]}"
    assert {name: count for name, count in counted.items() if count > MOST[name]} == {}, counted
    settings.REMEMBER_SECONDS = 60
    for name, most in MOST_SOON_AFTER.items():
        address = addresses(world, at_noon)[name]
        asked(client, address)
        assert len(asked(client, address)) <= most, name
    remembered.forget()


# Pages that read all executions, and why. On SQLite an index holds what they ask for.
WHOLE = {"account": "it sets every run that is mirrored beside Zoho's counters, flow by flow"}


def test_no_page_at_all_reads_all_executions(
    world: World, ada: User, signed_in: Callable[[User], Client], at_noon: datetime
) -> None:
    """The lists of rules, of what the audit finds, of changes and of edits are among them, and every form."""
    client, found, looked_at = signed_in(ada), {}, 0
    for name, (arguments, answers) in MATRIX.items():
        if answers.get("admin", ("", ""))[0] != "200":
            continue
        for statement in asked(client, reverse(name, kwargs=arguments(world))):
            if "monitor_execution" in statement:
                looked_at += 1
                if whole_reads(statement):
                    found[name] = statement[:300]
    assert found.keys() <= WHOLE.keys(), found
    assert looked_at > 20


def test_a_plan_that_reads_the_whole_table_is_told(world: Any) -> None:
    assert whole_reads("SELECT COUNT(*) FROM monitor_execution WHERE error_action_id = 'x'")
