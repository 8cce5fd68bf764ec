"""An account's tokens, calls and limits are its own: those of others are neither used nor touched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from monitor.connection import BudgetSpent, Gate, ledger, open_account
from monitor.connection.limits import DAY, MINUTE
from monitor.connection.pause_backfill import pause_backfill
from monitor.connection.tokens import LEASE, DatabaseTokens
from monitor.models import ApiBudget, ApiCall, ApiToken, SyncState, User, ZohoAccount
from monitor.zoho.errors import AnswerLost, GrantRevoked, Wait
from tests.connection.test_tokens import FakeOAuth, grant
from tests.factories import make_account
from tests.fake_zoho import Clock

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def oauth() -> FakeOAuth:
    return FakeOAuth()


@pytest.fixture
def twin(account: ZohoAccount) -> ZohoAccount:
    """Another account whose token is in the very state of the first one's."""
    return make_account("Twin")


def token(account: ZohoAccount) -> dict[str, Any]:
    return ApiToken.objects.filter(account=account).values().get()


def tokens_of(account: ZohoAccount, oauth: FakeOAuth, clock: Clock) -> DatabaseTokens:
    return DatabaseTokens(account, oauth, clock, pause=clock.pause)  # type: ignore[arg-type]


def test_a_renewal_leaves_a_token_in_the_same_state_alone(
    account: ZohoAccount, twin: ZohoAccount, oauth: FakeOAuth, clock: Clock
) -> None:
    before = token(twin)
    under_way: list[dict[str, Any]] = []
    oauth.before = lambda: under_way.append(token(twin))

    tokens_of(account, oauth, clock).current()

    assert under_way == [before], "the lease was taken on one's own token only"
    assert token(twin) == before


@pytest.mark.parametrize("error", [AnswerLost("timed out"), GrantRevoked("refused", code="invalid_code")])
def test_a_renewal_that_fails_leaves_a_token_in_the_same_state_alone(
    account: ZohoAccount, twin: ZohoAccount, oauth: FakeOAuth, clock: Clock, error: Exception
) -> None:
    oauth.answers = [error]  # type: ignore[list-item]
    tokens = tokens_of(account, oauth, clock)
    own = {"refresh_owner": tokens._owner, "refresh_lease_until": clock() + timedelta(hours=1)}
    ApiToken.objects.filter(account=twin).update(**own)
    before = token(twin)

    with pytest.raises(type(error)):
        tokens.current()

    assert token(twin) == before


def test_a_new_token_is_not_written_over_one_that_is_held_by_the_same_process(
    account: ZohoAccount, twin: ZohoAccount, oauth: FakeOAuth, clock: Clock
) -> None:
    tokens = tokens_of(account, oauth, clock)
    own = {"refresh_owner": tokens._owner, "refresh_lease_until": clock() + timedelta(hours=1)}
    ApiToken.objects.filter(account=twin).update(**own)
    before = token(twin)

    tokens.current()

    assert token(twin) == before


def test_a_token_that_was_renewed_between_the_look_and_the_claim_is_not_renewed_again(
    account: ZohoAccount, oauth: FakeOAuth, clock: Clock
) -> None:
    looks: list[str] = []

    def other_first() -> datetime:
        if not looks:
            looks.append(tokens_of(account, oauth, clock).current())
        return clock()

    tokens = DatabaseTokens(account, oauth, other_first, pause=clock.pause)  # type: ignore[arg-type]

    assert tokens.current() == looks[0]
    assert len(oauth.posts) == 1


def test_what_a_replaced_refresher_brings_is_not_stored_while_its_successor_is_still_at_it(
    account: ZohoAccount, oauth: FakeOAuth, clock: Clock
) -> None:
    def overtaken() -> None:
        clock.pause(LEASE.total_seconds() + 1)
        until = clock() + timedelta(minutes=5)
        ApiToken.objects.filter(account=account).update(refresh_owner="the next one", refresh_lease_until=until)

    oauth.before = overtaken

    with pytest.raises(Wait):
        tokens_of(account, oauth, clock).current()
    assert token(account)["refresh_owner"] == "the next one"
    assert ApiToken.objects.get(account=account).access_token == ""


def test_what_a_replaced_refresher_fails_at_is_not_noted_while_its_successor_is_still_at_it(
    account: ZohoAccount, oauth: FakeOAuth, clock: Clock
) -> None:
    def overtaken() -> None:
        ApiToken.objects.filter(account=account).update(refresh_owner="the next one")

    oauth.before, oauth.answers = overtaken, [GrantRevoked("refused", code="invalid_code")]

    with pytest.raises(GrantRevoked):
        tokens_of(account, oauth, clock).current()
    assert (token(account)["refresh_owner"], token(account)["refused_code"]) == ("the next one", "")


@pytest.mark.parametrize("fails", [False, True])
def test_a_token_that_was_replaced_while_it_was_renewed_is_left_as_it_is(
    account: ZohoAccount, oauth: FakeOAuth, clock: Clock, fails: bool
) -> None:
    """By a program that moves the generation on and knows nothing of leases."""

    def replaced() -> None:
        oauth.before = lambda: None
        until = clock() + timedelta(minutes=30)
        ApiToken.objects.filter(account=account).update(
            generation=F("generation") + 1, access_token="theirs", expires_at=until
        )

    oauth.before = replaced
    oauth.answers = [GrantRevoked("refused", code="invalid_code") if fails else grant("ours")]
    tokens = tokens_of(account, oauth, clock)

    if fails:
        with pytest.raises(GrantRevoked):
            tokens.current()
    else:
        assert tokens.current() == "theirs"
    assert ApiToken.objects.get(account=account).access_token == "theirs"
    assert token(account)["refused_code"] == ""


