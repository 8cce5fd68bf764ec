"""An alert that fires and recovers again and again: one notice says so, no edge is lost, no end kept back falsely."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.flapping import CALM_FOR, MOST_EDGES, WITHIN, FlapStanding, after_edge
from monitor.alerting.incidents import follow, remind
from monitor.models import (
    AlertRule,
    AlertState,
    Delivery,
    Incident,
    IncidentEvent,
    Notice,
    Silence,
    Transition,
    ZohoAccount,
)
from monitor.notify.dispatch import dispatch_new
from monitor.queries.incidents import quiet_incidents
from tests import factories
from tests.bystander import own

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = datetime(2026, 11, 22, tzinfo=UTC)


def walk(gaps: list[int]) -> list[tuple[datetime, FlapStanding]]:
    at, edges, standing, found = START, [], FlapStanding(), []
    for minutes in gaps:
        at += minutes * MINUTE
        edges.append(at)
        standing = after_edge(standing, edges, at)
        found.append((at, standing))
    return found


@given(gaps=st.lists(st.integers(1, 20 * 60), max_size=40))
def test_it_flaps_from_the_seventh_edge_of_a_day_until_a_day_is_calm(gaps: list[int]) -> None:
    edges: list[datetime] = []
    before: tuple[datetime, FlapStanding] | None = None
    for at, standing in walk(gaps):
        edges.append(at)
        many = sum(at - WITHIN < edge <= at for edge in edges) > MOST_EDGES
        goes_on = before is not None and before[1].holds(at)
        assert standing.holds(at) is (many or goes_on)
        if standing.holds(at):
            assert standing.until == at + CALM_FOR
            assert not standing.holds(at + CALM_FOR)
        before = at, standing


def test_six_in_a_day_are_not_too_many() -> None:
    assert [standing.holds(at) for at, standing in walk([60] * 7)] == [False] * 6 + [True]
    assert not any(standing.holds(at) for at, standing in walk([4 * 60] * 30)), "six in each 24 hours"


@pytest.mark.django_db
class TestMails:
    @pytest.fixture(autouse=True)
    def at_once(self, settings: object) -> None:
        settings.ALERT_GROUP_WAIT = 0  # type: ignore[attr-defined]

    @pytest.fixture
    def alert(self, account: ZohoAccount, otto: object, now: datetime) -> AlertState:
        flow = factories.make_flow(account, flow_name="Lead sync")
        rule = factories.make_alert_rule(account)
        return AlertState.objects.create(rule=rule, flow=flow, since=now, evaluated_at=now)

    def cross(self, alert: AlertState, at: datetime) -> None:
        """The next edge of an alert, entered and mailed."""
        alert.refresh_from_db()
        is_firing = not alert.is_open
        alert.is_open, alert.episode = is_firing, alert.episode + is_firing
        alert.state = "firing" if is_firing else "ok"
        alert.save(update_fields=["is_open", "episode", "state"])
        Transition.objects.create(
            alert=alert,
            kind="firing" if is_firing else "resolved",
            episode=alert.episode,
            from_state="ok" if is_firing else "firing",
            to_state=alert.state,
            at=at,
            began_at=at,
            reason="30 of 40 runs succeeded",
        )
        self.run(alert, at)

    def run(self, alert: AlertState, at: datetime) -> None:
        follow(alert.rule.account, at)
        remind(alert.rule.account, at)
        dispatch_new(at)

    def subjects(self) -> list[str]:
        return [mail.subject.partition("]")[0] + "]" for mail in own(Delivery).order_by("pk")]

    def test_one_notice_says_so_then_all_is_quiet_and_every_edge_is_there(
        self, alert: AlertState, now: datetime
    ) -> None:
        for n in range(14):
            self.cross(alert, now + n * 30 * MINUTE)
        usual = ["[Firing]", "[Recovered]"] * 3
        # The seventh edge is a beginning, and says so; who was told of that is told of its end.
        assert self.subjects() == [*usual, "[Firing, flaps]", "[Recovered]"]
        told = own(Delivery).get(subject__startswith="[Firing, flaps]")
        for body in (told.text, told.html):
            assert "more than 6 times within 24 hours: Lead sync" in body
        assert own(Transition).count() == 14
        assert own(Incident).count() == 7
        assert not own(Incident).filter(closed_at=None).exists(), "a recovery closes also what was not mailed"
        assert own(IncidentEvent).filter(kind="flaps").count() == 1
        assert not own(Notice).filter(dispatch_state="new").exists()
        alert.refresh_from_db()
        assert (alert.flaps_since, alert.flaps_until) == (now + 3 * HOUR, now + 13 * 30 * MINUTE + CALM_FOR)
        quiet = quiet_incidents([alert.rule.account_id], now)
        assert len(quiet) == 3, "digests list those of which no mail came"

    def test_a_steady_outage_is_mailed_half_an_hour_after_it_began(self, alert: AlertState, now: datetime) -> None:
        for n in range(8):
            self.cross(alert, now + n * 30 * MINUTE)
        assert self.subjects()[-2:] == ["[Firing, flaps]", "[Recovered]"]
        last = now + 8 * HOUR
        self.cross(alert, last)
        self.run(alert, last + 29 * MINUTE)
        assert len(self.subjects()) == 8
        waiting = own(Notice).get(dispatch_state="new")
        assert (waiting.why_silent, waiting.due_at) == ("flaps", last + 30 * MINUTE)
        self.run(alert, last + 30 * MINUTE)
        assert self.subjects()[8:] == ["[Firing]"]
        self.run(alert, last + 5 * HOUR)
        assert self.subjects()[8:] == ["[Firing]", "[Still firing]"]
        self.cross(alert, last + 6 * HOUR)
        assert self.subjects()[8:] == ["[Firing]", "[Still firing]", "[Recovered]"]

    def test_the_notice_that_says_so_is_one_that_goes_out(self, alert: AlertState, now: datetime) -> None:
        """The seventh edge is in a maintenance window, and its notices are not mailed."""
        account = alert.rule.account
        times = {"starts_at": now + 2.9 * HOUR, "ends_at": now + 4 * HOUR, "at": now}
        Silence.objects.create(account=account, why="moving", **times)
        for n in range(8):
            self.cross(alert, now + n * 30 * MINUTE)
        assert self.subjects() == ["[Firing]", "[Recovered]"] * 3
        for n in range(8, 12):
            self.cross(alert, now + n * 30 * MINUTE)
        assert self.subjects()[6:] == ["[Firing, flaps]", "[Recovered]"]

    def test_a_page_is_mailed_at_once_however_often_it_comes(self, alert: AlertState, now: datetime) -> None:
        AlertRule.objects.filter(pk=alert.rule_id).update(severity="page")
        for n in range(9):
            self.cross(alert, now + n * 30 * MINUTE)
        assert self.subjects() == [*["[Firing]", "[Recovered]"] * 3, "[Firing, flaps]", "[Recovered]", "[Firing]"]

    def test_after_a_calm_day_it_is_an_alert_like_any_other(self, alert: AlertState, now: datetime) -> None:
        for n in range(8):
            self.cross(alert, now + n * 30 * MINUTE)
        later = now + 3.5 * HOUR + CALM_FOR
        self.cross(alert, later)
        self.cross(alert, later + HOUR)
        assert self.subjects()[-2:] == ["[Firing]", "[Recovered]"]
        alert.refresh_from_db()
        assert alert.flaps_until is None

    def test_another_alert_of_the_same_rule_is_mailed_meanwhile(
        self, alert: AlertState, account: ZohoAccount, now: datetime
    ) -> None:
        for n in range(8):
            self.cross(alert, now + n * 30 * MINUTE)
        before = len(self.subjects())
        other = AlertState.objects.create(
            rule=AlertRule.objects.get(pk=alert.rule_id), flow=factories.make_flow(account), since=now, evaluated_at=now
        )
        self.cross(other, now + 5 * HOUR)
        assert self.subjects()[before:] == ["[Firing]"]
        other.refresh_from_db()
        assert other.flaps_since is None

    def test_an_incident_with_an_alert_that_does_not_flap_is_mailed(
        self, alert: AlertState, account: ZohoAccount, now: datetime
    ) -> None:
        for n in range(9):
            self.cross(alert, now + n * 30 * MINUTE)
        before = len(self.subjects())
        other = AlertState.objects.create(
            rule=alert.rule, flow=factories.make_flow(account), since=now, evaluated_at=now
        )
        self.cross(other, now + 4 * HOUR + MINUTE)
        assert own(Incident).filter(closed_at=None).count() == 1
        self.run(alert, now + 4 * HOUR + 10 * MINUTE)
        assert len(self.subjects()) == before + 1

    def test_the_pages_of_the_alert_and_of_its_incident_say_so(
        self, alert: AlertState, now: datetime, vera: object, signed_in: object
    ) -> None:
        for n in range(7):
            self.cross(alert, now + n * 30 * MINUTE)
        with time_machine.travel(now + 4 * HOUR, tick=False):
            client = signed_in(vera)  # type: ignore[operator]
            page = client.get(alert.get_absolute_url()).content.decode()
            assert "It fires and recovers again and again since" in page
            incident = client.get(own(Incident).get(closed_at=None).get_absolute_url()).content.decode()
            assert "· flaps, until" in incident
            assert "fires and recovers again and again: nothing more is mailed" in incident
        with time_machine.travel(now + 40 * HOUR, tick=False):
            assert "again and again since" not in signed_in(vera).get(alert.get_absolute_url()).content.decode()  # type: ignore[operator]
