"""Lets alerts fire and recover, people act, servers fail and processes die, by chance; and says what went wrong.

What may not happen stands in `AlertHouse.wrong`: an alert that nobody heard of, a mail more than crashes explain, an
end before its beginning, an acknowledgement that opens something.
"""

from __future__ import annotations

import random
from collections import Counter as Count
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import combinations, pairwise
from typing import Any
from unittest import mock

from django.conf import settings

from monitor.alerting import actions, incidents
from monitor.alerting.actions import AlertActRefused
from monitor.models import AlertState, Delivery, Incident, IncidentAlert, Notice, Silence, Snooze, Transition, User
from monitor.notify import dispatch, send
from tests import factories
from tests.bystander import own
from tests.notify.channels.server import Counter
from tests.notify.hooked import HookedChannels, told_to_nobody
from tests.notify.sink import DROP, Sink, free_port

MINUTE = timedelta(minutes=1)
STEPS = 60
LONGEST_QUIET = 40 * MINUTE
LONGEST_OUTAGE = timedelta(hours=8)
NEWS = ("[Firing", "[More alerts", "[Still firing", "[Not acknowledged")
NAMES = ("ada", "otto", "olga")
REFUSALS = ("450 4.2.0 later", "451 4.3.0 later", "421 4.7.0 busy", "550 5.7.60 not allowed to send as this sender")


class Killed(BaseException):
    """Ends a process as a power cut would: what it had not committed is gone."""


