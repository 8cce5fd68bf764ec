"""Whose mails, notices and incidents a step is about: those of others beside them change nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertState, Delivery, FlowProgress, Notice, StreamState, SyncState, Transition, User
from monitor.notify import outbox, send
from monitor.notify.dispatch import dispatch_new
from monitor.notify.facts import as_of, facts_of, top_errors
from monitor.notify.recipients import recipients
from monitor.periods import Window
from tests import factories
from tests.bystander import own
from tests.notify.conftest import make_transition

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def make_alert(now: datetime, **fields: Any) -> AlertState:
    """Another alert, of another account's flow."""
    flow = factories.make_flow(flow_name="Other sync")
    rule = factories.make_alert_rule(flow.account)
    return AlertState.objects.create(
        rule=rule, flow=flow, **{"state": "firing", "is_open": True, "since": now, "evaluated_at": now} | fields
    )


def make_mail(notice: Notice, person: User, **fields: Any) -> Delivery:
    number = Delivery.objects.count()
    known = {"message_id": f"<{number}@x>", "created_at": factories.NOON, "next_try_at": factories.NOON}
    return Delivery.objects.create(notice=notice, recipient=person, address=person.email, **known | fields)


def due(now: datetime) -> list[Delivery]:
    return list(send._due(now))


def settled(notice: Notice) -> Notice:
    """The notice as it is once its mails are written; the test writes those itself."""
    Notice.objects.filter(pk=notice.pk).update(dispatch_state="dispatched", dispatched_at=factories.NOON)
    return notice


@pytest.fixture
def recovery(alert: AlertState, ada: User) -> Delivery:
    """A recovery that waits for nothing: the firing of its incident has gone out."""
    make_mail(settled(make_transition(alert)), ada, state="sent")
    return make_mail(settled(make_transition(alert, "resolved")), ada)


def test_a_recovery_waits_for_no_firing_but_that_of_its_own_incident_and_reader(
    recovery: Delivery, alert: AlertState, otto: User, ada: User, now: datetime
) -> None:
    later = now + 2 * MINUTE
    own_firing = Notice.objects.get(incident=recovery.notice.incident_id, kind="firing")
    make_mail(own_firing, otto, next_try_at=later)
    make_mail(settled(make_transition(alert, episode=2)), ada, next_try_at=later)
    make_mail(settled(make_transition(make_alert(now))), ada, next_try_at=later)
    assert due(now) == [recovery]


@pytest.mark.parametrize(("state", "waits"), [("queued", True), ("sending", True), ("sent", False), ("dead", False)])
def test_a_recovery_waits_while_its_firing_is_on_its_way(
    recovery: Delivery, now: datetime, state: str, waits: bool
) -> None:
    later = now + 2 * MINUTE
    fired = Delivery.objects.filter(notice__incident=recovery.notice.incident_id).exclude(pk=recovery.pk)
    fired.update(state=state, next_try_at=later, lease_until=later)
    assert due(now) == ([] if waits else [recovery])


def test_another_recovery_on_its_way_holds_none_back(
    recovery: Delivery, alert: AlertState, ada: User, now: datetime
) -> None:
    other = make_alert(now)
    make_mail(settled(make_transition(other)), ada, state="sent")
    theirs = make_mail(settled(make_transition(other, "resolved")), ada)
    assert due(now) == [recovery, theirs]


def test_what_is_due_is_queued_and_its_time_has_come_or_its_sender_is_dead_the_longest_due_first(
    alert: AlertState, ada: User, now: datetime
) -> None:
    fired = settled(make_transition(alert))

    def mail(state: str, **fields: Any) -> Delivery:
        person = factories.make_user()
        return make_mail(fired, person, state=state, **fields)

    second = mail("queued", next_try_at=now)
    first = mail("queued", next_try_at=now - MINUTE)
    mail("queued", next_try_at=now + timedelta(seconds=1))
    dead_sender = mail("sending", lease_until=now - timedelta(seconds=1), next_try_at=now - 2 * MINUTE)
    mail("sending", lease_until=now)
    mail("sent")
    mail("dead")
    assert due(now) == [dead_sender, first, second]


def test_a_claim_leases_one_mail_and_counts_one_attempt(alert: AlertState, now: datetime) -> None:
    fired = settled(make_transition(alert))
    first, second = (make_mail(fired, factories.make_user(), attempts=3) for _ in range(2))
    claimed = send._claim(now, send.SendReport())
    assert claimed == first
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.attempts, first.lease_until) == ("sending", 4, now + send.LEASE)
    assert (second.state, second.attempts, second.lease_until) == ("queued", 3, None)


