"""A search finds exactly the runs that say the text, in the list's order, whether a rare word or a frequent one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from monitor.models import Execution, Flow, ZohoAccount
from monitor.privacy import MASKING
from monitor.queries import executions, text_search
from monitor.queries.executions import ExecutionFilter
from monitor.queries.places import Key
from tests import factories

# What a pattern, a quoted string, a fold of case or an index of trigrams could be wrong about.
PIECES = ["a", "B", "zu", "Straße", "MÜLLER", "ü", "ß", "İ", "K", "%", "_", "\\", "'", '"', "--", "!!!", " "]
PIECES += [
    "顧客",
    "客",
    "記録がありません",
    "👩‍🔧",
    "e\u0301",
    "é",
    "ς",
    "Σ",
    "ff",
    "ﬀ",
    "\n",
    "100%",
    "a_b",
    "c\\d",
    "trigram",
]
said = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
sought = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join).filter(str.strip)


@contextmanager
def bounds(few: int, walked: int) -> Iterator[None]:
    """Words of more than `few` rows are frequent, and looked for in `walked` texts before all rows are sorted."""
    with mock.patch.multiple(text_search, MOST_SORTED=few, MOST_WALKED=walked):
        yield


def pages(wanted: ExecutionFilter, size: int) -> tuple[list[int], int | None, list[list[int]]]:
    """All rows from the top to the bottom; how many there are said to be; the pages, and those on the way back."""
    page = executions.page(wanted, size)
    count, there, back = page.count, [[row.pk for row in page.rows]], []
    while page.older is not None:
        page = executions.page(replace(wanted, after=page.older, before=None), size)
        there.append([row.pk for row in page.rows])
    while page.newer is not None:
        page = executions.page(replace(wanted, after=None, before=page.newer), size)
        back.append([row.pk for row in page.rows])
    return [pk for rows in there for pk in rows], count, back


class Searching(TestCase):
    @given(
        runs=st.lists(st.tuples(said, st.none() | st.integers(0, 3)), max_size=9),
        text=sought,
        size=st.integers(1, 4),
        few=st.sampled_from([0, 2, 100]),
        walked=st.sampled_from([0, 2, 100]),
    )
    def test_a_search_finds_what_looking_at_every_run_finds(
        self, runs: list[tuple[str, int | None]], text: str, size: int, few: int, walked: int
    ) -> None:
        flow = factories.make_flow()
        times = {"first_seen_at": factories.NOON, "changed_at": factories.NOON}
        Execution.objects.bulk_create(
            Execution(
                account=flow.account,
                flow=flow,
                execution_id=f"run {number}",
                status="failed",
                started_time=None if minute is None else factories.NOON + timedelta(minutes=minute),
                search_text=words.casefold(),
                masked_by=MASKING if words else None,
                **times,
            )
            for number, (words, minute) in enumerate(runs)
        )
        newest_first = sorted(
            (run for run in flow.executions.all() if text.casefold() in run.search_text),
            key=lambda run: (run.started_time is not None, run.started_time or factories.NOON, run.pk),
            reverse=True,
        )
        with bounds(few, walked):
            found, count, back = pages(ExecutionFilter(text=text, account_id=flow.account_id), size)
        assert found == [run.pk for run in newest_first]
        assert count == min(len(newest_first), few + 1)
        for rows in back:
            assert rows == [pk for pk in found if pk in rows]


@pytest.fixture
def flow(account: ZohoAccount) -> Flow:
    return factories.make_flow(account)


def fail(flow: Flow, text: str, minutes: int | None) -> Execution:
    started = None if minutes is None else factories.NOON - timedelta(minutes=minutes)
    return factories.make_execution(flow, "running", started_time=started, search_text=text, masked_by=MASKING)


@pytest.mark.parametrize("way", ["down", "up", "up from the tail"])
@pytest.mark.parametrize("walked", [1, 4, 100])
def test_a_frequent_word_is_found_however_far_away_the_rows_are(flow: Flow, way: str, walked: int) -> None:
    """Those that do not say it lie between the place and those that do, in either direction."""
    top = fail(flow, "quokka", 0)
    fill = [fail(flow, "nothing", 1 + n) for n in range(6)]
    rest = [fail(flow, "quokka", 10 + n) for n in range(3)] + [fail(flow, "quokka", None)]
    wanted = {
        "down": ExecutionFilter(text="quokka", after=Key(top.started_time, top.pk)),
        "up": ExecutionFilter(text="quokka", before=Key(fill[-1].started_time, fill[-1].pk)),
        "up from the tail": ExecutionFilter(text="quokka", before=Key(None, rest[-1].pk - 1)),
    }[way]
    with bounds(1, walked):
        page = executions.page(wanted, 2)
    assert page.rows == {"down": rest[:2], "up": [top, rest[0]], "up from the tail": rest[2:]}[way]


def test_an_id_finds_its_run_and_its_flows_runs_beside_those_that_say_it(flow: Flow) -> None:
    run, says_it = fail(flow, "one", 1), fail(factories.make_flow(flow.account), f"see {flow.flow_id}", 2)
    assert executions.page(ExecutionFilter(text=flow.flow_id)).rows == [run, says_it]
    assert executions.page(ExecutionFilter(text=run.execution_id)).rows == [run]


def test_what_nothing_says_is_found_out_by_one_statement_beside_the_ids(flow: Flow) -> None:
    fail(flow, "quokka", 1)
    with CaptureQueriesContext(connection) as statements:
        page = executions.page(ExecutionFilter(text="zebra"))
    assert (page.rows, page.count, page.older, page.newer) == ([], 0, None, None)
    assert len(statements) == 2


@pytest.mark.parametrize(("few", "most"), [(0, 4), (100, 3)])
def test_a_search_has_few_statements_however_many_rows_say_it(flow: Flow, few: int, most: int) -> None:
    for minutes in range(12):
        fail(flow, "quokka", minutes)
    fail(flow, "quokka", None)
    for wanted in (ExecutionFilter(), ExecutionFilter(after=Key(factories.NOON - timedelta(minutes=5), 10**6))):
        with bounds(few, 100), CaptureQueriesContext(connection) as statements:
            executions.page(replace(wanted, text="quokka"), 5)
        assert len(statements) == most


def test_rows_of_a_rare_word_are_not_looked_for_along_the_newest_runs(flow: Flow) -> None:
    """The order of an index is no help where what is sought is old: the rows are found by their text, then sorted."""
    for minutes in range(60):
        fail(flow, "zebra" if minutes > 55 else "quokka", minutes)
    with CaptureQueriesContext(connection) as statements:
        executions.page(ExecutionFilter(text="zebra"))
    explain, sort = {
        "postgresql": ("EXPLAIN", "Sort Key: (COALESCE"),
        "sqlite": ("EXPLAIN QUERY PLAN", "TEMP B-TREE FOR ORDER BY"),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {statements.captured_queries[-1]['sql']}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert sort in plan
