"""Nobody acknowledges: step by step others are told, once for each time that it begins, by the worker's own jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.alerting import actions
from monitor.alerting.incidents import follow, remind
from monitor.models import (
    AlertState,
    Channel,
    ChannelMessage,
    Delivery,
    Escalation,
    EscalationPolicy,
    EscalationStep,
    Incident,
    IncidentAlert,
    Notice,
    Route,
    RunningStep,
    Transition,
    User,
)
from monitor.notify import dispatch
from monitor.notify.dispatch import dispatch_new
from monitor.ownership import set_ownership
from monitor.queries.escalations import escalations_of
from monitor.queries.incidents import detail, incidents
from tests import factories
from tests.bystander import own
from tests.notify.conftest import make_transition
from tests.notify.test_routes import make_route

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOW = factories.NOON


@pytest.fixture
def lead(db: None) -> User:
    return factories.make_user("lead", "operator")


@pytest.fixture
def head(db: None) -> User:
    return factories.make_user("head", "admin")


@pytest.fixture
def policy(otto: User, lead: User, head: User) -> EscalationPolicy:
    """Otto hears at once; after 5 minutes the lead and the channel, after 15 the head."""
    found = EscalationPolicy.objects.create(name="On call")
    add_step(found, 1, 5, people=[lead], channels=[factories.make_channel("Pager")])
    add_step(found, 2, 15, people=[head])
    make_route(people=[otto], policy=found)
    return found


def add_step(
    policy: EscalationPolicy, position: int, after: int, *, people: Any = (), channels: Any = (), **f: Any
) -> None:
    step = EscalationStep.objects.create(policy=policy, position=position, after_minutes=after, **f)
    step.people.set(people)
    step.channels.set(channels)


def at(minutes: float) -> datetime:
    return NOW + minutes * MINUTE


def work(*minutes: float) -> None:
    """What the worker does, at some minutes after noon."""
    for account in {one.account for one in own(Incident)}:
        for one in minutes:
            follow(account, at(one))
            remind(account, at(one))
            dispatch_new(at(one))


def told() -> list[tuple[str, str]]:
    rows = own(Delivery).order_by("created_at", "pk").values_list("notice__kind", "recipient__username")
    return list(rows)


def heard() -> list[tuple[float, str]]:
    """When which steps were mailed to whom, in minutes after noon."""
    rows = own(Delivery).filter(notice__kind="escalate").order_by("created_at", "pk")
    return [((when - NOW) / MINUTE, who) for when, who in rows.values_list("created_at", "recipient__username")]


def incident() -> Incident:
    return incidents().get(pk=own(Incident).get().pk)


def test_each_step_is_told_once_with_why_and_stands_in_the_timeline(
    alert: AlertState, policy: EscalationPolicy
) -> None:
    make_transition(alert)
    work(0, 1, 4, 5, 5.2, 6, 14, 15, 16, 60)
    assert told() == [("firing", "otto"), ("escalate", "lead"), ("escalate", "head")]
    assert heard() == [(5, "lead"), (15, "head")]
    assert [one.channel.name for one in own(ChannelMessage).filter(notice__kind="escalate")] == ["Pager"]
    first, second = own(Delivery).filter(notice__kind="escalate").order_by("pk")
    assert "Not acknowledged" in first.subject
    why = "nobody acknowledged it within 5 minutes: step 1 of “On call”"
    assert why in first.text
    assert why in first.html
    assert why in own(ChannelMessage).get(notice__kind="escalate").text
    assert "within 15 minutes: step 2 of “On call”" in second.text
    assert first.message_id != second.message_id
    lines = [(line.words, line.note) for line in detail(incident(), at(60)).lines]
    assert ("escalation begins", "On call") in lines
    assert ("took step 1 of “On call”", "lead, Pager") in lines
    assert ("took step 2 of “On call”", "head") in lines


def test_what_comes_next_is_shown_while_it_runs(alert: AlertState, policy: EscalationPolicy) -> None:
    make_transition(alert)
    work(0, 1, 6)
    (shown,) = escalations_of(incident())
    assert shown.is_running
    assert [(step.whom, step.told_at, step.is_next, step.due_at) for step in shown.steps] == [
        ("lead, Pager", at(6), False, at(5)),
        ("head", None, True, at(15)),
    ]


def test_an_acknowledgement_stops_it_and_one_taken_back_begins_it_anew(
    alert: AlertState, policy: EscalationPolicy, otto: User
) -> None:
    make_transition(alert)
    work(0, 1, 6)
    actions.acknowledge(incident(), otto, "", at(7))
    work(15, 16, 60)
    assert heard() == [(6, "lead")]
    (stopped,) = own(Escalation)
    assert (stopped.ended_at, stopped.ended_how) == (at(7), "acknowledged")
    actions.take_back(incident(), otto, at(70))
    with pytest.raises(actions.AlertActRefused):
        actions.take_back(incident(), otto, at(70))  # a double click
    work(74, 75, 84, 85, 200)
    assert heard() == [(6, "lead"), (75, "lead"), (85, "head")]
    assert own(Escalation).count() == 2


@pytest.mark.parametrize("is_by_hand", [True, False])
def test_the_end_stops_it_and_everybody_who_was_told_hears_of_the_end(
    alert: AlertState, policy: EscalationPolicy, otto: User, is_by_hand: bool
) -> None:
    make_transition(alert)
    work(0, 1, 6)
    if is_by_hand:
        actions.close_by_hand(incident(), "it is the test system", otto, at(8))
    else:
        make_transition(alert, "resolved", now=at(8))
    work(9, 15, 20)
    assert told() == [("firing", "otto"), ("escalate", "lead"), ("resolved", "otto"), ("resolved", "lead")]
    assert own(Escalation).get().ended_how == "over"
    assert set(own(Notice).values_list("dispatch_state", flat=True)) == {"dispatched", "silent"}


def test_a_new_incident_begins_anew(alert: AlertState, policy: EscalationPolicy) -> None:
    make_transition(alert)
    work(0, 1, 6)
    make_transition(alert, "resolved", now=at(8))
    work(9)
    AlertState.objects.filter(pk=alert.pk).update(episode=2)
    alert.refresh_from_db()
    make_transition(alert, now=at(100), episode=2, at=at(100))
    for minute in (100, 101, 105.1, 115.1):
        follow(alert.rule.account, at(minute))
        dispatch_new(at(minute))
    assert [who for _, who in heard()] == ["lead", "lead", "head"]
    assert own(Incident).count() == 2


def two_flows(alert: AlertState) -> AlertState:
    """Another alert of the account that shares the incident's cause: it began together."""
    flow = factories.make_flow(alert.rule.account, flow_name="Other")
    return AlertState.objects.create(
        rule=alert.rule, flow=flow, state="firing", is_open=True, episode=1, since=NOW, evaluated_at=NOW
    )


