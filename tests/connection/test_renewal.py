"""One account's renewal against the stand-in: lost answers, rotation, and what is kept meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.connection import open_account
from monitor.models import ApiToken
from monitor.zoho.errors import ZohoError
from standin.build import Credentials, serving
from tests.conformance.places import make_place
from tests.factories import make_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def app():
    return make_place()


@pytest.fixture
def account(app):
    known = Credentials()
    with serving(app) as url:
        made = make_account(
            accounts_url=url, flow_url=url, crm_url=url, client_id=known.client_id, client_secret=known.client_secret
        )
        ApiToken.objects.filter(account=made).update(refresh_token=known.refresh_token)
        yield made


def current(account):
    with open_account(account) as clients:
        return clients.tokens.current()


def expire(account):
    ApiToken.objects.filter(account=account).update(expires_at=datetime.now(UTC) - timedelta(seconds=1))


def test_a_lost_answer_costs_one_more_renewal_and_no_waiting(account, app):
    app.faults.push({"path": "/oauth/v2/token", "kind": "reset", "args": {"ran": True}})
    with pytest.raises(ZohoError):
        current(account)
    row = ApiToken.objects.get(account=account)
    assert (row.refresh_owner, row.refresh_lease_until, row.refresh_token) == ("", None, Credentials().refresh_token)
    assert current(account) in app.world.tokens.access
    assert app.ledger.token_posts == {"issued": 2}


def test_a_rotated_refresh_token_is_kept_and_used_the_next_time(account, app):
    app.world.habits = app.world.habits.changed(rotate_refresh_token=True)
    seen = {Credentials().refresh_token}
    for _ in range(3):
        assert current(account) in app.world.tokens.access
        row = ApiToken.objects.get(account=account)
        assert row.refresh_token not in seen
        assert row.refresh_token in app.world.tokens.refresh
        seen.add(row.refresh_token)
        expire(account)
    assert app.ledger.token_posts == {"issued": 3}


def test_a_renewal_that_fails_leaves_the_old_tokens_as_they_are(account, app):
    ApiToken.objects.filter(account=account).update(access_token="1000.old", generation=5)
    expire(account)
    app.faults.push({"path": "/oauth/v2/token", "kind": "status", "args": {"status": 500, "html": True}})
    with pytest.raises(ZohoError):
        current(account)
    row = ApiToken.objects.get(account=account)
    assert (row.access_token, row.refresh_token, row.generation) == ("1000.old", Credentials().refresh_token, 5)
