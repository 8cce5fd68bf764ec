"""Figures are valid Plotly, say nothing where nothing is known, and the SVG shows the same."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import axes, charts, svg
from dashboard.slots import Slot
from dashboard.volume_chart import Mark, MarkKind, volume
from monitor.error_classes import CLASSES
from monitor.periods import Window
from monitor.queries.counts import Counts
from monitor.queries.holes import Hole
from tests.depth import tried

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MAKERS = (charts.success_rate, charts.durations, charts.outcomes, charts.failures, volume)


def make_slot(day: int, succeeded: int = 0, failed: int = 0, **fields: Any) -> Slot:
    counts = Counts(succeeded, failed, fields.pop("first", succeeded), fields.pop("running", 0), fields.pop("other", 0))
    return Slot(START + day * DAY, START + (day + 1) * DAY, counts, **fields)


def parse(markup: str) -> ET.Element:
    """Our own markup: nothing of it was sent by anybody."""
    return ET.fromstring(markup)  # noqa: S314


def trace(chart: charts.Chart, name: str) -> dict[str, Any]:
    return next(trace for trace in chart.figure["data"] if trace["name"] == name)


def texts(chart: charts.Chart) -> list[list[str]]:
    return [[cell.text for cell in row] for row in chart.rows]


counts = st.integers(0, 10**6)
any_slots = st.lists(
    st.tuples(counts, counts, counts, counts, st.none() | st.floats(0, 10**8), st.booleans()), max_size=40
).map(
    lambda rows: [
        make_slot(
            *(n, ok, bad),
            first=min(ok, 5),
            running=run,
            other=other,
            p50=p,
            p95=p and p * 2,
            is_known=known,
            errors={name: bad for place, name in enumerate(CLASSES) if bad >> place & 1},
        )
        for n, (ok, bad, run, other, p, known) in enumerate(rows)
    ]
)


@tried(15, 40)
@given(slots=any_slots)
def test_every_figure_is_valid_plotly_and_json(slots: list[Slot]) -> None:
    holes = [Hole(START + DAY, START + 2 * DAY, "not read")]
    for make in MAKERS:
        chart = make(slots, UTC, holes)
        go.Figure(chart.figure)
        assert json.loads(json.dumps(chart.figure, allow_nan=False)) == chart.figure


@tried(15, 40)
@given(slots=any_slots)
def test_every_figure_can_be_painted_as_well_formed_svg_inside_its_plot(slots: list[Slot]) -> None:
    for make in MAKERS:
        chart = make(slots, UTC, [Hole(START, START + DAY, "not read")])
        root = parse(svg.paint(chart.figure, title=chart.title, summary=chart.summary, id=chart.id))
        for bar in root.iter("rect"):
            assert -1 <= float(bar.get("y", 0)) <= float(bar.get("y", 0)) + float(bar.get("height", 0)) <= 1001


def test_a_day_without_runs_is_a_gap_and_not_a_zero() -> None:
    chart = charts.success_rate([make_slot(0, 9, 1), make_slot(1), make_slot(2, 10)], UTC)
    assert trace(chart, "Final result")["y"] == [90, None, 100]
    assert trace(chart, "Failed")["y"] == [1, None, 0]
    assert trace(chart, "Final result")["connectgaps"] is False


def test_a_gap_breaks_the_painted_line_too() -> None:
    slots = [make_slot(0, 9, 1), make_slot(1, 9), make_slot(2), make_slot(3, 9), make_slot(4, 9)]
    chart = charts.success_rate(slots, UTC)
    markup = svg.paint(chart.figure, title="t", summary="s", id="c")
    assert markup.count('class="chart__line series-good"') == 2


def test_a_lonely_value_between_gaps_is_painted_as_a_dot() -> None:
    chart = charts.success_rate([make_slot(0), make_slot(1, 9), make_slot(2)], UTC)
    assert 'class="chart__point series-good"' in svg.paint(chart.figure, title="t", summary="s", id="c")


def test_the_first_attempts_stand_beside_the_final_rate_as_a_dotted_line() -> None:
    chart = charts.success_rate([make_slot(0, 10, 0, first=8)], UTC)
    assert trace(chart, "First attempt")["y"] == [80]
    assert trace(chart, "First attempt")["line"]["dash"] == "dot"
    assert trace(chart, "Final result")["y"] == [100]


def test_a_hole_is_shaded_over_every_column_that_it_touches() -> None:
    slots = [make_slot(day, 5) for day in range(5)]
    hole = Hole(START + 3.5 * DAY, START + 5 * DAY, "not read")
    (shape,) = charts.success_rate(slots, UTC, [hole]).figure["layout"]["shapes"]
    assert (shape["x0"], shape["x1"]) == (2.5, 4.5)


def test_an_empty_slot_in_a_hole_is_not_known_in_the_table() -> None:
    chart = charts.outcomes([make_slot(0), make_slot(1, is_known=False)], UTC)
    assert texts(chart)[0][1:] == ["0", "0", "0"]
    assert texts(chart)[1][1:] == ["not known"] * 3


def test_the_table_says_what_the_chart_draws() -> None:
    chart = charts.success_rate([make_slot(0, 2999, 1)], UTC)
    assert texts(chart) == [["Sun 1 Nov 00:00", "99.9 %", "99.9 %", "3,000", "1"]]
    assert len(chart.head) == len(chart.rows[0])


@pytest.mark.parametrize(("lowest", "floor"), [(99, 90), (90, 90), (89.9, 80), (62, 50), (3, 0)])
def test_the_rate_axis_goes_no_lower_than_it_must(lowest: float, floor: int) -> None:
    slots = [
        make_slot(0, 100),
        Slot(START + DAY, START + 2 * DAY, Counts(int(lowest * 10), 1000 - int(lowest * 10), 1000)),
    ]
    chart = charts.success_rate(slots, UTC)
    assert chart.figure["layout"]["yaxis"]["tickvals"][0] == floor


@given(most=st.integers(0, 10**12))
def test_the_count_axis_has_few_whole_ticks_and_holds_the_highest_bar(most: int) -> None:
    top, step = axes.count_axis(most)
    assert top >= most
    assert 1 <= top // step <= 3
    assert top % step == 0


def test_stacked_bars_stand_on_each_other_in_the_svg() -> None:
    chart = charts.outcomes([make_slot(0, 2, 2), make_slot(1, 1)], UTC)
    root = parse(svg.paint(chart.figure, title="t", summary="s", id="c"))
    good, bad = (
        next(r for r in root.iter("rect") if f"series-{role}" in r.get("class", "")) for role in ("good", "bad")
    )
    assert float(bad.get("y", 0)) + float(bad.get("height", 0)) == pytest.approx(float(good.get("y", 0)), abs=0.1)


def test_times_are_on_the_viewers_clock() -> None:
    chart = charts.success_rate([make_slot(0, 1)], ZoneInfo("Asia/Kolkata"))
    assert chart.figure["data"][0]["x"] == ["Sun 1 Nov 05:30"]


@pytest.mark.parametrize(
    ("zone", "first", "named"),
    [
        ("Europe/Berlin", datetime(2026, 10, 25, 0, tzinfo=UTC), ["02:00", "02:00 (winter)", "03:00"]),
        ("America/New_York", datetime(2026, 11, 1, 5, tzinfo=UTC), ["01:00", "01:00 (winter)", "02:00"]),
        ("Europe/Berlin", datetime(2026, 3, 29, 0, tzinfo=UTC), ["01:00", "03:00", "04:00"]),
        ("Africa/Casablanca", datetime(2027, 2, 7, 1, tzinfo=UTC), ["02:00", "02:00 (UTC+0)", "03:00"]),
    ],
)
def test_an_hour_that_comes_twice_has_two_places_and_two_names(zone: str, first: datetime, named: list[str]) -> None:
    hour = timedelta(hours=1)
    laid = [Slot(first + n * hour, first + (n + 1) * hour, Counts(failed=n + 1)) for n in range(3)]
    for make in (charts.success_rate, charts.outcomes):
        chart = make(laid, ZoneInfo(zone))
        assert [name.split(" ", 3)[3] for name in trace(chart, "Failed")["x"]] == named
        assert [row[0].text for row in chart.rows] == trace(chart, "Failed")["x"]
        assert chart.figure["layout"]["xaxis"]["ticktext"][-2:] == named[-2:]
        bars = svg.paint(chart.figure, title="t", summary="s", id="c").count("series-bad")
        assert bars == 3


def test_the_first_column_is_named_by_the_time_from_which_it_counts() -> None:
    within = Window(START + timedelta(hours=15), START + DAY)
    chart = charts.outcomes([Slot(START, START + DAY, Counts(1), within=within)], UTC)
    assert texts(chart)[0][0] == "Sun 1 Nov 15:00"


def test_names_of_a_year_are_distinct_and_say_which_year() -> None:
    laid = [make_slot(7 * week, 1) for week in range(53)]
    found = charts.names(laid, UTC)
    assert len(set(found)) == 53
    assert found[0] == "Sun 1 Nov 2026 00:00"


def test_numbers_and_bars_lead_to_the_runs_that_they_count_and_zeros_lead_nowhere() -> None:
    laid = [make_slot(0, 3, 2), make_slot(1, 4)]
    link = lambda slot, status: f"/{slot.start.day}/{status}"  # noqa: E731
    rate, results = charts.success_rate(laid, UTC, (), link), charts.outcomes(laid, UTC, (), link)
    assert [[cell.href for cell in row[3:]] for row in rate.rows] == [["/1/finished", "/1/failed"], ["/2/finished", ""]]
    assert [cell.href for cell in results.rows[0]] == ["", "/1/success", "/1/failed", ""]
    assert trace(results, "Success")["customdata"] == ["/1/success", "/2/success"]
    painted = svg.paint(results.figure, title="t", summary="s", id="c")
    assert painted.count("<a href") == 3
    name = trace(results, "Failed")["x"][0]
    named = f'<a href="/1/failed" tabindex="-1" aria-label="Failed, {name}: 2"><rect class="chart__bar series-bad"'
    assert named in painted
    assert 'role="group"' in painted  # a picture would hide its links
    assert 'role="img"' in svg.paint(charts.durations(laid, UTC).figure, title="t", summary="s", id="c")
    assert not [cell.href for row in charts.failures(laid, UTC, (), link).rows for cell in row if cell.href]


def test_a_chart_without_any_value_says_so() -> None:
    chart = charts.durations([make_slot(0), make_slot(1)], UTC)
    assert chart.is_empty
    assert chart.summary == "No run was timed."


def test_the_picture_has_a_name_and_a_description() -> None:
    chart = charts.success_rate([make_slot(0, 9, 1)], UTC)
    root = parse(svg.paint(chart.figure, title=chart.title, summary="<b>", id="x"))
    assert root.get("role") == "img"
    assert [root.find("title").text, root.find("desc").text] == ["Success rate", "<b>"]  # type: ignore[union-attr]
    assert root.get("aria-labelledby") == "x-title x-desc"


def test_each_slot_of_run_times_and_errors_opens_the_runs_that_it_counts_and_no_others() -> None:
    def link(slot: Slot, status: str) -> str:
        return f"/{status}/{(slot.start - START).days}"

    slots = [make_slot(0, 1, 3, errors={"data": 3}), make_slot(1, 1, 3, errors={"data": 2, "server": 1}), make_slot(2)]
    lengths = charts.durations(slots, UTC, link=link)
    assert trace(lengths, "Median")["customdata"][:2] == ["/finished/0", "/finished/1"]
    assert [row[3] for row in lengths.rows] == [("4", "/finished/0"), ("4", "/finished/1"), ("0", "")]
    errors = charts.failures(slots, UTC, link=link)
    assert [row[1].href for row in errors.rows] == ["/failed/0", "", ""], "no list is of a part of what failed"
    assert errors.figure["data"][0]["customdata"] == ["/failed/0", "", ""]
    assert errors.figure["data"][1]["customdata"] == ["", "", ""]
    assert 'role="img"' in svg.paint(lengths.figure, title="t", summary="s", id="c")


def test_the_rate_of_the_period_before_is_a_dashed_line_the_newest_under_the_newest() -> None:
    slots, before = [make_slot(n, 9, 1) for n in range(3)], [make_slot(-2, 1, 1), make_slot(-1, 3, 1)]
    chart = charts.success_rate(slots, UTC, before=before)
    dashed = trace(chart, "Period before")
    assert (dashed["y"], dashed["line"]["dash"]) == ([None, 50.0, 75.0], "dash")
    assert [row[2].text for row in chart.rows] == ["–", "50.0 %", "75.0 %"]
    assert "chart__line--dash" in svg.paint(chart.figure, title=chart.title, summary="", id="x")
    longer = charts.success_rate(slots[:1], UTC, before=before)
    assert trace(longer, "Period before")["y"] == [75.0]
    assert "Period before" not in charts.success_rate(slots, UTC).head


def test_a_sparkline_leaves_days_without_runs_empty_and_shows_a_single_failure() -> None:
    root = parse(svg.sparkline([(0, 0), (1000, 1), (5, 0)]))
    bars = {
        path.get("class", "").split("series-")[1]: re.findall(r"M(\d+) (-?\d+)h\d+v(\d+)", path.get("d", ""))
        for path in root.iter("path")
    }
    (failed,) = bars["bad"]
    assert int(failed[2]) >= 100
    assert [(int(place) // 333, int(top) + int(height)) for place, top, height in bars["good"]] == [(1, 880), (2, 1000)]
    assert (failed[0], int(failed[1]) + int(failed[2])) == (bars["good"][0][0], 1000), "the failed ones lie below"


def test_failures_are_stacked_by_class_the_most_frequent_by_name_and_the_rest_together() -> None:
    many = {"server": 90, "timeout": 80, "rate": 70, "connection": 60, "data": 5, "function": 1}
    slots = [make_slot(0, failed=306, errors=many), make_slot(1, failed=2, errors={"data": 2}), make_slot(2)]
    chart = charts.failures(slots, UTC)
    assert [one["name"] for one in chart.figure["data"]] == [
        "App not available",
        "No answer in time",
        "Too many requests",
        "Connection or sign-in",
        "All others",
    ]
    assert trace(chart, "All others")["y"] == [6, 2, None]
    assert trace(chart, "App not available")["y"] == [90, None, None]
    assert chart.summary.startswith("App not available: 90; No answer in time: 80")
    assert len({key.role for key in chart.legend}) == 5
    assert texts(chart)[1][1:] == ["0", "0", "0", "0", "2"]


def test_where_nothing_failed_the_chart_of_failures_is_empty_and_says_so() -> None:
    chart = charts.failures([make_slot(0, succeeded=5)], UTC)
    assert chart.is_empty
    assert chart.summary == "No run failed in this time."


def test_the_slowest_95th_percentile_is_told_and_fits_the_axis() -> None:
    slots = [make_slot(0, 1, p50=900, p95=2_000), make_slot(1, 1, p50=1_000, p95=90_000), make_slot(2)]
    chart = charts.durations(slots, UTC)
    assert chart.summary == "The slowest 95th percentile is 1 min 30 s."
    axis = chart.figure["layout"]["yaxis"]
    assert axis["tickvals"][-1] >= 90_000 > axis["tickvals"][-2]
    assert axis["range"][1] > axis["tickvals"][-1]
    assert trace(chart, "95th percentile")["y"] == [2_000, 90_000, None]
    assert trace(chart, "Median")["y"] == [900, 1_000, None]


def test_runs_stand_as_good_and_bad_bars_below_their_rate_and_what_happened_is_marked_between() -> None:
    slots = [make_slot(0, 9, 1), make_slot(1), make_slot(2, 10)]
    happened = [
        Mark(START, MarkKind.CHANGE),
        Mark(START + DAY / 2, MarkKind.CHANGE),
        Mark(START + 3 * DAY - timedelta(seconds=1), MarkKind.INCIDENT),
        Mark(START - DAY, MarkKind.INCIDENT),
        Mark(START + 3 * DAY, MarkKind.INCIDENT),
    ]
    chart = volume(slots, UTC, marks=happened, link=lambda slot, status: f"/runs/?{slot.start:%d}&{status}")
    assert (trace(chart, "Success")["y"], trace(chart, "Failed")["y"]) == ([9, None, 10], [1, None, 0])
    assert trace(chart, "Success rate")["y"] == [90, None, 100]
    assert (trace(chart, "Changes")["y"], trace(chart, "Incidents")["y"]) == ([0.5, None, None], [None, None, 1.5])
    assert (trace(chart, "Changes")["text"][0], trace(chart, "Incidents")["text"][2]) == ("2 changes", "1 incident")
    domains = [chart.figure["layout"][name]["domain"] for name in ("yaxis2", "yaxis3", "yaxis")]
    assert [edge for domain in domains for edge in domain] == sorted(edge for domain in domains for edge in domain)
    markup = svg.paint(chart.figure, title="t", summary="s", id="c")
    assert markup.count("chart__mark ") == 2
    assert "<title>2 changes, Sun 1 Nov 00:00</title>" in markup
    assert 'href="/runs/?01&amp;success"' in markup
    assert 'href="/runs/?01&amp;failed"' in markup


def test_without_marks_the_legend_and_the_figure_name_none() -> None:
    chart = volume([make_slot(0, 9, 1)], UTC)
    assert [key.label for key in chart.legend] == ["Success", "Failed", "Success rate"]
    assert len(chart.figure["data"]) == 3


@pytest.mark.parametrize(
    ("values", "paths", "points"),
    [([90.0, 95.0, 100.0], 1, 0), ([90.0, None, 100.0], 0, 1), ([None, None], 0, 0), ([], 0, 0), ([5.0, 5.0], 1, 0)],
)
def test_a_sparkline_of_values_leaves_gaps_where_none_is_known(
    values: list[float | None], paths: int, points: int
) -> None:
    markup = svg.sparkline_of(values, "good")
    parse(markup)
    assert (markup.count('class="chart__line'), markup.count('class="chart__point')) == (paths, points)