@pytest.mark.parametrize("ends", ["sent", "requeued", "closed"])
def test_what_becomes_of_a_mail_becomes_of_no_other(alert: AlertState, now: datetime, ends: str) -> None:
    fired = settled(make_transition(alert))
    others = [make_mail(fired, factories.make_user(), state="sending", attempts=1) for _ in range(2)]
    mine = make_mail(fired, factories.make_user(), state="sending", attempts=1)
    report = send.SendReport()
    if ends == "sent":
        send._mark_sent(mine, now, report)
    elif ends == "requeued":
        outbox.requeue(mine, "later", now + MINUTE)
    else:
        send._close(mine, "no", report)
    mine.refresh_from_db()
    assert mine.state == {"sent": "sent", "requeued": "queued", "closed": "dead"}[ends]
    for other in others:
        before = (other.state, other.next_try_at, other.last_error, other.sent_at)
        other.refresh_from_db()
        assert (other.state, other.next_try_at, other.last_error, other.sent_at) == before


@pytest.mark.parametrize("change", [{"state": "queued"}, {"state": "sent"}, {"attempts": 2}])
def test_a_mail_that_is_no_longer_ours_is_left_as_it_is(
    alert: AlertState, now: datetime, change: dict[str, Any]
) -> None:
    fired = settled(make_transition(alert))
    mail = make_mail(fired, factories.make_user(), state="sending", attempts=1)
    Delivery.objects.filter(pk=mail.pk).update(**change)
    outbox.requeue(mail, "later", now + MINUTE)
    send._close(mail, "no", send.SendReport())
    found = Delivery.objects.get(pk=mail.pk)
    assert (found.last_error, found.state) == ("", change.get("state", "sending"))


def test_what_was_sent_is_not_sent_again_later_by_its_mark(alert: AlertState, now: datetime) -> None:
    mail = make_mail(make_transition(alert), factories.make_user(), state="sent", sent_at=now - MINUTE)
    send._mark_sent(mail, now, send.SendReport())
    assert Delivery.objects.get(pk=mail.pk).sent_at == now - MINUTE


