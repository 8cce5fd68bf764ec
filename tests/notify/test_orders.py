"""Judging, entering, writing and sending in each order: what is entered late is told all the same, and once."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations

import pytest

from monitor.alerting.incidents import follow, notify
from monitor.models import AlertState, Delivery, Incident, Notice, Transition, User
from monitor.notify import dispatch
from monitor.notify.dispatch import dispatch_new
from tests import factories
from tests.bystander import own
from tests.notify.test_late import BACK, MINUTE, SECOND, Ways, another, fire, join, recover, send_at, ways
from tests.notify.test_routes import make_route

pytestmark = pytest.mark.django_db
__all__ = ["ways"]


def judge(alert: AlertState, kind: str, at: datetime, episode: int = 1) -> None:
    """Writes an edge down, which is not entered into an incident yet."""
    to = "firing" if kind == "firing" else "ok"
    known = {"from_state": "ok", "to_state": to, "runs": 9, "failed": 3, "reason": "6 of 9 runs succeeded"}
    alert.transitions.create(kind=kind, episode=episode, at=at, **known)


def stamps_of(ways: Ways) -> list[str]:
    return [one.partition("]")[0][1:] for one in ways.mails]


def test_an_end_that_was_judged_before_a_message_was_written_and_entered_after_it_stands_in_it(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    incident = fire(alert, now)
    other = another(alert, "Zebra")
    join(incident, other, now + 6 * MINUTE)
    ways.back(now + 6 * MINUTE)
    third = another(alert, "Aardvark")
    judge(third, "resolved", now + 7 * MINUTE)
    join(incident, third, now + 12 * MINUTE)
    follow(alert.rule.account, now + 13 * MINUTE)
    ways.back(now + 13 * MINUTE)
    assert [mail.partition(": ")[0] for mail in ways.mails[1:]] == ["[Fired and recovered] Aardvark"]
    assert [mail.partition(": ")[0] for mail in ways.messages[1:]] == ["[Fired and recovered] Aardvark"]


def test_an_alert_that_is_entered_while_a_message_is_written_is_told_as_one_that_is_new(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    """Its joining bears an earlier time than the message before, in which it does not stand."""
    incident = fire(alert, now + MINUTE)
    ways.back(now + MINUTE)
    join(incident, another(alert, "Zebra"), now)
    ways.back(now + 2 * MINUTE)
    assert [mail.partition(":")[0] for mail in ways.mails[1:]] == ["[More alerts] 1 more"]
    assert [mail.partition(":")[0] for mail in ways.messages[1:]] == ["[More alerts] 1 more"]


def test_a_message_without_an_alert_that_joined_while_it_was_written_is_written_anew(
    ways: Ways, alert: AlertState, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts_of, other = dispatch.facts_of, another(alert, "Zebra")

    def be_overtaken(notice: Notice, *args: datetime) -> object:
        facts = facts_of(notice, *args)
        if not notice.incident.members.filter(alert=other).exists():
            notice.incident.members.create(alert=other, episode=1, began_at=now, joined_at=now)
        return facts

    monkeypatch.setattr(dispatch, "facts_of", be_overtaken)
    fire(alert, now)
    assert dispatch_new(now + SECOND) == 1
    ways.back(now + SECOND)
    assert len(ways.mails) == 1
    assert "Zebra" in ways.sent[0].body


def test_an_end_that_bears_an_earlier_time_than_its_beginning_ends_it(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    """The clock was set back between the two."""
    judge(alert, "firing", now)
    judge(alert, "resolved", now - MINUTE)
    follow(alert.rule.account, now)
    assert own(Incident).get().closed_at is not None
    dispatch_new(now)
    ways.back(now)
    assert stamps_of(ways) == ["Fired and recovered"]


@pytest.mark.parametrize("order", sorted(set(permutations("eews"))))
def test_in_whatever_order_an_end_is_entered_written_and_sent_it_is_told_once_and_last(
    ways: Ways, alert: AlertState, now: datetime, order: tuple[str, ...]
) -> None:
    """`e` enters what was judged, `w` writes, `s` sends; a beginning and its end were judged before each."""
    judge(alert, "firing", now)
    steps = {"e": lambda at: follow(alert.rule.account, at), "w": dispatch_new, "s": send_at}
    for number, step in enumerate(order):
        if number == 1:
            judge(alert, "resolved", now)
        steps[step](now + number * SECOND)
    for number in (10, 11, 12):
        for step in "ews":
            steps[step](now + number * SECOND)
    told = stamps_of(ways)
    assert told in (["Firing", "Recovered"], ["Fired and recovered"])
    assert not own(Transition).filter(dispatch_state="new").exists()


def test_a_reminder_that_is_written_anew_says_nothing_of_more_alerts_that_were_told(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    """What joined was folded into a message that arrived; only something ended since."""
    incident = fire(alert, now)
    ways.back(now)
    first, second = another(alert, "Zebra"), another(alert, "Aardvark")
    join(incident, first, now + 6 * MINUTE)
    ways.away(now + 6 * MINUTE)
    join(incident, second, now + 12 * MINUTE)
    ways.back(now + BACK)
    assert stamps_of(ways) == ["Firing", "More alerts"]
    incident.refresh_from_db()
    notify(incident, "repeat", now + 2 * BACK, due_at=now + 2 * BACK)
    dispatch_new(now + 2 * BACK)
    ways.away(now + 2 * BACK)
    recover(second, now + 2 * BACK + MINUTE)
    ways.back(now + 3 * BACK)
    assert own(Delivery).get(notice__kind="repeat").retold_at is not None
    assert stamps_of(ways) == ["Firing", "More alerts", "Still firing"]
    assert [one.partition("]")[0][1:] for one in ways.messages] == ["Firing", "More alerts", "Still firing"]


def test_who_gets_more_alerts_in_the_place_of_another_reads_which_are_new(
    ways: Ways, alert: AlertState, otto: User, ada: User, now: datetime
) -> None:
    """The notice was dispatched before: that it told of them itself makes them no old news."""
    route = make_route(people=[otto])
    incident = fire(alert, now)
    ways.back(now)
    join(incident, another(alert, "Zebra"), now + 6 * MINUTE)
    route.people.set([ada])
    ways.back(now + 7 * MINUTE)
    assert [(mail.to[0], mail.subject.partition(":")[0]) for mail in ways.sent[1:]] == [
        ("ada@example.com", "[More alerts] 1 more")
    ]


def test_a_step_of_an_escalation_makes_no_alert_old_news_for_the_others(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    incident = fire(alert, now)
    ways.back(now)
    other = another(alert, "Zebra")
    incident.members.create(alert=other, episode=1, began_at=now, joined_at=now + MINUTE)
    incident.refresh_from_db()
    step = notify(incident, "escalate", now, due_at=now)
    Notice.objects.filter(pk=step.pk).update(dispatch_state="dispatched", dispatched_at=now + 2 * MINUTE, recipients=1)
    factories.make_channel_message(step, state="sent")
    incident.refresh_from_db()
    notify(incident, "update", now + 3 * MINUTE, due_at=now + 3 * MINUTE)
    dispatch_new(now + 3 * MINUTE)
    send_at(now + 3 * MINUTE)
    assert [mail.partition(":")[0] for mail in ways.mails[1:]] == ["[More alerts] 1 more"]
