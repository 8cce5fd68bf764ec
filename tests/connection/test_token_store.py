"""The token store: what it finds, what it keeps, and none of the faults of Zoho's published sample."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from monitor.connection import token_store as store_module
from monitor.connection.token_store import DELETED, StoredToken, TokenStore, TokenStoreError
from monitor.models import ApiToken, AuditEntry, SyncState, ZohoAccount
from monitor.zoho import Origins
from tests import bystander
from tests.bystander import own
from tests.factories import make_account
from tests.zoho.helpers import fuzzed

HERE = Origins("https://accounts.zoho.eu", "https://flow.zoho.eu", "https://www.zohoapis.eu")
HOSTILE = ["x' OR '1'='1", "1; DROP TABLE monitor_apitoken", "%", "_", "' --", "\0", "\ud800", "Acme\0", "", "*"]


def give(account: ZohoAccount, **values: object) -> ApiToken:
    row = account.token
    ApiToken.objects.filter(pk=row.pk).update(**values)
    return ApiToken.objects.get(pk=row.pk)


@pytest.fixture
def store(now) -> TokenStore:
    return TokenStore(clock=lambda: now)


@pytest.fixture
def two(db, now):
    """Two accounts of one client, as two users of one registered application."""
    rows = []
    for name in ("Acme", "Brightwater"):
        account = make_account(name, crm_url="https://www.zohoapis.eu")
        values = {"refresh_token": f"1000.refresh.{name}", "access_token": f"1000.access.{name}"}
        rows.append(give(account, expires_at=now + timedelta(minutes=55), generation=3, **values))
    return rows


def own_names(store: TokenStore, name: str = "user_name") -> list[str]:
    """What a token has of each account but the bystander's."""
    return [getattr(token, name) for token in store.get_tokens() if token.user_name != bystander.NAME]


def asked(**values: str) -> StoredToken:
    return StoredToken(**values)


# -- finding


@pytest.mark.parametrize(
    "partial",
    [
        {"user_name": "Brightwater"},
        {"refresh_token": "1000.refresh.Brightwater"},
        {"refresh_token": "1000.refresh.Brightwater", "client_id": "1000.CLIENT"},
        {"access_token": "1000.access.Brightwater"},
    ],
)
def test_a_partial_token_finds_the_whole_one(store, two, partial):
    found = store.find_token(asked(**partial))
    assert (found.id, found.user_name) == (str(two[1].pk), "Brightwater")
    assert (found.client_id, found.client_secret) == ("1000.CLIENT", "client-secret")
    assert (found.refresh_token, found.access_token) == ("1000.refresh.Brightwater", "1000.access.Brightwater")
    assert (found.api_domain, found.generation) == ("https://www.zohoapis.eu", 3)
    assert found.expires_at == two[1].expires_at
    assert store.find_token_by_id(found.id) == found


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["id", "user_name", "client_id", "refresh_token", "access_token"])
def test_hostile_text_finds_nothing_and_does_nothing(store, two, name, text):
    other = {"user_name": "Nobody"} if name == "client_id" else {}
    assert store.find_token(asked(**{name: text}, **other)) is None
    assert store.find_token_by_id(text) is None
    store.delete_token(text)
    assert own_names(store) == ["Acme", "Brightwater"]


@fuzzed(60)
@given(text=st.text(), name=st.sampled_from(["id", "user_name", "refresh_token", "access_token"]))
def test_any_text_whatever_finds_nothing(text, name):
    assert TokenStore().find_token(asked(**{name: text})) is None


test_any_text_whatever_finds_nothing = pytest.mark.django_db(test_any_text_whatever_finds_nothing)


def test_nothing_given_finds_nothing_and_not_just_any_row(store, two):
    assert store.find_token(StoredToken()) is None
    assert store.find_token(asked(client_id="1000.CLIENT")) is None


def test_a_name_decides_before_tokens_and_nothing_falls_through(store, two):
    both = asked(user_name="Acme", refresh_token="1000.refresh.Brightwater")
    assert store.find_token(both).user_name == "Acme"
    assert store.find_token(asked(user_name="Nobody", access_token="1000.access.Acme")) is None
    assert store.find_token(asked(id="999999", user_name="Acme")) is None


def test_a_refresh_token_of_another_client_is_not_found(store, two):
    assert store.find_token(asked(client_id="1000.OTHER", refresh_token="1000.refresh.Acme")) is None
    assert store.find_token(asked(client_id="1000.OTHER", user_name="Acme")) is None


@pytest.mark.parametrize("token_id", ["0", "-1", "1.5", "٣", "9" * 40, "abc", " 1", ""])
def test_an_unknown_id_is_none_and_no_error(store, two, token_id):
    assert store.find_token_by_id(token_id) is None


# -- saving


