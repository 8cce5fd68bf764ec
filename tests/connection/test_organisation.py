"""An account keeps to its organisation: at every way of connecting again, and day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.connection import open_account, organisation
from monitor.connection.connect import ConnectError, Wanted, connect
from monitor.connection.organisation import Identity, Objection, is_same, objection, overlap_of
from monitor.connection.token_store import StoredToken, TokenStore
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.run import read_account
from monitor.models import (
    ApiToken,
    AuditEntry,
    Execution,
    Flow,
    Organisation,
    SyncState,
    WorkflowRule,
    ZohoAccount,
    system_user,
)
from monitor.zoho.datacenters import Origins
from monitor.zoho.shapes import org as org_shapes
from monitor.zoho.transport import Transport
from standin.build import App, Credentials, SettableClock, make_app, make_world, serving
from tests.bystander import own

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
KNOWN = Credentials()
ACME = Identity("7001", "7001001", "Acme Ltd", "production")
BETA = Identity("7002", "7002001", "Beta Ltd", "production")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's pauses between repeats take no time."""
    monkeypatch.setitem(Transport.__init__.__kwdefaults__, "sleep", lambda seconds: None)


class House:
    """Two organisations of Zoho on one clock, and an account of the first."""

    def __init__(self, here: str, there: str, apps: tuple[App, App], clock: SettableClock) -> None:
        self.here, self.there, self.apps, self.clock = here, there, apps, clock

    def connect(self, base: str = "", **more: Any) -> ZohoAccount:
        base = base or self.here
        given: dict[str, Any] = {
            "name": "Acme",
            "data_center": "custom",
            "origins": Origins(base, base, base),
            "client_id": KNOWN.client_id,
            "client_secret": KNOWN.client_secret,
            "refresh_token": KNOWN.refresh_token,
            "plan": "enterprise",
        }
        return connect(Wanted(**given | more), actor=system_user(), clock=self.clock, now=self.clock())

    def sync(self, mode: Mode = Mode.SYNC) -> Any:
        account = own(ZohoAccount).get(name="Acme")
        return read_account(account, clock=self.clock, patience=Patience(mode, pause=self.clock.advance))

    def choose(self, *, number: int = 0, **habits: Any) -> None:
        """Lets the grant answer for another organisation of the same person."""
        world = self.apps[number].world
        world.habits = world.habits.changed(**habits)


@pytest.fixture
def house(db: None) -> Iterator[House]:
    clock = SettableClock(NOW)
    worlds = [make_world(seed=seed, clock=clock, flows=3, rules=2, executions=60, history_days=3) for seed in (11, 12)]
    apps = make_app(worlds[0]), make_app(worlds[1])
    with serving(apps[0]) as here, serving(apps[1]) as there:
        yield House(here, there, apps, clock)


def everything() -> dict[str, list[Any]]:
    """What stands of the account: rows that a refused grant must not touch."""
    return {
        "accounts": list(own(ZohoAccount).values()),
        "tokens": list(own(ApiToken).values()),
        "organisations": list(own(Organisation).values()),
        "sync": list(own(SyncState).values()),
        "flows": list(own(Flow).values_list("flow_id", "gone_at")),
        "rules": list(own(WorkflowRule).values_list("rule_id", "gone_at")),
        "audit": list(own(AuditEntry).values_list("pk", "action")),
    }


def refused(house: House, *args: str, **more: Any) -> ConnectError:
    """The refusal; nothing but the ledger of calls has changed by it."""
    before = everything()
    with pytest.raises(ConnectError) as caught:
        house.connect(*args, **more)
    assert everything() == before
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_organisation_is_remembered_at_the_first_connect(house: House) -> None:
    account = house.connect()

    found = own(Organisation).get()
    zgid = house.apps[0].world.prefix + "0001"
    assert (found.account, found.zgid, found.name, found.kind) == (account, zgid, "Zephyr Works", "production")
    assert found.seen_at == house.clock()
    assert zgid in own(AuditEntry).get().detail["organisation"]


def test_a_grant_of_another_organisation_is_refused_with_both_names_and_ids_and_the_old_one_goes_on(
    house: House,
) -> None:
    house.connect()
    house.sync()
    house.choose(portal=2)

    line = str(refused(house))

    prefix = house.apps[0].world.prefix
    assert f"“Zephyr Works 2” (id {prefix}0002)" in line
    assert f"“Acme” mirrors “Zephyr Works” (id {prefix}0001)" in line
    assert "as a new account" in line
    house.choose(portal=1)
    house.clock.advance(300)
    assert house.sync().complete


