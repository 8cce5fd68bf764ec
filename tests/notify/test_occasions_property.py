"""Whatever people do in whatever order: whom it concerns is told once, and nobody of what they did themselves."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Delivery, Failure, Occasion, Problem, Role, User
from monitor.notify.dispatch import dispatch_occasions
from monitor.triage import acts
from monitor.triage.judge import judge_problems
from tests import factories
from tests.bystander import own
from tests.depth import tried

NAMES = ("olga", "otto", "ada")
people = st.sampled_from(NAMES)
steps = st.one_of(
    st.tuples(st.just("assign"), people, st.one_of(st.none(), people)),
    st.tuples(st.just("note"), people, st.sets(st.sampled_from([*NAMES, "vera", "ghost"]))),
    st.tuples(st.just("undone"), people, people),
    st.tuples(st.just("over"), st.none(), st.none()),
    st.tuples(st.just("reopen"), people, st.none()),
    st.tuples(st.just("switch"), people, st.sampled_from(["assigned", "note", "resolved"])),
    st.tuples(st.just("leave"), st.just("vera"), st.none()),
    st.tuples(st.just("come back"), st.just("vera"), st.none()),
    st.tuples(st.just("dispatch"), st.none(), st.none()),
)


@dataclass
class House:
    """A problem, the people around it, and what they are expected to be told."""

    problem: Problem
    failure: Failure
    people: dict[str, User]
    now: datetime
    owner: str | None = None
    waiting: list[tuple[str, str]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)
    notes: int = 0

    def do(self, what: str, who: Any, whom: Any) -> None:
        self.problem.refresh_from_db()
        getattr(self, what.replace(" ", "_"))(who, whom)

    def expect(self, kind: str, names: set[str | None], by: str | None) -> None:
        self.waiting += [(kind, name) for name in sorted(names - {None, by})]

    def assign(self, who: str, whom: str | None) -> None:
        acts.assign(self.problem, self.people[whom] if whom else None, self.people[who], self.now)
        if whom != self.owner:
            self.expect("assigned", {whom}, who)
        self.owner = whom

    def note(self, who: str, whom: set[str]) -> None:
        known = {name for name in whom if name in self.people and self.people[name].is_active}
        self.notes += 1  # the same note twice within a minute is one
        words = " ".join([*(f"@{n}" for n in whom), f"look {self.notes}"])
        unknown = acts.add_note(self.problem, words, self.people[who], self.now)
        assert set(unknown) == whom - known
        self.expect("note", {*known, self.owner}, who)

    def undone(self, who: str, whom: str) -> None:
        with transaction.atomic():
            acts.assign(self.problem, self.people[whom], self.people[who], self.now)
            acts.add_note(self.problem, "@vera", self.people[who], self.now)
            transaction.set_rollback(True)

    def over(self, *_: None) -> None:
        Failure.objects.filter(pk=self.failure.pk).update(fate=Failure.Fate.RECOVERED)
        judge_problems([], self.now)
        if self.problem.is_unresolved:
            self.expect("resolved", {self.owner}, None)

    def reopen(self, who: str, _: None) -> None:
        Failure.objects.filter(pk=self.failure.pk).update(fate=Failure.Fate.OPEN)
        if not self.problem.is_unresolved:
            acts.reopen(self.problem, self.people[who], self.now)

    def switch(self, who: str, kind: str) -> None:
        person = self.people[who]
        person.unwanted_mails = sorted({*person.unwanted_mails} ^ {kind})
        person.save(update_fields=["unwanted_mails"])

    def leave(self, who: str, _: None) -> None:
        self.people[who].is_active = False
        self.people[who].save(update_fields=["is_active"])

    def come_back(self, who: str, _: None) -> None:
        self.people[who].is_active = True
        self.people[who].save(update_fields=["is_active"])

    def dispatch(self, *_: None) -> None:
        wanted = [
            (kind, name)
            for kind, name in self.waiting
            if self.people[name].is_active and kind not in self.people[name].unwanted_mails
        ]
        assert dispatch_occasions(self.now) == len(wanted)
        self.written += wanted
        self.waiting = []


def make_house(now: datetime) -> House:
    failure = factories.make_failure(factories.make_execution(factories.make_flow(), "failed"))
    roles = dict.fromkeys(NAMES, Role.OPERATOR) | {"vera": Role.VIEWER}
    people = {name: factories.make_user(name, role) for name, role in roles.items()}
    return House(failure.group.problem, failure, people, now)


@pytest.mark.property
@pytest.mark.django_db
@given(done=st.lists(steps, max_size=12))
@tried(20, 200)
def test_whom_an_act_concerns_is_told_once_and_nobody_of_their_own(
    now: datetime, done: list[tuple[str, Any, Any]]
) -> None:
    with transaction.atomic():
        house = make_house(now)
        for step in [*done, ("dispatch", None, None)]:
            house.do(*step)
        mails = own(Delivery).select_related("occasion", "recipient")
        told = [(mail.occasion.kind, mail.recipient.username) for mail in mails if mail.occasion]
        assert sorted(told) == sorted(house.written)
        assert len({mail.message_id for mail in mails}) == len(mails)
        assert not own(Occasion).filter(dispatch_state="new").exists()
        assert not [row for row in own(Occasion) if row.actor_id == row.recipient_id]
        transaction.set_rollback(True)


def together(*works: Callable[[], object]) -> None:
    """Does all of these at once, each on a connection of its own; on SQLite, which has one writer, in turn."""
    if connection.vendor == "sqlite":
        for work in works:
            work()
        return
    barrier = Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        barrier.wait(timeout=30)
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(run, works))


@pytest.mark.django_db(transaction=True)
def test_people_who_act_and_processes_that_write_at_once_give_each_occasion_one_mail(now: datetime) -> None:
    house = make_house(now)

    def acting(who: str, whom: str) -> Callable[[], object]:
        def act() -> None:
            problem = Problem.objects.get(pk=house.problem.pk)
            for number in range(4):
                acts.assign(problem, house.people[whom], house.people[who], now)
                acts.add_note(problem, f"@{whom} @vera {number}", house.people[who], now)

        return act

    def writing() -> None:
        for _ in range(8):
            dispatch_occasions(now)

    together(acting("olga", "otto"), acting("ada", "olga"), writing, writing)
    dispatch_occasions(now)
    occasions = list(own(Occasion))
    assert {row.dispatch_state for row in occasions} == {"dispatched"}
    assert own(Delivery).count() == len(occasions)
    notes = [row for row in occasions if row.kind == "note"]
    assert len([row for row in notes if row.recipient.username == "vera"]) == 8
    assert not [row for row in occasions if row.actor_id == row.recipient_id]
