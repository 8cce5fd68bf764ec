"""What a person does to an incident."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from monitor.alerting import actions
from monitor.alerting.actions import AlertActRefused
from monitor.models import (
    AlertState,
    AuditEntry,
    Incident,
    IncidentEvent,
    Notice,
    Silence,
    Snooze,
    User,
)
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def incident(now: datetime) -> Incident:
    flow = factories.make_flow(flow_name="Lead sync")
    rule = factories.make_alert_rule(flow.account)
    alert = AlertState.objects.create(
        rule=rule, flow=flow, state="firing", is_open=True, episode=2, since=now, evaluated_at=now
    )
    return factories.make_incident(alert)


def over(incident: Incident, now: datetime, how: str = "recovered") -> None:
    Incident.objects.filter(pk=incident.pk).update(closed_at=now, closed_how=how)


def events(incident: Incident) -> list[tuple[str, str]]:
    return list(incident.events.exclude(kind="fired").values_list("kind", "note"))


def test_an_operator_acknowledges_an_open_incident_owns_it_and_it_is_audited(
    incident: Incident, otto: User, now: datetime
) -> None:
    actions.acknowledge(incident, otto, " looking\ninto\x00 it ", now)
    incident.refresh_from_db()
    assert (incident.acknowledged_by, incident.acknowledged_at, incident.owner) == (otto, now, otto)
    assert incident.acknowledge_note == "looking into  it"
    assert events(incident) == [("acknowledged", "looking into  it")]
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor_name, entry.object_id) == ("incident.acknowledge", "otto", str(incident.pk))
    assert entry.detail == {"note": "looking into  it"}


def test_an_acknowledgement_by_mail_says_so_in_the_trail(incident: Incident, otto: User, now: datetime) -> None:
    actions.acknowledge(incident, otto, "", now, way=actions.BY_MAIL)
    assert own(AuditEntry).get().detail == {"note": "", "way": "by the link in a mail"}


def test_a_viewer_can_do_nothing(incident: Incident, vera: User, now: datetime) -> None:
    alert = incident.members.get().alert
    snooze = Snooze.objects.create(account=incident.account, alert=alert, until=now + HOUR, by=None, at=now)
    silence = Silence.objects.create(starts_at=now, ends_at=now + HOUR, at=now, why="x")
    for act in (
        lambda: actions.acknowledge(incident, vera, "", now),
        lambda: actions.take_back(incident, vera, now),
        lambda: actions.hand_over(incident, vera, vera, now),
        lambda: actions.comment(incident, "x", vera, now),
        lambda: actions.close_by_hand(incident, "x", vera, now),
        lambda: actions.snooze(incident, alert, now + HOUR, "", vera, now),
        lambda: actions.end_snooze(snooze, vera, now),
        lambda: actions.silence(vera, now, starts_at=now, ends_at=now + HOUR, why="x"),
        lambda: actions.end_silence(silence, vera, now),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert not own(AuditEntry).exists()
    assert events(incident) == []


def test_the_second_to_acknowledge_changes_nothing(incident: Incident, otto: User, ada: User, now: datetime) -> None:
    actions.acknowledge(incident, otto, "mine", now)
    with pytest.raises(AlertActRefused, match="otto has acknowledged it already"):
        actions.acknowledge(incident, ada, "mine too", now)
    incident.refresh_from_db()
    assert incident.acknowledged_by == otto
    assert own(AuditEntry).count() == 1


def test_an_acknowledgement_after_the_recovery_opens_nothing_and_says_so(
    incident: Incident, otto: User, now: datetime
) -> None:
    over(incident, now)
    with pytest.raises(AlertActRefused, match="recovered already, at 2026-11-22 12:00 UTC"):
        actions.acknowledge(incident, otto, "", now + HOUR)
    found = Incident.objects.get(pk=incident.pk)
    assert (found.closed_at, found.acknowledged_at, found.owner) == (now, None, None)
    assert events(incident) == []


def test_an_acknowledgement_is_taken_back(incident: Incident, otto: User, ada: User, now: datetime) -> None:
    with pytest.raises(AlertActRefused, match="Nobody has acknowledged it"):
        actions.take_back(incident, ada, now)
    actions.acknowledge(incident, otto, "mine", now)
    actions.take_back(incident, ada, now)
    incident.refresh_from_db()
    assert (incident.acknowledged_at, incident.acknowledged_by, incident.acknowledge_note) == (None, None, "")
    assert events(incident)[-1] == ("unacknowledged", "")


def test_an_incident_is_handed_over_to_who_may_work_on_it(
    incident: Incident, otto: User, ada: User, vera: User, now: datetime
) -> None:
    actions.hand_over(incident, otto, ada, now)
    actions.hand_over(incident, otto, ada, now)
    with pytest.raises(AlertActRefused, match="vera may not work on alerts"):
        actions.hand_over(incident, vera, ada, now)
    actions.hand_over(incident, None, ada, now)
    assert events(incident) == [("handed_over", "to otto"), ("handed_over", "to nobody")]
    assert [entry.detail for entry in own(AuditEntry).order_by("pk")] == [
        {"from": None, "to": "otto"},
        {"from": "otto", "to": None},
    ]


def test_a_note_is_added_also_after_the_end_and_an_empty_one_is_refused(
    incident: Incident, otto: User, now: datetime
) -> None:
    over(incident, now)
    actions.comment(incident, " the tax\nis gone ", otto, now)
    with pytest.raises(AlertActRefused, match="Write a note first"):
        actions.comment(incident, " \n ", otto, now)
    assert events(incident) == [("comment", "the tax\nis gone")]


def test_an_incident_is_closed_by_hand_with_a_reason_and_its_readers_are_told(
    incident: Incident, otto: User, now: datetime
) -> None:
    with pytest.raises(AlertActRefused, match="Say why"):
        actions.close_by_hand(incident, " ", otto, now)
    actions.close_by_hand(incident, "a drill", otto, now)
    incident.refresh_from_db()
    assert (incident.closed_at, incident.closed_how) == (now, "by_hand")
    assert (incident.members.get().left_at, incident.members.get().left_how) == (now, "by_hand")
    assert events(incident) == [("closed", "a drill")]
    assert own(Notice).filter(kind="resolved").get().due_at == now
    with pytest.raises(AlertActRefused, match="It is over already"):
        actions.close_by_hand(incident, "again", otto, now)


@pytest.mark.parametrize("until", [timedelta(), -HOUR, timedelta(days=30, seconds=1)])
def test_a_snooze_ends_ahead_and_within_thirty_days(
    incident: Incident, otto: User, now: datetime, until: timedelta
) -> None:
    with pytest.raises(AlertActRefused, match="at most 30 days"):
        actions.snooze(incident, incident.members.get().alert, now + until, "", otto, now)
    assert not own(Snooze).exists()


def test_a_snooze_is_of_the_incidents_own_subjects(incident: Incident, otto: User, now: datetime) -> None:
    flow = factories.make_flow(incident.account)
    stranger = AlertState.objects.create(
        rule=factories.make_alert_rule(incident.account), flow=flow, since=now, evaluated_at=now
    )
    with pytest.raises(AlertActRefused, match="does not belong"):
        actions.snooze(incident, stranger, now + HOUR, "", otto, now)


def test_a_snooze_holds_for_each_rule_of_its_flow_and_for_no_other_flow(
    incident: Incident, otto: User, now: datetime
) -> None:
    alert = incident.members.get().alert
    actions.snooze(incident, alert, now + HOUR, "known", otto, now)
    row = own(Snooze).get()
    known = {"since": now, "evaluated_at": now}
    rule = factories.make_alert_rule(incident.account, name="Another")
    same = AlertState.objects.create(rule=rule, flow=alert.flow, **known)
    other = AlertState.objects.create(rule=rule, flow=factories.make_flow(incident.account), **known)
    assert [row.covers(one) for one in (alert, same, other)] == [True, True, False]
    assert own(IncidentEvent).filter(kind="snoozed").get().note == "until 2026-11-22 13:00 UTC. known"


def test_what_waited_for_the_end_of_a_snooze_is_looked_at_when_it_is_ended(
    incident: Incident, otto: User, now: datetime
) -> None:
    alert = incident.members.get().alert
    actions.snooze(incident, alert, now + HOUR, "", otto, now)
    waiting = factories.make_notice(incident, seq=2, kind="repeat", due_at=now + HOUR, why_silent="snoozed")
    later = factories.make_notice(incident, seq=3, kind="update", due_at=now + HOUR)
    actions.end_snooze(own(Snooze).get(), otto, now)
    due = dict(own(Notice).values_list("seq", "due_at"))
    assert (due[waiting.seq], due[later.seq]) == (now, now + HOUR)
    with pytest.raises(AlertActRefused, match="It is over already"):
        actions.end_snooze(own(Snooze).get(), otto, now)


@pytest.mark.parametrize(
    ("starts", "ends", "why", "told"),
    [
        (HOUR, HOUR, "x", "must end after it starts"),
        (-2 * HOUR, -HOUR, "x", "must end after it starts"),
        (timedelta(), timedelta(days=365, seconds=1), "x", "last a year at most"),
        (timedelta(), HOUR, " ", "Say why"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(
    otto: User, now: datetime, starts: timedelta, ends: timedelta, why: str, told: str
) -> None:
    with pytest.raises(AlertActRefused, match=told):
        actions.silence(otto, now, starts_at=now + starts, ends_at=now + ends, why=why)
    assert not own(Silence).exists()


def test_a_maintenance_window_is_planned_runs_and_is_called_off(otto: User, now: datetime) -> None:
    row = actions.silence(otto, now, starts_at=now + HOUR, ends_at=now + 3 * HOUR, why="The shop moves")
    assert [row.state_at(now + n * HOUR) for n in range(4)] == ["planned", "running", "running", "over"]
    actions.end_silence(row, otto, now)
    row.refresh_from_db()
    assert row.state_at(now + 2 * HOUR) == "over"
    with pytest.raises(AlertActRefused, match="It is over already"):
        actions.end_silence(row, otto, now)
    assert [entry.action for entry in own(AuditEntry).order_by("pk")] == ["silence.add", "silence.end"]


def test_each_matcher_of_a_silence_has_to_fit(incident: Incident, now: datetime) -> None:
    alert = AlertState.objects.select_related("rule", "flow").get(pk=incident.members.get().alert_id)
    account, other = incident.account_id, factories.make_account().pk

    def fits(tags: Any = (), owner: int | None = None, **matchers: object) -> bool:
        silence = Silence(starts_at=now, ends_at=now + HOUR, why="x", **matchers)
        return silence.covers(alert, account, tags, owner)

    assert fits()
    assert fits(account_id=account, flow_id=alert.flow_id, kind="success_rate", text="LEAD")
    assert fits(text="success rate")
    assert not fits(account_id=other)
    assert not fits(flow_id=alert.flow_id + 1)
    assert not fits(kind="missed_run")
    assert not fits(text="billing")
    assert fits({4, 5}, 7, tag_id=5, owner_id=7)
    assert not fits({4}, 7, tag_id=5)
    assert not fits({5}, 8, owner_id=7)
    assert not fits({5}, owner_id=7)
    assert not fits(tag_id=5)