def test_no_word_of_a_person_makes_two_organisations_one(house: House) -> None:
    house.connect()
    house.choose(portal=2)

    assert not refused(house, same_organisation=True).can_be_confirmed


def test_own_addresses_of_another_organisation_are_refused(house: House) -> None:
    house.connect()
    house.sync()

    assert house.apps[1].world.prefix + "0001" in str(refused(house, house.there))


def test_a_grant_code_of_another_organisation_is_refused(house: House) -> None:
    house.connect()
    code = house.apps[1].world.tokens.mint_code("*")

    line = refused(house, house.there, refresh_token=None, grant_code=code)

    assert "another organisation" in str(line)
    assert code not in str(line)


def test_the_other_organisation_connects_as_a_new_account_and_the_refusal_names_that_one(house: House) -> None:
    house.connect()
    house.connect(house.there, name="Beta")

    assert own(Organisation).count() == 2
    assert "the account “Beta” mirrors it already" in str(refused(house, house.there))


def test_a_sandbox_is_named_as_one_whichever_answer_says_it(house: House) -> None:
    house.connect()
    house.choose(organisation_kind="sandbox")

    line = str(refused(house))

    assert "a sandbox organisation" in line
    assert "Choose production, not a sandbox" in line
    assert "data centre" not in line


def test_where_the_address_refuses_a_sandboxes_token_the_hint_says_that_it_is_for_a_sandbox(house: House) -> None:
    house.choose(organisation_kind="sandbox")
    house.apps[0].faults.push({"path": "/workflow_rules", "kind": "invalid_token", "times": 0})

    line = str(refused(house))

    assert "https://sandbox.zohoapis.com" in line
    assert "the grant is for a sandbox" in line
    assert "is this the data centre" not in line


def test_a_sandbox_of_its_own_is_connected_and_said_to_be_one(house: House) -> None:
    house.choose(organisation_kind="sandbox")
    house.connect()

    assert own(Organisation).get().kind == "sandbox"
    assert own(AuditEntry).get().detail["notes"] == ["Zoho says that this is a sandbox organisation"]
    house.choose(organisation_kind="production")
    assert "a sandbox organisation" in str(refused(house))


def test_that_another_account_mirrors_the_same_organisation_is_said(house: House) -> None:
    house.connect()
    house.connect(name="Acme again")

    assert own(AuditEntry).first().detail["notes"] == ["The account “Acme” mirrors this organisation too"]


def test_a_sweep_whose_token_is_refused_says_where_zoho_puts_the_account(house: House) -> None:
    house.connect()
    house.sync()
    house.choose(organisation_kind="sandbox")
    house.clock.advance(4_000)
    house.apps[0].faults.push({"path": "/workflow_rules", "kind": "invalid_token", "times": 0})

    house.sync()

    reason = own(SyncState).get().reason
    assert "the grant is for a sandbox" in reason
    assert "is this the data centre" not in reason


def test_a_refresh_token_that_a_script_stores_is_looked_at_before_anything_is_read(house: House) -> None:
    house.connect()
    house.sync()
    flows = set(own(Flow).values_list("flow_id", "gone_at"))
    token = own(ApiToken).get()
    house.apps[0].world.tokens.accept("1000.of.another")
    house.choose(portal=2)

    TokenStore(clock=house.clock).save_token(
        StoredToken(id=str(token.pk), refresh_token="1000.of.another", expires_at=token.expires_at + timedelta(hours=1))
    )
    house.clock.advance(60)
    house.sync(Mode.TASK)

    assert own(SyncState).get().state == "foreign"
    assert set(own(Flow).values_list("flow_id", "gone_at")) == flows