def test_a_token_read_here_is_replaced_by_what_was_made_of_it(store, two, now):
    read = store.find_token(asked(user_name="Acme"))
    new = StoredToken(
        id=read.id, access_token="1000.new", expires_at=now + timedelta(hours=1), generation=read.generation
    )
    saved = store.save_token(new)
    assert (saved.access_token, saved.generation, saved.refresh_token) == ("1000.new", 4, "1000.refresh.Acme")
    assert store.find_token(asked(user_name="Brightwater")).access_token == "1000.access.Brightwater"


def test_an_older_generation_never_overwrites_a_newer_one(store, two, now):
    old = store.find_token(asked(user_name="Acme"))
    give(two[0].account, access_token="1000.newest", generation=4)
    late = StoredToken(id=old.id, access_token="1000.late", expires_at=now + timedelta(days=1), generation=3)
    assert store.save_token(late).access_token == "1000.newest"
    assert store.find_token_by_id(old.id).generation == 4


def test_without_a_generation_the_later_expiry_wins(store, two, now):
    for minutes, kept in ((54, "1000.access.Acme"), (56, "1000.m56"), (55, "1000.m56")):
        token = asked(user_name="Acme", access_token=f"1000.m{minutes}")
        expires = now + timedelta(minutes=minutes)
        store.save_token(StoredToken(user_name="Acme", access_token=token.access_token, expires_at=expires))
        assert store.find_token(asked(user_name="Acme")).access_token == kept


def test_a_rotated_refresh_token_is_kept_even_when_somebody_renewed_meanwhile(store, two, now):
    read = store.find_token(asked(user_name="Acme"))
    give(two[0].account, access_token="1000.newest", generation=4)
    rotated = StoredToken(
        id=read.id,
        access_token="1000.late",
        refresh_token="1000.rotated",
        expires_at=now,
        generation=3,
        renewed_from=read.refresh_token,
    )
    saved = store.save_token(rotated)
    assert (saved.refresh_token, saved.access_token, saved.generation) == ("1000.rotated", "1000.newest", 5)


def test_of_two_saves_at_once_one_is_stored_and_the_other_sees_it(two, now):
    read = TokenStore().find_token(asked(user_name="Acme"))
    expires = now + timedelta(hours=1)

    class Interrupted(TokenStore):
        """Somebody else saves between this one's reading and its writing."""

        meanwhile = True

        def _row_of(self, token, **options):
            row = super()._row_of(token, **options)
            if self.meanwhile:
                self.meanwhile = False
                first = StoredToken(id=read.id, access_token="1000.first", expires_at=expires, generation=3)
                TokenStore().save_token(first)
            return row

    second = StoredToken(id=read.id, access_token="1000.second", expires_at=expires, generation=3)
    assert Interrupted().save_token(second).access_token == "1000.first"
    assert ApiToken.objects.get(pk=two[0].pk).generation == 4


def test_saving_forgets_why_the_old_token_was_refused(store, two, now):
    give(two[0].account, refused_code="invalid_code", refused_at=now, throttled_until=now, refresh_owner="somebody")
    read = store.find_token(asked(user_name="Acme"))
    store.save_token(
        StoredToken(id=read.id, access_token="1000.n", expires_at=now, generation=3, refresh_token="1000.r")
    )
    row = ApiToken.objects.get(pk=two[0].pk)
    assert (row.refused_code, row.refused_at, row.throttled_until, row.refresh_owner) == ("", None, None, "")


def test_saving_what_is_stored_already_changes_nothing(store, two):
    read = store.find_token(asked(user_name="Acme"))
    assert store.save_token(read) == read


@pytest.mark.parametrize("name", ["", "x' OR '1'='1"])
def test_a_token_without_a_home_changes_no_row(store, two, now, name):
    stranger = StoredToken(
        user_name=name, access_token="1000.a", refresh_token="1000.r", expires_at=now + timedelta(days=1)
    )
    with pytest.raises(TokenStoreError, match="connect one first"):
        store.save_token(stranger)
    with pytest.raises(TokenStoreError, match="neither"):
        store.save_token(asked(user_name="Acme"))
    assert own_names(store, "access_token") == ["1000.access.Acme", "1000.access.Brightwater"]


def new_token(now, name="Cedar", **changes):
    values = {"user_name": name, "client_id": "1000.NEW", "client_secret": "s", "refresh_token": "1000.r"}
    return StoredToken(**values | {"access_token": "1000.a", "expires_at": now + timedelta(minutes=55)} | changes)


def test_a_new_token_makes_an_account_that_is_switched_off_until_a_person_says_so(db, now):
    store = TokenStore(clock=lambda: now, new_accounts=HERE)
    saved = store.save_token(new_token(now))
    account = own(ZohoAccount).get(name="Cedar")
    assert (account.is_active, account.data_center, account.accounts_url) == (False, "eu", "https://accounts.zoho.eu")
    assert (saved.id, saved.generation) == (str(account.token.pk), 1)
    assert (account.token.expires_at, account.flow_url) == (now + timedelta(minutes=55), HERE.flow)
    assert account.crm_url == HERE.crm
    # What `connect` leaves is there too: a person who switches it on begins a mirror.
    assert SyncState.objects.filter(account=account).count() == 1
    assert set(account.budgets.values_list("product", flat=True)) == {"flow", "crm"}
    assert AuditEntry.objects.get(account=account).action == "account.connect"
    # The same again is the same row; another client's is refused; a made-up id makes nothing.
    store.save_token(new_token(now, access_token="1000.b", expires_at=now + timedelta(hours=1)))
    for wrong in ({"client_id": "1000.OTHER"}, {"name": "Dune", "id": "77"}, {"name": "D" * 101}, {"name": "D\0"}):
        with pytest.raises(TokenStoreError):
            store.save_token(new_token(now, **wrong))
    assert own(ZohoAccount).count() == 1
    assert store.find_token(asked(user_name="Cedar")).access_token == "1000.b"


