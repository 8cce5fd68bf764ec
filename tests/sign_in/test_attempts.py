"""Attempts are counted in the database: before the password is looked at, for all processes, for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor import sign_in
from monitor.models import KnownNetwork, SignInCount, User
from monitor.sign_in import Place, attempts, one_time
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def wrong(
    now: datetime, person: User | None, *, name: str = "vera", network: str = "198.51.100.9", browser: str = ""
) -> Any:
    return sign_in.claim(name, person, network=network, browser=browser, now=now)


def test_an_attempt_counts_before_its_password_is_looked_at(vera: User, now: datetime) -> None:
    """Else a hundred at the same moment would all be the first."""
    open_ones = [wrong(now, vera).verdict.is_open for _ in range(8)]
    assert open_ones == [True] * 5 + [False] * 3


def test_every_spelling_of_a_name_counts_for_the_same_person(vera: User, now: datetime) -> None:
    for name in ("vera", "VERA", "Vera", "vErA", "verA"):
        wrong(now, vera, name=name)
    assert not wrong(now, vera, name="VeRa").verdict.is_open


def test_a_name_that_nobody_has_is_limited_just_the_same_and_not_stored(now: datetime) -> None:
    for name in ("hunter2hunter2", "HUNTER2hunter2", "hunter2HUNTER2", "hunter2hunter2", "hunter2hunter2"):
        assert wrong(now, None, name=name).verdict.is_open
    assert not wrong(now, None, name="hunter2hunter2").verdict.is_open
    assert "hunter2" not in str(list(SignInCount.objects.values()))


def test_what_is_refused_writes_nothing(vera: User, now: datetime, django_assert_num_queries: Any) -> None:
    """Else a flood of names that nobody has would fill the table."""
    for number in range(300):
        wrong(now, None, name=f"name {number}")
    before = list(SignInCount.objects.order_by("pk").values())
    with django_assert_num_queries(1):
        assert not wrong(now, None, name="one more").verdict.is_open
    assert list(SignInCount.objects.order_by("pk").values()) == before


def test_the_right_password_forgives_the_slips_but_not_those_of_others(vera: User, now: datetime) -> None:
    for network in ("198.51.100.1", "198.51.100.2", "198.51.100.3"):
        for _ in range(4):
            wrong(now, vera, network=network)
    right = wrong(now, vera, network="198.51.100.1")
    sign_in.give_back(right, vera, "198.51.100.1", now)
    assert sorted(SignInCount.objects.values_list("failures", flat=True)) == [0, 4, 4, 4, 4, 4, 12]


def test_a_person_is_known_where_they_signed_in_and_nobody_else_is(vera: User, otto: User, now: datetime) -> None:
    sign_in.give_back(wrong(now, vera), vera, "198.51.100.9", now)
    assert sign_in.place_of(vera, "198.51.100.9", "", now) is Place.KNOWN_NETWORK
    assert sign_in.place_of(vera, "198.51.100.10", "", now) is Place.STRANGE
    assert sign_in.place_of(otto, "198.51.100.9", "", now) is Place.STRANGE
    assert sign_in.place_of(None, "198.51.100.9", "b", now) is Place.STRANGE
    assert sign_in.place_of(vera, "198.51.100.10", "b", now) is Place.KNOWN_BROWSER
    assert sign_in.place_of(vera, "198.51.100.9", "", now + 181 * DAY) is Place.STRANGE
    assert sign_in.place_of(vera, "", "", now) is Place.STRANGE


def test_only_the_latest_networks_of_a_person_are_kept(vera: User, now: datetime) -> None:
    for number in range(attempts.MOST_NETWORKS + 3):
        network = f"198.51.100.{number}"
        sign_in.give_back(wrong(now, vera, network=network), vera, network, now + timedelta(minutes=number))
    kept = own(KnownNetwork).values_list("network", flat=True)
    assert len(kept) == attempts.MOST_NETWORKS
    assert "198.51.100.2" not in kept
    assert "198.51.100.3" in kept


def test_what_limits_nothing_any_more_is_forgotten(vera: User, now: datetime) -> None:
    wrong(now - 2 * DAY, vera, network="198.51.100.1")
    sign_in.give_back(wrong(now, vera), vera, "198.51.100.9", now - 181 * DAY)
    sign_in.forget(now)
    assert SignInCount.objects.count() == 3
    assert not own(KnownNetwork).exists()


def test_a_one_time_password_lets_in_once(now: datetime) -> None:
    nina = factories.make_user("nina")
    nina.set_one_time_password("handed-out-1234", now)
    nina.save()
    assert one_time.take(nina, now + timedelta(hours=71, minutes=59))
    assert not one_time.take(nina, now + timedelta(hours=72))
    assert not one_time.take(User.objects.get(pk=nina.pk), now)
    nina.refresh_from_db()
    nina.set_password("one of my own")
    nina.save()
    assert one_time.take(nina, now + 400 * DAY)


def test_an_unused_one_time_password_ends_after_72_hours(now: datetime) -> None:
    nina = factories.make_user("nina")
    nina.set_one_time_password("handed-out-1234", now)
    nina.save()
    assert not one_time.take(nina, now + timedelta(hours=72))