class TestFlowAlone:
    """Without CRM nothing names the organisation: the ids of flows have to tell."""

    def connect(self, house: House, base: str = "", **more: Any) -> ZohoAccount:
        base = base or house.here
        return house.connect(base, **{"origins": Origins(base, base, None)} | more)

    def test_flows_that_overlap_are_the_same_organisation(self, house: House) -> None:
        self.connect(house)
        house.sync()

        assert self.connect(house).name == "Acme"

    def test_flows_of_which_none_is_mirrored_are_asked_about(self, house: House) -> None:
        self.connect(house)
        house.sync()

        error = refused(house, house.there, origins=Origins(house.there, house.there, None))

        assert error.can_be_confirmed
        assert "none of the flows that this grant lists is mirrored in “Acme”" in str(error)

    def test_a_person_may_say_that_it_is_the_same(self, house: House) -> None:
        self.connect(house)
        house.sync()

        assert self.connect(house, house.there, same_organisation=True).accounts_url == house.there
        assert own(AuditEntry).filter(detail__same_organisation=True).count() == 1

    def test_a_list_without_a_flow_tells_nothing(self, house: House) -> None:
        self.connect(house)
        house.sync()
        for flow_id in [*house.apps[0].world.flows]:
            house.apps[0].world.do("delete_flow", flow_id=flow_id)

        assert "it cannot be told" in str(refused(house, origins=Origins(house.here, house.here, None)))

    def test_an_account_that_had_crm_is_told_by_its_flows(self, house: House) -> None:
        house.connect()
        house.sync()

        self.connect(house)
        assert own(Organisation).get().name == "Zephyr Works"
        assert refused(house, house.there, origins=Origins(house.there, house.there, None)).can_be_confirmed

    def test_what_zoho_throttles_cannot_be_told_now(self, house: House) -> None:
        self.connect(house)
        house.sync()
        house.apps[0].faults.push({"path": "/flows", "kind": "rate_limited", "args": {"retry_after": 600}, "times": 0})

        assert "it cannot be told" in str(refused(house, origins=Origins(house.here, house.here, None)))


def test_without_the_scope_for_the_organisation_rules_and_flows_tell_it(house: House) -> None:
    house.connect()
    house.sync()
    scopes = "ZohoFlow.flows.ALL,ZohoFlow.connections.ALL,ZohoCRM.settings.workflow_rules.READ"
    codes = [app.world.tokens.mint_code(scopes) for app in house.apps]

    house.connect(refresh_token=None, grant_code=codes[0])
    notes = own(AuditEntry).first().detail["notes"]
    assert any(note.startswith("Not granted: ZohoCRM.settings.automation_actions.READ") for note in notes)
    assert refused(house, house.there, refresh_token=None, grant_code=codes[1]).can_be_confirmed


def test_the_daily_reading_of_another_organisation_stops_the_mirror_until_the_right_one_answers(house: House) -> None:
    house.connect()
    house.sync()
    flows, runs = set(own(Flow).values_list("flow_id", "gone_at")), own(Execution).count()
    house.choose(portal=2)
    house.clock.advance(90_000)
    house.apps[0].ledger.clear()

    house.sync(Mode.TASK)

    state = own(SyncState).get()
    assert state.state == "foreign"
    assert "“Zephyr Works 2”" in state.reason
    assert "“Zephyr Works”" in state.reason
    assert [call.path for call in house.apps[0].ledger.calls if "/oauth" not in call.path] == ["/crm/v8/org"]
    assert (set(own(Flow).values_list("flow_id", "gone_at")), own(Execution).count()) == (flows, runs)

    house.choose(portal=1)
    house.sync()
    assert own(SyncState).get().state == "ok"
    assert own(Organisation).get().other_at is None


def test_connecting_again_with_the_right_grant_heals_at_once(house: House) -> None:
    house.connect()
    house.sync()
    house.choose(portal=2)
    house.clock.advance(90_000)
    house.sync(Mode.TASK)

    house.choose(portal=1)
    house.connect()

    assert not organisation.is_foreign(own(ZohoAccount).get())
    house.sync(Mode.TASK)
    assert own(SyncState).get().state != "foreign"


def test_while_it_is_another_one_an_answer_that_does_not_say_changes_nothing(house: House) -> None:
    house.connect()
    house.choose(portal=2)
    house.sync()
    house.apps[0].faults.push({"path": "/org", "kind": "no_permission", "times": 0})

    house.sync()

    assert own(SyncState).get().state == "foreign"
    assert not own(Flow).exists()