def join(alert: AlertState, minute: float, *, episode: int = 1, kind: str = "firing") -> None:
    """An edge of an alert in the incident that is open, whatever its cause."""
    Transition.objects.create(
        alert=alert, kind=kind, episode=episode, from_state="ok", to_state="firing", at=at(minute), is_first=True
    )
    follow(alert.rule.account, at(minute))


def test_an_alert_that_joins_puts_no_step_off_and_one_that_fires_anew_begins_the_steps_anew(
    alert: AlertState, policy: EscalationPolicy
) -> None:
    other = two_flows(alert)
    join(alert, 0)
    join(other, 3)
    assert own(Incident).count() == 1
    work(0, 1, 2, 5, 6)
    assert [who for _, who in heard()] == ["lead"], "the second alert did not put it off"
    join(other, 7, kind="closed")
    join(other, 8, episode=2)
    assert own(Incident).count() == 1
    ended, running = own(Escalation).order_by("pk")
    assert (ended.ended_how, running.ended_at) == ("anew", None)
    work(12.9, 13, 14.9, 15, 23, 60)
    assert [who for _, who in heard()][1:] == ["lead", "head"]
    assert [when for when, _ in heard()][1:] == [13, 15], "the step that waited keeps its time"


def test_a_policy_that_was_changed_begins_anew_with_its_own_times(
    alert: AlertState, policy: EscalationPolicy, lead: User, otto: User
) -> None:
    """Its second step waits, due at the 15th minute; what is in that place now is due 40 minutes after it begins."""
    other = two_flows(alert)
    join(alert, 0)
    join(other, 0)
    work(0, 5)
    policy.steps.all().delete()
    add_step(policy, 1, 20, people=[lead])
    add_step(policy, 2, 40, people=[otto])
    join(other, 7, kind="closed")
    join(other, 8, episode=2)
    work(15, 28, 48)
    assert heard() == [(5, "lead"), (28, "lead"), (48, "otto")]


