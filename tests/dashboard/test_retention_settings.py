"""What is kept how long: read from the environment, with one clear line when it is wrong."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.environment import retention
from monitor.models import Ages, ages


def test_the_defaults() -> None:
    assert retention() == {"payload": 30, "rows": 180, "hours": 400, "days": 0}
    assert ages() == Ages(payload=30, rows=180, hours=400, days=0)


def test_own_ages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAYLOAD": "7", "ROWS": "100", "HOURS": "182", "DAYS": "3650"}.items():
        monkeypatch.setenv(f"RETAIN_{name}_DAYS", value)
    assert retention() == {"payload": 7, "rows": 100, "hours": 182, "days": 3650}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"PAYLOAD": "0"}, "RETAIN_PAYLOAD_DAYS must be a number of days from 1"),
        ({"PAYLOAD": "a month"}, "not 'a month'"),
        ({"ROWS": "99"}, "RETAIN_ROWS_DAYS must be a number of days from 100 to 36500: Zoho's 90 days"),
        ({"ROWS": "-5"}, "not '-5'"),
        ({"ROWS": "9" * 30}, "to 36500"),
        ({"HOURS": "181"}, "charts compare 90 days"),
        ({"PAYLOAD": "200"}, "RETAIN_ROWS_DAYS (180) must not be less than RETAIN_PAYLOAD_DAYS (200)"),
        ({"ROWS": "500"}, "RETAIN_HOURS_DAYS (400) must not be less than RETAIN_ROWS_DAYS (500)"),
        ({"DAYS": "399"}, "RETAIN_DAYS_DAYS (399) must be 0 (for ever) or not less than RETAIN_HOURS_DAYS (400)"),
    ],
)
def test_a_wrong_age_ends_with_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], said: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"RETAIN_{name}_DAYS", value)
    with pytest.raises(ImproperlyConfigured) as raised:
        retention()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_edges_are_whole_hours_and_days_of_utc(now: datetime) -> None:
    kept = Ages(payload=30, rows=180, hours=400, days=1000)
    at = now + timedelta(minutes=31)
    assert kept.payload_edge(at) == at - timedelta(days=30)
    assert kept.rows_edge(at) == now - timedelta(days=180)
    assert kept.hours_edge(at) == (now - timedelta(days=400)).replace(hour=0)
    assert kept.days_edge(at) == date(2024, 2, 26)
    assert Ages(1, 100, 182).days_edge(at) is None