def test_ids_are_never_given_twice_though_rows_go(db, now):
    store = TokenStore(clock=lambda: now, new_accounts=HERE)
    ids = [store.save_token(new_token(now, name, refresh_token=f"1000.{name}")).id for name in ("A", "B", "C")]
    own(ZohoAccount).get(name="B").delete()
    ids.append(store.save_token(new_token(now, "D", refresh_token="1000.D")).id)
    assert len(set(ids)) == 4


def test_an_account_made_by_somebody_else_meanwhile_is_used(db, now):
    class Interrupted(TokenStore):
        meanwhile = True

        def _create(self, token):
            if self.meanwhile:
                self.meanwhile = False
                TokenStore(new_accounts=HERE).save_token(new_token(now, access_token="1000.first"))
            return super()._create(token)

    later = new_token(now, access_token="1000.second", expires_at=now + timedelta(hours=2))
    assert Interrupted(new_accounts=HERE).save_token(later).access_token == "1000.second"
    assert own(ZohoAccount).count() == own(ApiToken).count() == 1


def test_an_error_while_an_account_is_made_leaves_nothing_behind(db, now, monkeypatch):
    def broken(*args):
        raise RuntimeError("no audit")

    monkeypatch.setattr(store_module, "_audit", broken)
    with pytest.raises(RuntimeError):
        TokenStore(clock=lambda: now, new_accounts=HERE).save_token(new_token(now))
    assert (own(ZohoAccount).count(), own(ApiToken).count()) == (0, 0)


# -- deleting


def test_a_deleted_token_is_gone_and_its_account_asks_to_be_connected(store, two, now):
    store.delete_token(str(two[0].pk))
    assert own_names(store) == ["Brightwater"]
    assert store.find_token_by_id(str(two[0].pk)) is None
    row = ApiToken.objects.get(pk=two[0].pk)
    assert (row.refused_code, row.refused_at, row.generation) == (DELETED, now, 4)
    assert own(AuditEntry).get().action == "token.delete"


def test_a_deleted_token_is_not_brought_back_by_somebody_who_still_had_it(nobody_else, store, two, now):
    read = store.find_token(asked(user_name="Acme"))
    store.delete_tokens()
    assert store.get_tokens() == []
    late = StoredToken(id=read.id, access_token="1000.x", refresh_token="1000.y", expires_at=now, generation=3)
    store.save_token(late)
    assert store.get_tokens() == []


def test_all_tokens_can_be_deleted_and_again(nobody_else, store, two):
    store.delete_tokens()
    store.delete_tokens()
    assert own(AuditEntry).filter(action="token.delete").count() == 2


# -- secrets


def test_no_secret_stands_in_the_database_or_in_a_representation(store, two):
    secrets = ["1000.refresh.Acme", "1000.access.Acme", "client-secret"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM monitor_apitoken")
        stored = repr(cursor.fetchall())
        cursor.execute("SELECT * FROM monitor_zohoaccount")
        stored += repr(cursor.fetchall())
    shown = repr(store.get_tokens())
    assert not [secret for secret in secrets if secret in stored or secret in shown]
    assert "Acme" in stored


def test_the_store_writes_no_sql_of_its_own():
    assert not [word for word in ("cursor", "raw(", "RawSQL", "extra(") if word in inspect.getsource(store_module)]


# -- handing out


def test_the_token_that_is_asked_for_is_renewed_and_no_other(store, two, now, monkeypatch):
    asked: list[tuple[str, str]] = []

    class Noted:
        def __init__(self, account, oauth, clock):
            self.name = account.name

        def current(self):
            asked.append((self.name, "current"))

        def renew(self, access_token):
            asked.append((self.name, access_token))

    monkeypatch.setattr(store_module, "DatabaseTokens", Noted)
    for name in ("Acme", "Brightwater"):
        account = ZohoAccount.objects.get(name=name)
        give(account, expires_at=now + timedelta(minutes=30))
        assert store.usable(str(account.token.pk)).user_name == name
        give(account, expires_at=now + timedelta(seconds=10))
        assert store.usable(str(account.token.pk)).user_name == name
    assert asked == [
        ("Acme", "current"),
        ("Acme", "1000.access.Acme"),
        ("Brightwater", "current"),
        ("Brightwater", "1000.access.Brightwater"),
    ]
    assert store.usable("999999") is None