def test_when_all_steps_are_taken_news_begins_it_again(alert: AlertState, policy: EscalationPolicy) -> None:
    other = two_flows(alert)
    join(alert, 0)
    work(0, 1, 5, 15)
    join(other, 20)
    work(25, 35)
    assert [who for _, who in heard()] == ["lead", "head", "lead", "head"]


def test_an_alert_that_flaps_begins_nothing_anew_and_a_step_that_waits_does_not_swallow_what_is_said_of_it(
    alert: AlertState, policy: EscalationPolicy, otto: User
) -> None:
    add_step(policy, 3, 6000, people=[otto])
    other = two_flows(alert)
    join(alert, 0)
    work(0, 1, 5, 15)
    for number in range(14):
        other.refresh_from_db()
        join(other, 20 + number, kind="resolved" if number % 2 else "firing", episode=1 + number // 2)
    work(*range(34, 60))
    assert own(Incident).count() == 1
    said = own(Notice).exclude(flapping=[])
    assert [one.kind for one in said] == ["update"]
    assert own(Escalation).count() == 4, "the first time, and three times anew before it flapped"


def test_an_edited_policy_leaves_what_runs_alone(
    alert: AlertState, policy: EscalationPolicy, lead: User, head: User, otto: User
) -> None:
    make_transition(alert)
    work(0, 1)
    policy.steps.all().delete()
    add_step(policy, 1, 50, people=[otto])
    EscalationPolicy.objects.filter(pk=policy.pk).update(name="Renamed")
    work(5, 15, 50)
    assert heard() == [(5, "lead"), (15, "head")]
    assert "of “On call”" in own(Delivery).filter(notice__kind="escalate").first().text
    Route.objects.all().update(is_active=False, policy=None)
    policy.delete()
    assert own(Escalation).get().policy is None


def test_a_snooze_stops_the_clock_and_the_steps_keep_their_distance(
    alert: AlertState, policy: EscalationPolicy, otto: User
) -> None:
    make_transition(alert)
    work(0, 1)
    actions.snooze(incident(), alert, at(60), "", otto, at(2))
    work(*range(3, 60))
    assert heard() == []
    (shown,) = escalations_of(incident())
    assert shown.steps[0].step.notice.why_silent == "snoozed"
    work(*range(60, 80))
    (first, _), (second, _) = heard()
    assert 60 <= first <= 61
    assert 10 <= second - first <= 11


def test_a_silence_that_is_ended_early_lets_it_go_on(alert: AlertState, policy: EscalationPolicy, otto: User) -> None:
    make_transition(alert)
    work(0, 1)
    row = actions.silence(otto, at(2), starts_at=at(2), ends_at=at(600), why="moving", account=alert.rule.account)
    work(*range(3, 20))
    actions.end_silence(row, otto, at(20))
    work(*range(20, 32))
    assert [who for _, who in heard()] == ["lead", "head"]
    assert heard()[0][0] <= 21


def test_an_acknowledgement_while_it_is_held_ends_it(alert: AlertState, policy: EscalationPolicy, otto: User) -> None:
    make_transition(alert)
    work(0, 1)
    actions.snooze(incident(), alert, at(60), "", otto, at(2))
    work(5, 6)
    actions.acknowledge(incident(), otto, "", at(7))
    work(60, 61, 90)
    assert heard() == []


def test_a_worker_that_was_away_takes_the_steps_one_after_the_other(
    alert: AlertState, policy: EscalationPolicy
) -> None:
    make_transition(alert)
    work(0, 1)
    work(200, 200.1, 205, 209, 210)
    assert heard() == [(200, "lead"), (210, "head")]


def test_two_workers_at_once_take_a_step_once(
    alert: AlertState, policy: EscalationPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_transition(alert)
    work(0, 1)
    render = dispatch.facts_of

    def overtaken(found: Notice, now: datetime) -> Any:
        monkeypatch.setattr(dispatch, "facts_of", render)
        dispatch_new(now)
        return render(found, now)

    monkeypatch.setattr(dispatch, "facts_of", overtaken)
    work(5)
    assert heard() == [(5, "lead")]


def test_before_the_first_mail_went_out_no_step_is_taken(alert: AlertState, policy: EscalationPolicy) -> None:
    add_step(policy, 3, 20)
    make_transition(alert)
    first = own(Notice).get(kind="firing")
    Notice.objects.filter(pk=first.pk).update(due_at=at(30), why_silent="hours")
    work(5, 6, 15, 29)
    assert told() == []
    work(30, 31, 32)
    assert told()[0] == ("firing", "otto")


@pytest.mark.parametrize("settled", ["dispatched", "silent"])
def test_a_notice_that_was_settled_meanwhile_is_held_no_more(alert: AlertState, settled: str) -> None:
    make_transition(alert)
    work(0)
    read_before = own(Notice).get(kind="firing")
    Notice.objects.filter(pk=read_before.pk).update(dispatch_state=settled, why_silent="")
    dispatch._hold(read_before, "hours", NOW)
    after = Notice.objects.get(pk=read_before.pk)
    assert (after.dispatch_state, after.why_silent, after.due_at) == (settled, "", read_before.due_at)


def test_reminders_and_updates_go_on_while_steps_wait(alert: AlertState, policy: EscalationPolicy, otto: User) -> None:
    add_step(policy, 3, 600, to_owner=True, people=[otto])
    make_transition(alert)
    work(0, 1, 5, 15, 241, 242)
    assert ("repeat", "otto") in told()


def test_a_step_whose_people_are_all_gone_goes_to_everybody_who_gets_alert_mails(
    alert: AlertState, policy: EscalationPolicy, lead: User, head: User, otto: User
) -> None:
    User.objects.filter(pk=head.pk).update(is_active=False)
    make_transition(alert)
    work(0, 1, 5, 15)
    assert {who for when, who in heard() if when == 15} == {"otto", "lead"}


def test_a_step_reaches_its_channel_where_the_first_mail_waits_for_anybody_at_all(
    alert: AlertState, policy: EscalationPolicy, lead: User, head: User, otto: User
) -> None:
    for who in (lead, head, otto):
        User.objects.filter(pk=who.pk).update(is_active=False)
    own(Channel).update(severity="page")  # by its own setting the pager does not hear of this
    make_transition(alert)
    work(0, 1, 5, 6, 15)
    assert own(Notice).get(kind="firing").why_silent == "nobody"
    assert [one.notice.kind for one in own(ChannelMessage)] == ["escalate"]


def test_an_alert_for_digests_that_joins_begins_nothing_again(alert: AlertState, policy: EscalationPolicy) -> None:
    quiet = two_flows(alert)
    quiet.rule = factories.make_alert_rule(alert.rule.account, kind="in_a_row", severity="digest")
    quiet.save()
    join(alert, 0)
    work(0, 1, 5, 15)
    join(quiet, 20)
    join(quiet, 21, kind="closed")
    join(quiet, 22, episode=2)
    assert own(Incident).count() == 1
    work(25, 28, 38)
    assert [who for _, who in heard()] == ["lead", "head"]


def test_a_step_is_not_the_mail_before_for_those_that_join(alert: AlertState, policy: EscalationPolicy) -> None:
    join(alert, 0)
    work(0, 5)
    join(two_flows(alert), 6)
    assert [who for _, who in heard()] == ["lead"]
    assert own(Notice).get(kind="update").due_at == at(60), "an hour after the first mail of what the first look finds"


def test_the_owner_can_be_a_step(alert: AlertState, policy: EscalationPolicy, ada: User, otto: User) -> None:
    policy.steps.filter(position=2).update(to_owner=True)
    policy.steps.get(position=2).people.clear()
    set_ownership(alert.watched_flow, ada, [], otto, NOW)
    make_transition(alert)
    work(0, 1, 5, 15)
    assert heard() == [(5, "lead"), (15, "ada")]


def test_without_a_policy_and_for_digests_nothing_is_escalated(
    alert: AlertState, policy: EscalationPolicy, otto: User
) -> None:
    alert.rule.severity = "digest"
    alert.rule.save()
    make_transition(alert)
    work(0, 1, 5, 15)
    assert not own(Escalation).exists()
    assert not own(RunningStep).exists()
    assert own(IncidentAlert).count() == 1


def test_the_loudest_route_of_an_alert_that_joins_begins_its_own(
    alert: AlertState, policy: EscalationPolicy, head: User
) -> None:
    paged = EscalationPolicy.objects.create(name="Pages")
    add_step(paged, 1, 2, people=[head])
    Route.objects.filter(policy=policy).update(position=2)
    make_route(1, severity="page", people=[head], policy=paged)
    join(alert, 0)
    other = two_flows(alert)
    other.rule = factories.make_alert_rule(alert.rule.account, kind="in_a_row", severity="page")
    other.save()
    work(0, 1)
    join(other, 3)
    work(3, 5, 15)
    assert sorted(own(Escalation).values_list("policy_name", flat=True)) == ["On call", "Pages"]
    assert sorted(heard()) == [(5, "head"), (5, "lead"), (15, "head")]