def test_a_notice_that_is_dispatched_leaves_the_others_new(
    alert: AlertState, ada: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.notify.dispatch.AT_ONCE", 1)
    monkeypatch.setattr("monitor.notify.dispatch.ROUNDS", 1)
    first, other = make_transition(alert), make_transition(make_alert(now))
    done = make_transition(make_alert(now))
    Notice.objects.filter(pk=done.pk).update(dispatch_state="silent", dispatched_at=now - MINUTE)
    assert dispatch_new(now) == 1
    found = {row.pk: (row.dispatch_state, row.dispatched_at, row.recipients) for row in own(Notice)}
    assert found == {
        first.pk: ("dispatched", now, 1),
        other.pk: ("new", None, None),
        done.pk: ("silent", now - MINUTE, None),
    }
    assert [mail.notice_id for mail in own(Delivery)] == [first.pk]


def test_a_notice_waits_for_the_earlier_ones_of_its_own_incident_alone(
    alert: AlertState, ada: User, now: datetime
) -> None:
    first = make_transition(alert)
    Notice.objects.filter(pk=first.pk).update(due_at=now + MINUTE)
    make_transition(alert, "resolved")
    other = make_transition(make_alert(now))
    assert dispatch_new(now) == 1
    assert [mail.notice_id for mail in own(Delivery)] == [other.pk]
    assert dispatch_new(now + MINUTE) == 1
    assert list(own(Notice).filter(dispatch_state="new")) == []


def test_the_age_in_a_mail_is_that_of_its_own_account_and_of_its_list_of_flows(
    alert: AlertState, now: datetime
) -> None:
    account, other = alert.flow.account, factories.make_account()
    notice = make_transition(alert)
    SyncState.objects.filter(account=other).update(last_complete_at=now - 9 * MINUTE)
    StreamState.objects.create(account=other, stream="flows", state="ok", last_read_at=now - 9 * MINUTE)
    assert facts_of(notice, now).as_of is None
    SyncState.objects.filter(account=account).update(last_complete_at=now)
    assert facts_of(notice, now).as_of == now
    StreamState.objects.create(account=account, stream="flows", state="ok", last_read_at=now - 2 * MINUTE)
    StreamState.objects.create(account=account, stream="rules", state="ok", last_read_at=now - 8 * MINUTE)
    assert facts_of(notice, now).as_of == now - 2 * MINUTE
    StreamState.objects.filter(account=account, stream="flows").update(last_read_at=now + MINUTE)
    assert facts_of(notice, now).as_of == now


def test_an_incident_is_told_with_the_edges_of_its_own_alerts_and_episodes(alert: AlertState, now: datetime) -> None:
    make_transition(make_alert(now), reason="another's")
    notice = make_transition(alert)
    make_transition(alert, "no_data", reason="no data")
    Transition.objects.create(
        alert=alert, kind="firing", episode=2, from_state="ok", to_state="firing", at=now, reason="a later one"
    )
    assert [member.reason for member in facts_of(notice, now).members] == ["30 of 40 runs succeeded"]


def test_only_failed_runs_of_the_flow_within_the_window_are_told_the_most_frequent_first(
    alert: AlertState, now: datetime
) -> None:
    def failed(text: str, times: int, **fields: Any) -> None:
        for _ in range(times):
            factories.make_execution(alert.flow, "failed", error_code="", error_message=text, **fields)

    failed("rare", 1)
    failed("often", 3)
    failed("sometimes", 2)
    began = now - timedelta(hours=24)
    failed("edge", 1, started_time=began, completed_time=now - timedelta(hours=23))
    failed("too old", 5, started_time=began, completed_time=now - timedelta(hours=23, microseconds=1))
    factories.make_execution(alert.flow, "success", error_message="worked")
    factories.make_execution(factories.make_flow(alert.flow.account), "failed", error_message="elsewhere")
    window = Window(now - timedelta(hours=23), now + 60 * MINUTE)
    found = top_errors([alert.flow_id], window)
    assert found[:2] == ((3, "often"), (2, "sometimes"))
    assert len(found) == 3
    assert {text for _, text in found[2:]} <= {"rare", "edge"}
    assert [
        count for count, _ in top_errors([alert.flow_id], Window(now - timedelta(hours=23), now + 60 * MINUTE))
    ] == [3, 2, 1]


def test_who_is_written_to_has_a_right_a_wish_and_an_address(otto: User, ada: User, vera: User) -> None:
    factories.make_user("mute", "operator", wants_mail=False)
    factories.make_user("nowhere", "operator", email="")
    assert recipients() == sorted([otto, ada], key=lambda person: person.pk)


def test_an_edge_that_is_not_mailed_holds_no_recovery_back(
    recovery: Delivery, alert: AlertState, now: datetime
) -> None:
    assert make_transition(alert, "no_data") is not None
    assert due(now) == [recovery]


@pytest.mark.parametrize("change", [{"state": "sent"}, {"attempts": 1}])
def test_a_mail_that_another_process_took_between_the_look_and_the_claim_is_left_to_it(
    alert: AlertState, now: datetime, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    mail = make_mail(settled(make_transition(alert)), factories.make_user())
    original, looks = send._due, []

    def slow(at: datetime) -> Any:
        looks.append(at)
        rows = original(at)
        if len(looks) == 1:
            list(rows.exclude(pk=0))
            stale = Delivery.objects.select_related("notice").get(pk=mail.pk)
            Delivery.objects.filter(pk=mail.pk).update(**change)
            return Looked(stale)
        return Looked(None)

    monkeypatch.setattr(send, "_due", slow)

    assert send._claim(now, send.SendReport()) is None

    found = Delivery.objects.get(pk=mail.pk)
    assert (found.state, found.attempts) == (change.get("state", "queued"), change.get("attempts", 0))


class Looked:
    """What a process saw a moment ago."""

    def __init__(self, found: Delivery | None) -> None:
        self._found = found

    def exclude(self, *told: Any) -> Looked:
        return self

    def first(self) -> Delivery | None:
        return self._found


def test_that_somebody_else_gets_mail_does_not_send_one_to_who_does_not(
    alert: AlertState, ada: User, now: datetime
) -> None:
    leaver = factories.make_user("leaver", "admin", wants_mail=False)
    mail = make_mail(settled(make_transition(alert)), leaver)
    report = send.send_due(now, clock=lambda: now)
    mail.refresh_from_db()
    assert (mail.state, mail.sent_at, report.dead) == ("dead", None, 1)
    # Nobody else had a mail of it: who gets alert mails hears of it in the leaver's place.
    assert [row.recipient for row in own(Delivery).filter(state="sent")] == [ada]


def test_data_are_as_of_the_last_whole_sweep_whosever_history_is_read_elsewhere(
    alert: AlertState, now: datetime
) -> None:
    account = alert.flow.account
    FlowProgress.objects.filter(flow=alert.flow).update(executions_read_at=now)
    SyncState.objects.filter(account=account).update(last_complete_at=now - 9 * MINUTE, last_fresh_at=now - MINUTE)
    factories.make_flow(account, gone_at=now)
    factories.make_flow()
    assert as_of(account.pk) == now - 9 * MINUTE
    factories.make_flow(account)
    assert as_of(account.pk) == now - MINUTE


def test_errors_of_a_window_are_of_runs_that_began_in_it(alert: AlertState, now: datetime) -> None:
    for at in (now - 200 * 60 * MINUTE, now + 120 * MINUTE, now - MINUTE):
        factories.make_execution(alert.flow, "failed", started_time=at)
    factories.make_execution(alert.flow, "running", started_time=now - MINUTE)
    assert [count for count, _ in top_errors([alert.flow_id], Window(now - 168 * 60 * MINUTE, now + 60 * MINUTE))] == [
        1
    ]