@pytest.mark.parametrize(
    ("known", "told", "same"),
    [
        (ACME, ACME, True),
        (ACME, BETA, False),
        (ACME, Identity("7001", "", "Renamed Ltd"), True),
        (ACME, Identity("", "7001001"), True),
        (ACME, Identity("", "7002001"), False),
        (ACME, Identity(), None),
        (Identity(), ACME, None),
        (Identity("7001"), Identity("", "7001001"), None),
        (ACME, Identity("7001", kind="sandbox"), False),
        (Identity("7001", kind="sandbox"), ACME, False),
        (Identity("7001", kind="bigin"), ACME, True),
        (Identity("7001", kind="sandbox"), Identity("7001"), True),
        (ACME, Identity(kind="sandbox"), False),
    ],
)
def test_two_answers_are_of_one_organisation_by_their_ids_and_kinds(
    known: Identity, told: Identity, same: bool | None
) -> None:
    assert is_same(known, told) is same


@pytest.mark.parametrize(
    ("known", "told", "overlaps", "is_mirrored", "verdict"),
    [
        (Identity(), Identity(), {}, False, None),
        (Identity(), ACME, {}, False, None),
        (Identity(), ACME, {}, True, "ask"),
        (Identity(), ACME, {"flows": True}, True, None),
        (ACME, Identity(), {"flows": True}, True, None),
        (ACME, Identity(), {"flows": None}, True, "ask"),
        (ACME, Identity(), {}, False, "ask"),
        (ACME, Identity(), {"flows": True, "workflow rules": False}, True, "ask"),
        (ACME, ACME, {"flows": False}, True, None),
        (ACME, BETA, {"flows": True}, True, "never"),
    ],
)
def test_a_grant_is_taken_refused_or_asked_about(
    known: Identity, told: Identity, overlaps: dict[str, bool | None], is_mirrored: bool, verdict: str | None
) -> None:
    found = objection("Acme", known, told, overlaps, is_mirrored=is_mirrored)

    kinds = {True: "ask", False: "never"}
    assert (kinds[found.can_be_confirmed] if isinstance(found, Objection) else None) == verdict


def test_a_long_list_is_looked_through_for_something_known_and_not_without_an_end() -> None:
    asked: list[int] = []

    def pages(known_on: int, count: int) -> Iterator[list[str]]:
        for number in range(1, count + 1):
            asked.append(number)
            yield ["known"] if number == known_on else [f"new {number}"]

    assert overlap_of(lambda ids: "known" in ids, pages(3, 9)) is True
    assert asked == [1, 2, 3]
    assert overlap_of(lambda ids: "known" in ids, pages(0, 9)) is False
    assert overlap_of(lambda ids: "known" in ids, pages(0, 900)) is None


@pytest.mark.parametrize(
    ("record", "api_domain", "kind"),
    [
        ({"id": "1", "type": "sandbox"}, None, "sandbox"),
        ({"id": "1", "type": "Production"}, "https://sandbox.zohoapis.eu", "sandbox"),
        ({"id": "1"}, "https://developer.zohoapis.com/", "developer"),
        ({"id": "1"}, "https://www.zohoapis.com.au", "production"),
        ({"id": "1", "type": "bigin"}, "https://zohoapis.com", "bigin"),
        ({"id": "1"}, "https://sandbox.zohoapis.com.evil.example", ""),
        (None, "https://sandbox.zohoapis.com", "sandbox"),
        (None, None, ""),
    ],
)
def test_the_kind_of_an_organisation_is_known_by_its_own_word_or_its_address(
    record: dict[str, Any] | None, api_domain: str | None, kind: str
) -> None:
    told = organisation.identity_of(org_shapes.org(record) if record else None, api_domain)
    assert told.kind == kind


def test_since_when_it_is_another_one_is_kept(house: House) -> None:
    house.connect()
    house.choose(portal=2)
    house.sync()
    first = own(Organisation).get().other_at
    house.clock.advance(timedelta(hours=1).total_seconds())
    house.sync()

    assert own(Organisation).get().other_at == first


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("", "UTC"),
        ("Nowhere/Else", "UTC"),
        ("../etc/passwd", "UTC"),
        ("IST", "UTC"),
    ],
)
def test_times_without_an_offset_are_the_organisations_as_far_as_its_zone_is_known(
    account: ZohoAccount, told: str, zone: str
) -> None:
    record = {"id": "1", "zgid": "7", "time_zone": told}
    organisation.remember(account, organisation.identity_of(org_shapes.org(record)), NOW)

    with open_account(account) as clients:
        assert clients.flow is not None
        assert str(clients.flow.zone) == zone