def call_of(account: ZohoAccount, at: datetime, product: str = "flow", **more: Any) -> ApiCall:
    values = {"method": "GET", "path": "/", "started_at": at, "finished_at": at} | more
    return ApiCall.objects.create(account=account, product=product, **values)


def test_when_a_slot_of_the_minute_is_free_is_told_by_the_calls_of_the_same_account_and_product(
    account: ZohoAccount, twin: ZohoAccount, now: datetime
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(plan="", calls_per_minute=1)
    account.refresh_from_db()
    call_of(account, now - 40 * SECOND)
    call_of(account, now - 5 * SECOND, product="crm")
    call_of(twin, now - 6 * SECOND)
    for old in (DAY, 2 * DAY):
        call_of(account, now - old)

    with pytest.raises(BudgetSpent) as spent:
        Gate(account, Clock(now), for_people=True).before("flow", "GET", "/")

    assert spent.value.until - now < 25 * SECOND
    free, ends = Gate(account, Clock(now), for_people=True).minute("flow")
    assert ends == [now - 40 * SECOND]
    assert free is not None


def test_a_day_of_credits_is_over_when_a_call_of_this_day_leaves_it(account: ZohoAccount, now: datetime) -> None:
    """Calls that cost several credits are fewer than the credits of the day: those of the day before are no measure."""
    ZohoAccount.objects.filter(pk=account.pk).update(plan="", calls_per_minute=1000, calls_per_day=4)
    account.refresh_from_db()
    for hours in (1, 2):
        call_of(account, now - timedelta(hours=hours), credits=2)
    for hours in range(25, 35):
        call_of(account, now - timedelta(hours=hours))

    with pytest.raises(BudgetSpent) as spent:
        Gate(account, Clock(now), for_people=True).before("flow", "GET", "/")

    assert spent.value.until > now + MINUTE


def test_the_ledger_of_a_day_holds_what_is_of_this_account_product_and_day(
    account: ZohoAccount, twin: ZohoAccount, now: datetime
) -> None:
    call_of(account, now - timedelta(hours=1))
    call_of(account, now - timedelta(hours=1), product="crm")
    call_of(twin, now - timedelta(hours=1))
    call_of(account, now - 3 * DAY)
    tallies = {row.pk: row.tally for row in ApiBudget.objects.exclude(account=account)}

    assert sum(slot.spent for slot in ledger.read(account, "flow", now)) == 1
    assert sum(slot.spent for slot in ledger.read(account, "flow", now)) == 1, "by what was added up"
    for product in ("flow", "crm"):
        budget = ApiBudget.objects.get(account=account, product=product)
        assert ledger.spent(account, budget, now) == 1
        assert sum(slot.spent for slot in ledger.read(account, product, now)) == 1
    assert ApiBudget.objects.get(account=account, product="flow").tally
    assert {row.pk: row.tally for row in ApiBudget.objects.exclude(account=account)} == tallies


def test_to_go_on_with_history_does_not_put_off_a_sweep_that_is_due_already(
    account: ZohoAccount, otto: User, now: datetime
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(backfill_paused=True)
    SyncState.objects.filter(account=account).update(next_due_at=now - MINUTE)

    assert pause_backfill(account, paused=False, actor=otto, now=now)

    assert SyncState.objects.get(account=account).next_due_at == now - MINUTE


def test_a_budget_that_is_not_there_yet_is_made_for_the_product_that_is_called(
    account: ZohoAccount, twin: ZohoAccount, now: datetime
) -> None:
    ApiBudget.objects.filter(account=account, product="flow").delete()
    others = set(ApiBudget.objects.values_list("pk", flat=True))

    Gate(account, Clock(now), for_people=True).before("flow", "GET", "/")

    (made,) = ApiBudget.objects.exclude(pk__in=others)
    assert (made.account, made.product) == (account, "flow")


@pytest.mark.parametrize(("minutes", "others"), [(14, 500), (15, 0)])
def test_what_zoho_counts_beyond_our_calls_is_believed_for_a_quarter_of_an_hour(
    account: ZohoAccount, now: datetime, minutes: int, others: int
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(plan="", calls_per_minute=None, calls_per_day=10_000)
    account.refresh_from_db()
    ApiBudget.objects.filter(account=account, product="crm").update(
        edition="enterprise", users=1, remaining_seen=0, seen_at=now - minutes * MINUTE
    )
    whole = Gate(account, Clock(now)).limits("crm").per_day
    assert whole is not None
    ApiBudget.objects.filter(account=account, product="crm").update(remaining_seen=whole - 500)
    assert Gate(account, Clock(now)).day("crm")[1] == others


@pytest.mark.parametrize(("priority", "kind"), [("people", "people"), ("background", "other")])
def test_who_waits_has_a_gate_that_may_use_the_reserve(
    account: ZohoAccount, now: datetime, priority: Any, kind: str
) -> None:
    with open_account(account, clock=Clock(now), priority=priority) as clients:
        assert clients.gate._kind == kind