@dataclass
class AlertHouse:
    """Holds an account with alerts, its people, a mail server, and what was done so far."""

    seed: int
    sink: Sink
    servers: Sequence[Counter] = ()
    now: datetime = factories.NOON
    repeats_explained: int = 0
    was_quiet: bool = False
    out_since: datetime | None = None
    closed: dict[int, datetime] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.account = factories.make_account()
        self.people = [factories.make_user(name, "admin") for name in NAMES]
        self.leaver = factories.make_user("leaver", "operator")
        factories.make_user("gone", "operator", email="gone@example.com")
        self.sink.by_address = {"gone@example.com": "550 5.1.1 no such user"}
        self.hooks = HookedChannels(self.servers)
        self.alerts = [alert for group in range(3) for alert in self._alerts_of_one_cause(group)]

    def _alerts_of_one_cause(self, group: int) -> Iterator[AlertState]:
        rule = factories.make_alert_rule(self.account, name=f"Rule {group}")
        for _ in range(2):
            flow = factories.make_flow(self.account)
            error = {"error_code": "", "error_message": "It failed", "error_details": "HTTP 429"}
            run = factories.make_execution(flow, "failed", started_time=self.now - MINUTE, **error)
            failure = factories.make_failure(run)
            failure.group.app = f"App {group}"
            failure.group.problem = self._problem(group, failure.group.problem)
            failure.group.save()
            yield AlertState.objects.create(rule=rule, flow=flow, since=self.now, evaluated_at=self.now)

    def _problem(self, group: int, made: Any) -> Any:
        known: dict[int, Any] = self.__dict__.setdefault("problems", {})
        return known.setdefault(group, made)

    # What happens.

    def play(self) -> list[str]:
        """Lives through a schedule, lets everything come to rest, and returns what was wrong."""
        steps: list[tuple[int, Callable[[], None]]] = [
            (9, self.flip),
            (6, self.follow),
            (6, self.dispatch),
            (6, self.send),
            (6, self.notify_channels),
            (2, self.remind),
            (9, self.wait),
            (2, self.person_acts),
            (1, self.make_quiet),
            (1, self.end_quiet),
            (1, self.leave_or_return),
            (1, self.go_out_or_come_back),
        ]
        weights = [weight for weight, _ in steps]
        for _ in range(STEPS):
            (_, step), *_ = self.chance.choices(steps, weights)
            step()
            self.look()
        self.come_to_rest()
        self.judge()
        return self.wrong

    def flip(self) -> None:
        """An alert fires, recovers, or is not checked any more."""
        alert = self.chance.choice(self.alerts)
        if alert.is_open:
            kind, to = self.chance.choice([("resolved", "ok"), ("resolved", "ok"), ("closed", "no_data")])
            alert.is_open, alert.state = False, to
        else:
            kind, to = "firing", "firing"
            alert.is_open, alert.state, alert.episode = True, to, alert.episode + 1
        alert.save()
        known = {"from_state": "ok", "runs": 9, "failed": 3, "reason": "6 of 9 runs succeeded"}
        Transition.objects.create(alert=alert, kind=kind, episode=alert.episode, to_state=to, at=self.now, **known)

    def follow(self) -> None:
        with self.perhaps_killed(incidents, "notify"):
            incidents.follow(self.account, self.now)

    def remind(self) -> None:
        with self.perhaps_killed(incidents, "notify"):
            incidents.remind(self.account, self.now)

    def dispatch(self) -> None:
        with self.perhaps_killed(dispatch, "_delivery"):
            dispatch.dispatch_new(self.now)

    def send(self) -> None:
        before = len(self.sink.mails)
        self.send_somehow()
        self.judge_news(self.sink.mails[before:])

    def send_to_nobody(self) -> None:
        port, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port()
        self.send_due()
        settings.EMAIL_PORT = port

    def go_out_or_come_back(self) -> None:
        """The mail server and the channels' are away from now on, or are back."""
        self.out_since = None if self.out_since is not None else self.now

    @property
    def is_out(self) -> bool:
        return self.out_since is not None and self.now - self.out_since < LONGEST_OUTAGE

    def send_somehow(self) -> None:
        """Sends what is due, to a server that may refuse, drop the line or be away, by a process that may die."""
        fate = self.chance.random()
        if self.is_out or fate < 0.15:
            self.send_to_nobody()
        elif fate < 0.3:
            self.sink.at_rcpt = [self.chance.choice(REFUSALS)]
            self.send_due()
        elif fate < 0.4:
            self.sink.at_data = [DROP]
            before = len(self.sink.mails)
            self.send_due()
            self.repeats_explained += len(self.sink.mails) > before
        elif fate < 0.5:
            before = len(self.sink.mails)
            with self.perhaps_killed(send, "_mark_sent", always=True):
                self.send_due()
            self.repeats_explained += len(self.sink.mails) > before
        else:
            with self.perhaps_killed(send, "_exchange"):
                self.send_due()
        self.sink.at_rcpt, self.sink.at_data = [], []

    def notify_channels(self) -> None:
        self.hooks.send(self)

    def send_due(self) -> int:
        return send.send_due(self.now, clock=lambda: self.now).handled

    def wait(self) -> None:
        self.now += self.chance.choice([timedelta(seconds=10), MINUTE, 3 * MINUTE, 6 * MINUTE, 30 * MINUTE])
        if self.chance.random() < 0.04:
            self.now += timedelta(hours=4)

    def person_acts(self) -> None:
        """Somebody acknowledges, takes it back, notes or closes an incident, also one that is over."""
        found = list(own(Incident).order_by("pk"))
        if not found:
            return
        incident, who = self.chance.choice(found), self.chance.choice(self.people)
        act, *_ = self.chance.choices(["acknowledge", "take_back", "comment", "close"], [6, 3, 3, 1])
        try:
            if act == "acknowledge":
                actions.acknowledge(incident, who, "I look", self.now)
            elif act == "take_back":
                actions.take_back(incident, who, self.now)
            elif act == "comment":
                actions.comment(incident, "a note", who, self.now)
            else:
                actions.close_by_hand(incident, "a drill", who, self.now)
        except AlertActRefused:
            return
        if not incident.is_open and act != "comment":
            self.wrong.append(f"{act} of incident {incident.pk}, which is over, was not refused")

    def make_quiet(self) -> None:
        self.was_quiet = True
        until, who = self.now + self.chance.random() * LONGEST_QUIET + MINUTE, self.people[0]
        link = own(IncidentAlert).filter(incident__closed_at=None).order_by("?").first()
        if link is not None and self.chance.random() < 0.5:
            actions.snooze(link.incident, link.alert, until, "", who, self.now)
        else:
            flow = self.chance.choice(self.alerts).flow
            actions.silence(who, self.now, starts_at=self.now, ends_at=until, why="x", flow=flow)

    def end_quiet(self) -> None:
        for silence in own(Silence).filter(ended_at=None, ends_at__gt=self.now)[:1]:
            actions.end_silence(silence, self.people[0], self.now)
        for snooze in own(Snooze).filter(ended_at=None, until__gt=self.now)[:1]:
            actions.end_snooze(snooze, self.people[0], self.now)

    def leave_or_return(self) -> None:
        self.leaver.wants_mail = not self.leaver.wants_mail
        self.leaver.save(update_fields=["wants_mail"])

    @contextmanager
    def perhaps_killed(self, module: Any, name: str, *, always: bool = False) -> Iterator[None]:
        """Lets the process die at the first or a later call of a function, now and then."""
        if not always and self.chance.random() > 0.25:
            yield
            return
        left = self.chance.choice([0, 0, 1])
        original = getattr(module, name)

        def die(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return original(*args, **kwargs)

        try:
            with mock.patch.object(module, name, die):
                yield
        except Killed:
            self.look()

    # What must hold.

    def look(self) -> None:
        """What is over stays over, whatever was done just now."""
        for key, closed_at in own(Incident).exclude(closed_at=None).values_list("pk", "closed_at"):
            if self.closed.setdefault(key, closed_at) != closed_at:
                self.wrong.append(f"incident {key} was closed twice")
        if reopened := own(Incident).filter(pk__in=self.closed, closed_at=None):
            self.wrong.append(f"incidents {[one.pk for one in reopened]} are open again")

    def come_to_rest(self) -> None:
        """No more faults: everything that is due goes out, and what is kept quiet is so no longer."""
        self.out_since = None
        for pause in (MINUTE, 5 * MINUTE, LONGEST_QUIET, 3 * MINUTE, 6 * MINUTE, MINUTE, MINUTE):
            self.now += pause
            incidents.follow(self.account, self.now)
            for _ in range(6):
                before = len(self.sink.mails)
                if not dispatch.dispatch_new(self.now) + self.send_due() + self.hooks.send_due(self):
                    break
                self.judge_news(self.sink.mails[before:])
        self.look()

    def judge(self) -> None:
        """Compares what was sent with what had happened."""
        self.judge_rows()
        self.judge_mails()
        self.hooks.judge(self)

    def judge_rows(self) -> None:
        fired = set(own(Transition).filter(kind="firing").values_list("alert", "episode"))
        known = set(own(IncidentAlert).values_list("alert", "episode"))
        if fired != known:
            self.wrong.append(f"episodes {fired ^ known} are in no incident, or in one without having fired")
        if waiting := list(own(Notice).filter(dispatch_state="new")):
            self.wrong.append(f"notices {waiting} were never settled")
        unsent = (
            own(Delivery).exclude(state__in=["sent", "told"]).exclude(last_error__in=told_to_nobody(self.was_quiet))
        )
        unsent = unsent.exclude(recipient__username__in=["gone", "leaver"])
        if unsent.exists():
            self.wrong.append(f"mails {list(unsent.values_list('state', 'last_error', 'subject'))} were not sent")
        for incident in own(Incident):
            times = incident.notices.filter(dispatched_at__isnull=False).order_by("seq")
            pairs = list(times.values_list("kind", "dispatched_at"))
            for (_, before), (kind, at) in pairwise(pairs):
                if kind == "repeat" and at - before < timedelta(hours=4):
                    self.wrong.append(f"incident {incident.pk} was repeated after {at - before}")

    def judge_news(self, mails: Sequence[EmailMessage]) -> None:
        """Nobody reads as news that something fires which is over, but for what may have arrived before."""
        for mail in mails:
            if not mail["Subject"].startswith(NEWS):
                continue
            delivery = own(Delivery).select_related("notice__incident").get(message_id=mail["Message-ID"])
            may_have_arrived = delivery.send_attempts.filter(outcome="unknown").exists()
            if delivery.notice.incident.closed_at is not None and not may_have_arrived:
                self.wrong.append(f"{mail['To']} read {mail['Subject']} of what was over")

    @staticmethod
    def _fired_anew(thread: str, one: int, other: int) -> bool:
        """Whether an alert of an incident fired anew between two of its notices: that is told as a beginning again."""
        incident = own(Incident).get(pk=thread.removeprefix("<incident").partition("@")[0])
        since, until = (incident.notices.get(seq=number).at for number in (one, other))
        fired = incident.events.filter(kind="fired")
        before = fired.filter(at__lte=since).values("alert")
        return fired.filter(at__gt=since, at__lte=until, alert__in=before).exists()

    def judge_mails(self) -> None:
        threads: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
        for mail in self.sink.mails:
            number = int(mail["Message-ID"].partition(".")[2].partition(".")[0])
            threads[mail["To"], mail["References"]].append((number, mail["Subject"]))
        for (who, thread), told in threads.items():
            first = list(dict.fromkeys(number for number, _ in told))
            if first != sorted(first):
                self.wrong.append(f"{who} read {thread} in the order {first}")
            begun = sorted(
                {(number, subject) for number, subject in told if subject.startswith(("[Firing", "[Fired and"))}
            )
            for (one, subject), (other, again) in combinations(begun, 2):
                if subject == again and not self._fired_anew(thread, one, other):
                    self.wrong.append(f"{who} read twice of the beginning of {thread}: {told}")
            if told[0][1].startswith(("[Recovered]", "[Closed]")) and not who.startswith("leaver"):
                self.wrong.append(f"{who} read of the end of {thread} first")
        repeats = sum(Count(mail["Message-ID"] for mail in self.sink.mails).values()) - len(
            {mail["Message-ID"] for mail in self.sink.mails}
        )
        if repeats > self.repeats_explained:
            self.wrong.append(f"{repeats} mails came twice, {self.repeats_explained} can be explained")
        self.judge_lost(threads)

    def _is_told_to_flap(self, incident: Incident, person: str) -> bool:
        """Whether an incident was kept quiet because its alert flaps, and a mail told this person of the flapping."""
        told = [mail["Subject"] for mail in self.sink.mails if mail["To"].startswith(f"{person}@")]
        hushed = incident.notices.filter(kind="firing", why_silent="flaps").exists()
        return hushed and any("flaps]" in subject for subject in told)

    def judge_lost(self, threads: dict[tuple[str, str], list[tuple[int, str]]]) -> None:
        for incident in own(Incident):
            for person in self.people:
                heard = [told for (who, thread), told in threads.items() if is_of(who, thread, person, incident)]
                if not heard and not incident.is_open and (self.was_quiet or self._is_told_to_flap(incident, person)):
                    continue
                if not heard:
                    self.wrong.append(f"{person} never heard of incident {incident.pk}")
                elif heard and not incident.is_open and "over" not in stamps(heard[0]):
                    self.wrong.append(f"{person} never heard that incident {incident.pk} is over")


def is_of(who: str, thread: str, person: User, incident: Incident) -> bool:
    return who == person.email and thread.startswith(f"<incident{incident.pk}@")


def stamps(told: list[tuple[int, str]]) -> set[str]:
    """Says whether a reader knows that it is over."""
    ends = ("[Recovered]", "[Closed]", "[Fired and")
    return {"over" for _, subject in told if subject.startswith(ends)}
