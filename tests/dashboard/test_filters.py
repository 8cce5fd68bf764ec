"""Addresses of lists are read strictly and written back the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from dashboard.executions import forms
from dashboard.filters import BIGGEST_ID
from dashboard.flows.forms import FlowFilterForm
from monitor.models import User, ZohoAccount
from monitor.queries.executions import ExecutionFilter
from monitor.queries.places import Key
from tests import factories
from tests.depth import tried

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def form_of(query: str) -> forms.ExecutionFilterForm:
    return forms.ExecutionFilterForm(QueryDict(query))


@given(
    started=st.none() | st.timedeltas(timedelta(0), timedelta(days=84_000)).map(lambda since: EPOCH + since),
    pk=st.integers(1, BIGGEST_ID),
)
def test_a_place_in_the_list_survives_its_address(started: datetime | None, pk: int) -> None:
    assert forms.decode_key(forms.encode_key(Key(started, pk))) == Key(started, pk)


@given(text=st.text(max_size=60))
def test_a_damaged_place_is_a_value_error_and_nothing_else(text: str) -> None:
    try:
        key = forms.decode_key(text)
    except ValueError:
        return
    assert forms.decode_key(forms.encode_key(key)) == key


@pytest.mark.parametrize(
    "text", ["", "x", "1-", "-1", "1-x", "٣-٣", "9" * 38 + "-1", "1-" + "9" * 20, "n-", "1.5-2", "1--2"]
)
def test_what_nobody_wrote_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a (place|moment)"):
        forms.decode_key(text)


def test_an_empty_address_lists_all(db: None) -> None:
    form = form_of("")
    assert form.is_valid()
    assert form.wanted() == ExecutionFilter()
    assert not form.is_narrowed


def test_every_filter_is_read(account: ZohoAccount) -> None:
    flow = factories.make_flow(account)
    form = form_of(
        f"account={account.pk}&flow={flow.pk}&status=failed&start=2026-11-01&end=2026-11-02T10:30&text=mail&after=5-7"
    )
    assert form.is_valid(), form.errors
    assert form.wanted() == ExecutionFilter(
        account_id=account.pk,
        flow_id=flow.pk,
        status="failed",
        start=datetime(2026, 11, 1, tzinfo=UTC),
        end=datetime(2026, 11, 2, 10, 30, tzinfo=UTC),
        text="mail",
        after=Key(datetime(1970, 1, 1, microsecond=5, tzinfo=UTC), 7),
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("account=x", "account"),
        ("flow=-1", "flow"),
        ("flow=99999999999999999999", "flow"),
        ("flow=1e3", "flow"),
        ("status=broken", "status"),
        ("start=yesterday", "start"),
        ("start=0001-01-01", "start"),
        ("end=9999-12-31", "end"),
        ("start=2026-02-30", "start"),
        ("start=2026-11-02&end=2026-11-01", "end"),
        ("start=2026-11-02&end=2026-11-02", "end"),
        ("start=1", "start"),
        ("text=%00", "text"),
        ("text=" + "x" * 201, "text"),
        ("after=zz", "after"),
        ("before=1", "before"),
    ],
)
def test_bad_input_is_an_error_at_its_field(query: str, field: str, db: None) -> None:
    assert field in form_of(query).errors


@pytest.mark.parametrize(
    ("zone", "query", "start", "end"),
    [
        ("America/Santiago", "start=2026-09-06", datetime(2026, 9, 6, 4, tzinfo=UTC), None),
        ("Africa/Cairo", "end=2026-04-24", None, datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("Europe/Berlin", "start=2026-10-25T02:00", datetime(2026, 10, 25, 0, tzinfo=UTC), None),
        ("Europe/Berlin", "end=2026-10-25T02:00", None, datetime(2026, 10, 25, 0, tzinfo=UTC)),
        ("Europe/Berlin", "start=2026-10-25T02:00%2B01:00", datetime(2026, 10, 25, 1, tzinfo=UTC), None),
        ("Europe/Berlin", "start=2026-10-25T02:00+01:00", datetime(2026, 10, 25, 1, tzinfo=UTC), None),
        ("Europe/Berlin", "start=2026-10-25T01:00Z", datetime(2026, 10, 25, 1, tzinfo=UTC), None),
        *[
            (
                "Europe/Berlin",
                f"start=2026-03-29T{start}&end=2026-03-29T{end}",
                *[datetime(2026, 3, 29, 1, tzinfo=UTC)] * 2,
            )
            for start, end in [("02:10", "02:40"), ("02:00", "03:00")]
        ],
        (
            "Europe/Berlin",
            "start=2026-10-25T02:50&end=2026-10-25T02:10",
            datetime(2026, 10, 25, 0, 50, tzinfo=UTC),
            datetime(2026, 10, 25, 1, 10, tzinfo=UTC),
        ),
    ],
)
def test_every_wall_time_of_the_viewer_is_a_moment(
    zone: str, query: str, start: datetime | None, end: datetime | None, db: None
) -> None:
    with timezone.override(ZoneInfo(zone)):
        form = form_of(query)
        assert form.is_valid(), form.errors
        assert (form.wanted().start, form.wanted().end) == (start, end)


def test_a_time_with_an_offset_is_shown_by_the_viewers_clock_which_a_browsers_field_takes(db: None) -> None:
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        assert 'value="2026-11-20T00:00"' in str(form_of("start=2026-11-19T18:30Z")["start"])
        assert 'value="2026-11-20T00:00"' in str(form_of("start=2026-11-20T00:00")["start"])
        assert 'value="yesterday"' in str(form_of("start=yesterday")["start"])


def test_an_error_in_a_hidden_field_is_told_at_the_top(db: None) -> None:
    assert form_of("after=zz").hidden_errors == ["The page's place in the address is damaged."]


class AnyInput(TestCase):
    """Whatever stands in an address, it is read or refused."""

    @tried(20, 60)
    @given(
        values=st.dictionaries(
            st.sampled_from(["account", "flow", "status", "start", "end", "text", "after", "before", "sort", "page"]),
            st.text(max_size=30) | st.integers().map(str) | st.datetimes().map(str),
            max_size=6,
        )
    )
    def test_no_address_raises(self, values: dict[str, str]) -> None:
        query = QueryDict(mutable=True)
        query.update(values)
        for form in (forms.ExecutionFilterForm(query), FlowFilterForm(query)):
            if form.is_valid():
                assert form.wanted() is not None
            else:
                assert form.errors


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "is_known"),
    [("7", True), ("0" * 18 + "7", True), ("0" * 19 + "7", False), ("0", False), ("", False), ("x", False)],
)
def test_a_key_in_an_address_is_a_number_of_at_most_19_digits(text: str, is_known: bool) -> None:
    assert form_of("").fields["batch"].valid_value(text) is is_known


# Each zone with a time that its clock shows twice, one that it skips, and a day that has no midnight or was left out.
CLOCKS = [
    ("America/New_York", "2026-11-01T01:30", "2026-03-08T02:30", "2026-03-08"),
    ("America/Santiago", "2026-04-04T23:30", "2026-09-06T00:30", "2026-09-06"),
    ("Australia/Lord_Howe", "2026-04-05T01:45", "2026-10-04T02:15", "2026-10-04"),
    ("Africa/Casablanca", "2026-02-15T02:30", "2026-03-22T02:30", "2026-03-22"),
    ("Pacific/Apia", "2010-04-04T03:30", "2011-12-30T12:00", "2011-12-30"),
]


@pytest.mark.parametrize(("zone", "twice", "skipped", "day"), CLOCKS)
def test_every_list_answers_whatever_time_or_day_its_viewers_clock_can_show(
    zone: str, twice: str, skipped: str, day: str, signed_in, ada
) -> None:
    User.objects.filter(pk=ada.pk).update(timezone=zone)
    client = signed_in(ada)
    for name in ("start", "end"):
        for at in (twice, skipped):
            assert client.get("/executions/", {name: at}).status_code == 200, (name, at)
    for path in ("/audit/", "/webhook-failures/"):
        for name in ("first_day", "last_day"):
            assert client.get(path, {name: day}).status_code == 200, (path, name)
        assert client.get(path, {"first_day": "2026-02-30"}).status_code == 400
