"""What people say while a message waits holds for it, too: a snooze, a silence, a maintenance window, working hours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest

from monitor.alerting import actions
from monitor.alerting.incidents import notify
from monitor.models import AlertState, ChannelMessage, Delivery, Incident, Silence, Snooze, User
from monitor.notify import send
from monitor.notify.channels.send import send_to_channels
from monitor.notify.dispatch import dispatch_new
from monitor.notify.send import BUDGET, send_due
from tests import factories
from tests.bystander import own
from tests.notify.test_late import DAY, MINUTE, SECOND, Ways, another, fire, join, recover, ways

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
Hush = Callable[[Incident, AlertState, User, datetime, datetime], None]
__all__ = ["ways"]


def snooze(incident: Incident, alert: AlertState, who: User, now: datetime, until: datetime) -> None:
    actions.snooze(incident, alert, until, "", who, now)


def silence(incident: Incident, alert: AlertState, who: User, now: datetime, until: datetime) -> None:
    actions.silence(who, now, starts_at=now, ends_at=until, why="a drill", flow=alert.flow)


def plan(incident: Incident, alert: AlertState, who: User, now: datetime, until: datetime) -> None:
    """A maintenance window that was planned before anything fired."""
    before = now - DAY
    actions.silence(who, before, starts_at=now, ends_at=until, why="a move", account=incident.account)


def work(incident: Incident, alert: AlertState, who: User, now: datetime, until: datetime) -> None:
    """Nobody works from now on until then."""
    hours = {"from": f"{until:%H:%M}", "to": f"{now:%H:%M}"}
    type(alert.rule).objects.filter(pk=alert.rule_id).update(working_hours=hours)


def break_account(incident: Incident, alert: AlertState, who: User, now: datetime, until: datetime) -> None:
    """The whole account has trouble, which was mailed."""
    rule = factories.make_alert_rule(incident.account, name="Mirror", kind="mirror", threshold=None)
    known = {"subject_kind": "account", "subject_key": str(incident.account_id), "since": now, "evaluated_at": now}
    whole = AlertState.objects.create(rule=rule, state="firing", is_open=True, episode=1, **known)
    factories.make_incident(whole, cause="account", opened_at=now)


def end_all(now: datetime) -> None:
    own(Incident).filter(cause="account").update(closed_at=now, closed_how="recovered")


HUSHES = pytest.mark.parametrize("hush", [snooze, silence, plan, work, break_account])


@HUSHES
def test_what_is_kept_quiet_while_a_message_waits_keeps_it_back_until_its_end(
    ways: Ways, alert: AlertState, ada: User, now: datetime, hush: Hush
) -> None:
    incident = fire(alert, now)
    ways.away(now)
    until = now + 3 * HOUR
    hush(incident, alert, ada, now + MINUTE, until)
    for minutes in (2, 17, 93, 179):
        ways.back(now + minutes * MINUTE)
    assert (ways.mails, ways.messages) == ([], [])
    for rows in (own(Delivery), own(ChannelMessage)):
        waiting = rows.get()
        assert (waiting.state, waiting.attempts) == ("queued", 1)
        assert waiting.last_error.startswith("kept back: ")
    end_all(until)
    ways.back(until + MINUTE)
    assert [one.partition("]")[0] for one in [*ways.mails, *ways.messages]] == ["[Firing", "[Firing"]


@HUSHES
def test_what_is_over_by_the_time_that_it_is_quiet_no_longer_is_told_as_a_notice_that_waits_is(
    ways: Ways, alert: AlertState, ada: User, now: datetime, hush: Hush
) -> None:
    incident = fire(alert, now)
    ways.away(now)
    until = now + 3 * HOUR
    hush(incident, alert, ada, now + MINUTE, until)
    ways.back(now + 2 * MINUTE)
    recover(alert, now + HOUR)
    ways.back(now + HOUR)
    ways.back(now + HOUR + MINUTE)
    assert (ways.mails, ways.messages) == ([], [])
    end_all(until)
    dispatch_new(until + MINUTE)
    ways.back(until + MINUTE)
    if hush is work:  # then people want to read what was at night
        both = ["[Fired and recovered] Lead sync: 40 of 40 runs succeeded"]
        assert (ways.mails, ways.messages) == (both, both)
        return
    assert (ways.mails, ways.messages) == ([], [])
    for rows in (own(Delivery), own(ChannelMessage)):
        given_up = rows.get(notice__kind="firing")
        assert (given_up.state, given_up.last_error) == ("dead", "the incident was over before what kept it quiet")


@pytest.mark.parametrize("kind", ["snooze", "silence"])
def test_what_is_ended_early_lets_the_message_go_within_a_minute(
    ways: Ways, alert: AlertState, ada: User, now: datetime, kind: str
) -> None:
    incident = fire(alert, now)
    {"snooze": snooze, "silence": silence}[kind](incident, alert, ada, now, now + DAY)
    ways.back(now + SECOND)
    assert (ways.mails, ways.messages) == ([], [])
    if kind == "snooze":
        actions.end_snooze(own(Snooze).get(), ada, now + MINUTE)
    else:
        actions.end_silence(own(Silence).get(), ada, now + MINUTE)
    ways.back(now + MINUTE + SECOND)
    assert (len(ways.mails), len(ways.messages)) == (1, 1)


def test_a_message_that_was_kept_back_for_days_says_what_is_so_now_and_has_a_day_of_tries(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    snooze(incident, alert, ada, now, now + 3 * DAY)
    ways.back(now + SECOND)
    flow = alert.flow
    assert flow is not None
    factories.make_execution(flow, "failed", started_time=now + 2 * DAY, error_message="A new error")
    ways.away(now + 3 * DAY + MINUTE)
    ways.back(now + 3 * DAY + 2 * HOUR)
    assert (len(ways.mails), len(ways.messages)) == (1, 1)
    assert "A new error" in ways.sent[0].body
    assert "A new error" in "\n".join(ways.poster.parcels[0].lines)


def test_an_alert_that_joins_and_is_loud_takes_what_was_kept_back_along(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    snooze(incident, alert, ada, now, now + DAY)
    ways.back(now + SECOND)
    join(incident, another(alert, "Zebra"), now + 6 * MINUTE)
    ways.back(now + 6 * MINUTE)
    assert [one.partition("]")[0] for one in [*ways.mails, *ways.messages]] == ["[Firing", "[Firing"]
    assert "Zebra" in ways.sent[0].body


def test_more_alerts_that_are_snoozed_wait_though_the_others_are_loud(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    ways.back(now)
    other = another(alert, "Zebra")
    join(incident, other, now + 6 * MINUTE)
    snooze(incident, other, ada, now + 6 * MINUTE, now + HOUR)
    ways.back(now + 7 * MINUTE)
    assert (len(ways.mails), len(ways.messages)) == (1, 1)
    recover(other, now + 8 * MINUTE)
    recover(alert, now + 9 * MINUTE)
    ways.back(now + 10 * MINUTE)
    assert [one.partition("]")[0] for one in ways.mails] == ["[Firing", "[Recovered"]
    assert [one.partition("]")[0] for one in ways.messages] == ["[Firing", "[Recovered"]


def test_a_reminder_waits_for_a_silence_and_the_end_waits_for_none(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    ways.back(now)
    notify(incident, "repeat", now + 4 * HOUR, due_at=now + 4 * HOUR)
    dispatch_new(now + 4 * HOUR)
    silence(incident, alert, ada, now + 4 * HOUR, now + DAY)
    ways.back(now + 4 * HOUR + SECOND)
    assert (len(ways.mails), len(ways.messages)) == (1, 1)
    recover(alert, now + 5 * HOUR)
    ways.back(now + 5 * HOUR)
    assert [one.partition("]")[0] for one in ways.mails] == ["[Firing", "[Recovered"]


def test_what_somebody_has_sent_again_goes_out_though_it_is_silenced(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    silence(incident, alert, ada, now, now + DAY)
    own(Delivery).update(revived_at=now)
    own(ChannelMessage).update(revived_at=now)
    ways.back(now + SECOND)
    assert (len(ways.mails), len(ways.messages)) == (1, 1)


def test_what_is_not_sent_on_purpose_is_no_error_in_the_log(
    ways: Ways, alert: AlertState, ada: User, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    incident = fire(alert, now)
    snooze(incident, alert, ada, now, now + HOUR)
    ways.back(now + SECOND)
    recover(alert, now + 2 * MINUTE)
    ways.back(now + HOUR + MINUTE)
    assert set(own(Delivery).filter(notice__kind="firing").values_list("state", flat=True)) == {"dead"}
    told = [(one.levelname, one.getMessage()) for one in caplog.records if "before what kept it quiet" in one.message]
    assert [(level, "is not sent" in line) for level, line in told] == [("INFO", True)] * 2
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


def elsewhere(now: datetime) -> AlertState:
    """An alert of another account, and so of another incident."""
    flow = factories.make_flow(factories.make_account(), flow_name="Orders")
    known = {"state": "firing", "is_open": True, "episode": 1, "since": now, "evaluated_at": now}
    return AlertState.objects.create(rule=factories.make_alert_rule(flow.account), flow=flow, **known)


def test_a_message_that_is_kept_back_delays_no_other_incident(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    snooze(incident, alert, ada, now, now + DAY)
    fire(elsewhere(now), now)
    ways.back(now + SECOND)
    assert [one.partition(":")[0] for one in [*ways.mails, *ways.messages]] == ["[Firing] Orders"] * 2


def slowly(now: datetime, step: timedelta) -> Callable[[], datetime]:
    """A clock that goes on whenever it is looked at."""
    ticks = count()
    return lambda: now + next(ticks) * step


def test_a_new_page_goes_out_before_what_is_kept_back_is_looked_at_again(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    snooze(incident, alert, ada, now, now + DAY)
    ways.back(now + SECOND)
    fire(elsewhere(now), now + 2 * MINUTE)
    send_due(now + 2 * MINUTE, clock=slowly(now + 2 * MINUTE, BUDGET / 3))
    send_to_channels(now + 2 * MINUTE, clock=slowly(now + 2 * MINUTE, 2 * SECOND), poster=ways.poster)
    assert [one.partition(":")[0] for one in [*ways.mails, *ways.messages]] == ["[Firing] Orders"] * 2


def test_a_run_looks_at_so_many_that_are_kept_back_and_the_next_run_at_the_others(
    ways: Ways, alert: AlertState, ada: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "MOST_LOOKS", 1)
    for one in (alert, elsewhere(now)):
        snooze(fire(one, now), one, ada, now, now + DAY)
    assert [send_due(now + SECOND, clock=lambda: now + SECOND).kept_back for _ in range(3)] == [1, 1, 0]
    assert set(own(Delivery).values_list("kept_quiet", flat=True)) == {"snoozed"}
