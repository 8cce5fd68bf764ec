"""Access tokens: one refresher at a time, nothing lost when it dies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from monitor.connection.tokens import LEASE, MOST_IN_WINDOW, DatabaseTokens, usable_until
from monitor.models import ApiToken, ZohoAccount
from monitor.vault import VaultError
from monitor.zoho.errors import (
    AnswerLost,
    ClientRefused,
    GrantRevoked,
    Refused,
    TokenRefused,
    Wait,
    ZohoError,
)
from monitor.zoho.oauth import TokenGrant
from tests.bystander import own
from tests.fake_zoho import Clock


class FakeOAuth:
    """Counts its refreshes; each gives a new token, or raises what it was given."""

    def __init__(self) -> None:
        self.posts: list[str] = []
        self.answers: list[ZohoError | TokenGrant] = []
        self.before: Callable[[], None] = lambda: None

    def refresh(self, refresh_token: str) -> TokenGrant:
        self.posts.append(refresh_token)
        self.before()
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return grant(f"access-{len(self.posts)}")


def grant(access: str, refresh: str | None = None, seconds: float = 3600) -> TokenGrant:
    return TokenGrant(access, refresh, seconds, None, None)


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def oauth() -> FakeOAuth:
    return FakeOAuth()


@pytest.fixture
def tokens(account: ZohoAccount, oauth: FakeOAuth, clock: Clock) -> Callable[..., DatabaseTokens]:
    def make(**how: bool) -> DatabaseTokens:
        return DatabaseTokens(account, oauth, clock, pause=clock.pause, **how)  # type: ignore[arg-type]

    return make


def row() -> ApiToken:
    return own(ApiToken).get()


def test_a_token_is_used_until_five_minutes_before_its_end(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth, clock: Clock
) -> None:
    assert tokens().current() == "access-1"
    clock.pause(3299)
    assert tokens().current() == "access-1"
    clock.pause(2)
    assert tokens().current() == "access-2"
    assert len(oauth.posts) == 2


def test_a_token_is_read_from_the_database_every_five_seconds_and_not_at_each_call(
    tokens: Callable[..., DatabaseTokens], clock: Clock, django_assert_num_queries: Any
) -> None:
    one, other = tokens(), tokens()
    one.current()
    assert one.current() == "access-1"
    with django_assert_num_queries(0):
        assert one.current() == "access-1"
    other.renew("access-1")
    clock.pause(6)
    assert one.current() == "access-2"


def test_close_to_its_end_a_token_is_read_at_each_call(
    tokens: Callable[..., DatabaseTokens], clock: Clock, django_assert_num_queries: Any
) -> None:
    one = tokens()
    one.current()
    clock.pause(3300 - 30)
    one.current()
    with django_assert_num_queries(1):
        one.current()


def test_a_token_that_lives_shortly_is_used_for_nearly_all_its_life(now: datetime) -> None:
    assert usable_until(now, 60) == now + timedelta(seconds=54)
    assert usable_until(now, 3600) == now + timedelta(seconds=3300)


def test_a_refused_token_is_renewed_once_and_others_take_the_new_one(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth
) -> None:
    one, other = tokens(), tokens()
    old = one.current()

    assert one.renew(old) == "access-2"
    assert other.renew(old) == "access-2"
    assert len(oauth.posts) == 2


def test_a_rotated_refresh_token_is_kept(tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth) -> None:
    oauth.answers = [grant("a", "rotated")]
    tokens().current()
    tokens().renew("a")

    assert oauth.posts == ["refresh-token", "rotated"]


def test_both_tokens_stand_in_the_database_as_ciphertext_only(tokens: Callable[..., DatabaseTokens]) -> None:
    tokens().current()
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token, refresh_token FROM monitor_apitoken")
        stored = cursor.fetchone()

    assert all(text.startswith("gAAAA") for text in stored)


def test_a_lost_answer_frees_the_lease_and_the_next_one_tries_again(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth
) -> None:
    oauth.answers = [AnswerLost("timed out")]
    with pytest.raises(AnswerLost):
        tokens().current()

    assert row().refresh_lease_until is None
    assert tokens().current() == "access-2"


def test_a_killed_refresher_is_waited_out_and_replaced(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth, clock: Clock
) -> None:
    class Kill(BaseException):
        pass

    def die() -> None:
        raise Kill

    oauth.before = die
    began = clock()
    with pytest.raises(Kill):
        tokens().current()
    oauth.before = lambda: None

    with pytest.raises(Wait):
        tokens().current()
    assert len(oauth.posts) == 1, "nobody refreshes beside a lease that is held"
    clock.pause(25)
    assert tokens().current() == "access-2"
    assert clock() - began <= timedelta(seconds=60)


def test_a_refresher_that_was_replaced_gives_the_newer_token(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth, clock: Clock
) -> None:
    second: list[str] = []

    def overtaken() -> None:
        oauth.before = lambda: None
        clock.pause(LEASE.total_seconds() + 1)
        second.append(tokens().current())

    oauth.before = overtaken

    assert tokens().current() == second[0]
    assert row().access_token == second[0]


def test_a_lease_from_before_the_clock_was_set_back_is_not_waited_for(
    tokens: Callable[..., DatabaseTokens], clock: Clock
) -> None:
    own(ApiToken).update(refresh_lease_until=clock() + timedelta(hours=1), refresh_owner="gone")

    assert tokens().current() == "access-1"


def test_a_throttled_endpoint_is_left_alone_and_the_valid_token_is_used_on(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth, clock: Clock
) -> None:
    token = tokens().current()
    oauth.answers = [Wait("Access Denied", retry_after=600)]

    with pytest.raises(Wait):
        tokens().renew(token)
    for _ in range(3):
        with pytest.raises(Wait):
            tokens().renew(token)
    assert tokens().current() == token
    assert len(oauth.posts) == 2
    clock.pause(601)
    assert tokens().renew(token) == "access-3"


@pytest.mark.parametrize(
    "error",
    [GrantRevoked("no", code="invalid_code"), ClientRefused("no", code="invalid_client")],
    ids=["code", "client"],
)
def test_a_refused_credential_is_not_tried_again_until_a_person_asks(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth, error: ZohoError
) -> None:
    oauth.answers = [error]
    for _ in range(3):
        with pytest.raises(type(error)):
            tokens().current()
    assert len(oauth.posts) == 1

    assert tokens(try_refused=True).current() == "access-2"
    assert row().refused_code == ""


def test_a_person_who_asks_costs_one_post_however_often_it_is_refused(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth
) -> None:
    oauth.answers = [GrantRevoked("no", code="invalid_code") for _ in range(5)]
    with pytest.raises(GrantRevoked):
        tokens().current()
    asked = tokens(try_refused=True)

    for _ in range(3):
        with pytest.raises(GrantRevoked):
            asked.current()

    assert len(oauth.posts) == 2


def test_never_more_than_five_new_tokens_in_ten_minutes(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth, clock: Clock
) -> None:
    """Zoho refuses every token, as the host of another data centre does; the 11th would lock the account out."""
    for _ in range(40):
        source = tokens()
        with suppress(TokenRefused):
            source.renew(source.current())
        clock.pause(10)

    assert len(oauth.posts) == MOST_IN_WINDOW
    assert source.current(), "the other product may still take it"
    clock.pause(600)
    source.renew(source.current())
    assert len(oauth.posts) == MOST_IN_WINDOW + 1


def test_without_a_good_token_the_sixth_try_waits_its_turn(
    tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth, clock: Clock
) -> None:
    oauth.answers = [Refused("other_dc", code="other_dc") for _ in range(20)]
    for _ in range(MOST_IN_WINDOW):
        with pytest.raises(Refused):
            tokens().current()
        clock.pause(10)

    with pytest.raises(Wait) as wait:
        tokens().current()
    assert wait.value.retry_after == 550
    assert len(oauth.posts) == MOST_IN_WINDOW


def test_the_failure_of_a_renewal_is_known_afterwards(tokens: Callable[..., DatabaseTokens], oauth: FakeOAuth) -> None:
    error = Refused("other_dc", code="other_dc")
    oauth.answers = [error]
    source = tokens()
    with pytest.raises(Refused):
        source.current()
    assert source.failure is error

    source.current()
    assert source.failure is None


def test_a_wrong_encryption_key_is_one_clear_line(tokens: Callable[..., DatabaseTokens], settings: object) -> None:
    tokens().current()
    settings.ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]  # type: ignore[attr-defined]

    with pytest.raises(VaultError) as error:
        tokens().current()
    assert "\n" not in str(error.value)
    assert "ENCRYPTION_KEYS" in str(error.value)
