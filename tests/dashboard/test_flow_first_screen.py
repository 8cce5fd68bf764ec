"""The first screen of a flow: why it fails, what was changed last, the strip of its newest runs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.flows.strip import LOWEST, strip_of, summary_of
from monitor.models import Flow, Problem, User
from monitor.queries import flow as one
from monitor.queries.flow import STRIP, PastRun
from tests import factories
from tests.bystander import own
from tests.triage.conftest import Fail, Triage, fail, flow, triage

__all__ = ["fail", "flow", "triage"]
NOW = factories.NOON


def past(pk: int, status: str = "success", ms: int | None = 1000) -> PastRun:
    return PastRun(pk, status, NOW - timedelta(hours=100 - pk), ms)


def test_each_run_is_a_link_whose_colour_is_the_result_and_whose_height_is_the_run_time() -> None:
    found = strip_of([past(1), past(2, "failed", 4000), past(3, "running", None), past(4, "odd<", 0)], NOW, UTC)
    assert found is not None
    root = ET.fromstring(found.bars)  # noqa: S314 - our own markup
    links = root.findall("a")
    assert [link.get("href") for link in links] == [f"/executions/{pk}/" for pk in (1, 2, 3, 4)]
    bars = [link.findall("rect")[1] for link in links]
    assert [re.findall("series-([a-z]+)", bar.get("class", "")) for bar in bars] == [
        ["good"],
        ["bad"],
        ["info"],
        ["other"],
    ]
    assert [int(bar.get("height", 0)) for bar in bars] == [25, 100, 100, LOWEST]
    assert [int(bar.get("y", 0)) + int(bar.get("height", 0)) for bar in bars] == [100] * 4, "they stand on one line"
    assert links[1].get("aria-label", "").startswith("Failed, ")
    assert links[1].get("aria-label", "").endswith("4.0 s")
    assert float(bars[3].get("x", 0)) > 970, "the newest stands on the right"
    assert found.rows.count("<tr>") == 4
    assert found.rows.index("/executions/4/") < found.rows.index("/executions/1/")


def test_it_says_in_words_how_they_ended() -> None:
    assert summary_of([past(1)]) == "Last run: 1 succeeded"
    told = summary_of([past(1), past(2, "failed"), past(3, "odd"), past(4)])
    assert told == "Last 4 runs: 2 succeeded, 1 failed, 1 of another status"
    assert strip_of([], NOW, UTC) is None


def test_it_is_of_the_newest_runs_of_the_flow_the_newest_last(db: None, account: Any) -> None:
    mine, other = factories.make_flow(account), factories.make_flow(account)
    made = [factories.make_execution(mine, started_time=NOW - timedelta(minutes=n)) for n in range(STRIP + 3)]
    factories.make_execution(mine, "running", started_time=None)
    factories.make_execution(other, started_time=NOW)
    assert [run.pk for run in one.strip(mine.pk)] == [run.pk for run in made[:STRIP]][::-1]


@pytest.mark.parametrize(
    ("changes", "count", "words"),
    [
        ([{"path": ["actions", "[1]", "app"], "kind": "changed"}], 3, "Changed: actions[1].app and 2 more"),
        ([{"path": ["actions", "[1]"], "kind": "added"}], 1, "Added: actions[1]"),
        ([], 2, "2 changes"),
    ],
)
def test_the_page_says_what_was_changed_last_when_and_by_whom(
    signed_in: Any, vera: User, busy_flow: Any, at_noon: datetime, changes: list[Any], count: int, words: str
) -> None:
    thing: Flow = busy_flow()
    factories.make_version(thing)
    given = {"changes": changes, "change_count": count, "modified_time": at_noon - timedelta(hours=3)}
    factories.make_version(thing, number=2, modified_by="Sam Sample", **given)
    page = signed_in(vera).get(thing.get_absolute_url()).content.decode()
    told = " ".join(re.sub("<[^>]+>", " ", page).split())
    assert f'href="{thing.get_absolute_url()}versions/2/"' in page
    assert "Version 2 , 3 h ago by Sam Sample" in told
    assert words in told


def test_the_page_links_each_cause_to_its_problem_and_its_runs(
    fail: Fail, triage: Triage, flow: Flow, signed_in: Any, vera: User, at_noon: datetime
) -> None:
    triage(fail("Tax", minutes_ago=50), fail("Tax", minutes_ago=40))
    page = signed_in(vera).get(flow.get_absolute_url()).content.decode()
    (problem,) = own(Problem)
    assert f'href="{problem.get_absolute_url()}"' in page
    assert f"problem={problem.pk}&amp;failed_from=" in page
    assert "No run of this time failed" not in page
