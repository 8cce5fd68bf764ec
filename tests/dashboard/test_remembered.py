"""What is the same for everybody is read once in some seconds, and anew at once after somebody did something."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import datetime

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dashboard import remembered
from dashboard.remembered import Memory
from monitor.models import Incident, Problem, Role, User
from tests import factories
from tests.dashboard.world import World, make_world


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Memory:
    return Memory(most=2, clock=clock)


def counter() -> Callable[[], int]:
    numbers = iter(range(1, 1000))
    return lambda: next(numbers)


def test_what_was_made_is_given_until_its_time_is_over(memory: Memory, clock: Clock) -> None:
    make = counter()
    assert [memory.of("a", make, 3), memory.of("a", make, 3)] == [1, 1]
    clock.at += 2.9
    assert memory.of("a", make, 3) == 1
    clock.at += 0.1
    assert memory.of("a", make, 3) == 2


def test_nothing_is_remembered_for_no_time(memory: Memory) -> None:
    make = counter()
    assert [memory.of("a", make, 0), memory.of("a", make, 0)] == [1, 2]


def test_each_key_has_its_own_answer_and_the_oldest_goes_first(memory: Memory) -> None:
    make = counter()
    assert [memory.of(key, make, 3) for key in ("a", "b", "b", "c")] == [1, 2, 2, 3]
    assert memory.of("b", make, 3) == 2
    assert memory.of("a", make, 3) == 4


def test_what_is_forgotten_is_made_anew(memory: Memory) -> None:
    make = counter()
    memory.of("a", make, 3)
    memory.forget()
    assert memory.of("a", make, 3) == 2


def test_what_was_begun_before_something_was_forgotten_is_given_to_nobody_else(memory: Memory) -> None:
    make = counter()

    def changed_meanwhile() -> int:
        memory.forget()
        return make()

    assert memory.of("a", changed_meanwhile, 3) == 1
    assert memory.of("a", make, 3) == 2


def test_of_several_what_is_missing_is_made_together_and_each_is_kept(clock: Clock) -> None:
    memory, asked = Memory(clock=clock), []

    def make(keys: Sequence[Hashable]) -> list[str]:
        asked.append(keys)
        return [f"{key} {len(asked)}" for key in keys]

    assert memory.of("b", lambda: "b alone", 3) == "b alone"
    assert memory.of_several(["a", "b", "c"], make, 3) == {"a": "a 1", "b": "b alone", "c": "c 1"}
    assert memory.of("a", lambda: "not made", 3) == "a 1"
    assert memory.of_several(["a", "b", "c"], make, 3) == {"a": "a 1", "b": "b alone", "c": "c 1"}
    memory.forget()
    assert memory.of_several(["a", "b"], make, 3) == {"a": "a 2", "b": "b 2"}
    assert memory.of_several(["a"], make, 0) == {"a": "a 3"}
    clock.at += 3
    assert memory.of_several(["b"], make, 3) == {"b": "b 4"}
    assert [tuple(keys) for keys in asked] == [("a", "c"), ("a", "b"), ("a",), ("b",)]


def test_of_several_what_was_begun_before_something_was_forgotten_is_not_kept(clock: Clock) -> None:
    memory = Memory(clock=clock)

    def make(keys: Sequence[Hashable]) -> list[str]:
        memory.forget()
        return ["old" for _ in keys]

    assert memory.of_several(["a", "b"], make, 3) == {"a": "old", "b": "old"}
    assert memory.of_several(["a", "b"], lambda keys: ["new" for _ in keys], 3) == {"a": "new", "b": "new"}
    assert memory.of("a", lambda: "not made", 3) == "new"


def test_an_error_is_raised_and_not_remembered(memory: Memory) -> None:
    with pytest.raises(ZeroDivisionError):
        memory.of("a", lambda: 1 // 0, 3)
    assert memory.of("a", counter(), 3) == 1


def test_many_who_ask_at_once_have_it_made_once(memory: Memory) -> None:
    make, begun, may_end = counter(), threading.Event(), threading.Event()

    def slowly() -> int:
        begun.set()
        assert may_end.wait(30)
        return make()

    given: list[int] = []
    threads = [threading.Thread(target=lambda: given.append(memory.of("a", slowly, 3))) for _ in range(5)]
    threads[0].start()
    assert begun.wait(30)
    for thread in threads[1:]:
        thread.start()
    may_end.set()
    for thread in threads:
        thread.join(30)
    assert given == [1] * 5


def test_whoever_waits_too_long_for_another_asks_for_itself(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "LONGEST_WAIT", 0.01)
    begun, may_end = threading.Event(), threading.Event()

    def stuck() -> int:
        begun.set()
        assert may_end.wait(30)
        return 1

    thread = threading.Thread(target=lambda: memory.of("a", stuck, 3))
    thread.start()
    try:
        assert begun.wait(30)
        assert memory.of("a", lambda: 2, 3) == 2
    finally:
        may_end.set()
        thread.join(30)


@pytest.fixture
def world(at_noon: datetime, settings: LazySettings) -> Iterator[World]:
    """A world in which pages remember."""
    found = make_world(at_noon)
    settings.REMEMBER_SECONDS = 60
    remembered.forget()
    yield found
    remembered.forget()


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(factories.make_user(name, Role.ADMIN))
    return client


@pytest.mark.django_db
class TestPages:
    def test_the_frame_is_read_once_for_all_readers(self, world: World) -> None:
        signed_in("ada").get(reverse("problems"))
        other = signed_in("bob")
        with CaptureQueriesContext(connection) as asked:
            other.get(reverse("problems"))
        assert not [one for one in asked.captured_queries if "monitor_streamstate" in one["sql"]]

    def test_what_somebody_does_here_is_on_the_next_page(self, world: World) -> None:
        ada = signed_in("ada")
        before = ada.get(reverse("flows")).context["open_incident_count"]
        Incident.objects.filter(closed_at=None).update(closed_at=timezone.now(), closed_how=Incident.Closed.values[0])
        assert ada.get(reverse("flows")).context["open_incident_count"] == before > 0
        ada.post(reverse("profile"), {})
        assert ada.get(reverse("flows")).context["open_incident_count"] == 0

    @pytest.mark.parametrize("address", ["/hooks/crm/1/", "/hooks/flow/none/", "/nowhere/", "/accounts/login/"])
    def test_what_nobody_is_signed_in_for_makes_no_page_dearer(self, world: World, address: str) -> None:
        ada = signed_in("ada")
        before = ada.get(reverse("flows")).context["open_incident_count"]
        Incident.objects.filter(closed_at=None).update(closed_at=timezone.now(), closed_how=Incident.Closed.values[0])
        Client().post(address, {"login": "nobody", "password": "x"})
        assert ada.get(reverse("flows")).context["open_incident_count"] == before > 0

    def test_what_is_done_by_the_link_of_a_mail_is_seen(self, world: World) -> None:
        ada = signed_in("ada")
        before = ada.get(reverse("flows")).context["open_incident_count"]
        Incident.objects.filter(closed_at=None).update(closed_at=timezone.now(), closed_how=Incident.Closed.values[0])
        Client().post(reverse("acknowledge_by_mail", args=["no-such-token"]))
        assert ada.get(reverse("flows")).context["open_incident_count"] == 0 < before

    def test_what_is_counted_by_a_clock_is_given_to_readers_of_that_clock_alone(
        self, world: World, at_noon: datetime
    ) -> None:
        Problem.objects.update(first_seen_at=at_noon.replace(hour=1))
        ada = signed_in("ada")
        assert ada.get(reverse("overview")).context["mirror"].counts["new_today"] > 0
        # In Hawaii an hour past midnight in Greenwich was yesterday, two hours after noon are today.
        User.objects.filter(username="ada").update(timezone="Pacific/Honolulu")
        assert ada.get(reverse("overview")).context["mirror"].counts["new_today"] == 0
