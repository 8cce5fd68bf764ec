"""Who looks after a flow or a workflow rule, and its tags: set by people who may, in the trail, one row a thing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from monitor.models import AuditEntry, Flow, Ownership, Tag, User, WorkflowRule, ZohoAccount
from monitor.ownership import Guidance, Owned, OwnershipRefused, ownership_of, set_ownership
from monitor.queries.export import exports
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
Thing = Flow | WorkflowRule


@pytest.fixture(params=[factories.make_flow, factories.make_rule], ids=["flow", "rule"])
def thing(request: pytest.FixtureRequest, account: ZohoAccount) -> Thing:
    make: Callable[..., Thing] = request.param
    make(account)  # another one beside it
    return make(account)


def anew(thing: Thing) -> Any:
    return type(thing).objects.get(pk=thing.pk)


def test_owner_and_tags_are_set_in_one_form_and_stand_in_the_trail(
    thing: Thing, otto: User, ada: User, now: datetime
) -> None:
    assert ownership_of(thing) == Owned()
    assert set_ownership(thing, ada, ["Orders", "#orders", "billing"], otto, now)
    assert ownership_of(anew(thing)) == Owned(ada, ("billing", "orders"), is_gone=False)
    assert set_ownership(thing, None, ["orders"], otto, now)
    assert ownership_of(anew(thing)) == Owned(None, ("orders",))
    newest, first = own(AuditEntry).filter(action="ownership.set")
    assert first.detail == {"owner": {"from": None, "to": "ada"}, "tags": {"from": [], "to": ["billing", "orders"]}}
    assert newest.detail == {
        "owner": {"from": "ada", "to": None},
        "tags": {"from": ["billing", "orders"], "to": ["orders"]},
    }
    assert (first.actor, first.account_id, first.object_id) == (otto, thing.account_id, str(thing.pk))


def test_the_same_once_more_changes_nothing_and_says_nothing(thing: Thing, otto: User, now: datetime) -> None:
    assert set_ownership(thing, otto, ["orders"], otto, now)
    assert not set_ownership(anew(thing), otto, ["ORDERS"], otto, now)
    assert own(AuditEntry).count() == 1
    assert own(Ownership).count() == 1


def test_a_viewer_may_not_set_it_and_is_no_owner(thing: Thing, otto: User, vera: User, now: datetime) -> None:
    with pytest.raises(PermissionDenied):
        set_ownership(thing, otto, [], vera, now)
    with pytest.raises(OwnershipRefused, match="vera may not work on alerts"):
        set_ownership(thing, vera, ["orders"], otto, now)
    with pytest.raises(OwnershipRefused, match="is no tag"):
        set_ownership(thing, otto, ["<b>"], otto, now)
    assert ownership_of(anew(thing)) == Owned()
    assert not own(AuditEntry).exists()
    assert not Tag.objects.filter(name="orders").exists()


@pytest.mark.parametrize("loss", [{"role": "viewer"}, {"is_active": False}])
def test_an_owner_who_lost_the_right_stays_as_a_name_and_counts_as_gone(
    thing: Thing, otto: User, ada: User, now: datetime, loss: dict[str, Any]
) -> None:
    set_ownership(thing, ada, ["orders"], otto, now)
    User.objects.filter(pk=ada.pk).update(**loss)
    assert ownership_of(anew(thing)) == Owned(ada, ("orders",), is_gone=True)
    gone = User.objects.get(pk=ada.pk)
    assert set_ownership(anew(thing), gone, ["billing"], otto, now), "tags may change beside an owner who is gone"
    assert ownership_of(anew(thing)).tags == ("billing",)


def test_it_is_exported_and_costs_no_statement_a_row(
    account: ZohoAccount, otto: User, now: datetime, django_assert_num_queries: Any
) -> None:
    for make, kind, label in ((factories.make_flow, "flows", "flow"), (factories.make_rule, "rules", "rule")):
        owned, plain = make(account), make(account)
        for one in (make(account) for _ in range(3)):
            factories.own_thing(**{label: one}, tags=["x"])
        factories.own_thing(**{label: owned}, owner=otto, tags=["orders", "billing"])
        with django_assert_num_queries(2):  # rows; tags
            rows = list(exports()[kind].records(None))
        ids = "flow_id" if kind == "flows" else "id"
        found = {row[ids]: (row["owner"], row["tags"]) for row in rows}
        assert found[getattr(owned, "flow_id", None) or owned.rule_id] == ("otto", "billing orders")
        assert found[getattr(plain, "flow_id", None) or plain.rule_id] == ("", "")


GUIDANCE = Guidance("https://wiki.example.com/orders?a=b#c", "Ask finance first.", "one order reaches the books")


def test_what_people_are_to_know_is_set_with_the_owner_and_stays_where_nobody_names_it(
    thing: Thing, otto: User, now: datetime
) -> None:
    assert set_ownership(thing, None, [], otto, now, GUIDANCE)
    assert ownership_of(anew(thing)).guidance == GUIDANCE
    assert not set_ownership(anew(thing), None, [], otto, now, GUIDANCE)
    assert set_ownership(anew(thing), otto, [], otto, now)
    assert ownership_of(anew(thing)) == Owned(otto, (), guidance=GUIDANCE)
    assert set_ownership(anew(thing), otto, [], otto, now, Guidance(note="Ask finance first."))
    newest = own(AuditEntry).filter(action="ownership.set").first()
    assert newest is not None
    assert newest.detail == {
        "runbook": {"from": GUIDANCE.runbook, "to": ""},
        "value": {"from": GUIDANCE.value, "to": ""},
    }


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "data:text/html,x", "//wiki.example.com/", "wiki.example.com", "ftp://example.com/"),
        *(
            "https://",
            "https://ann:secret@example.com/",
            "https://[",
            "https://a b.example.com",
            "HTTPS:/x",
            "https://x\n",
        ),
    ],
)
def test_a_runbook_is_an_address_of_the_web_without_a_password(
    thing: Thing, otto: User, now: datetime, address: str
) -> None:
    with pytest.raises(OwnershipRefused, match="address that begins with https"):
        set_ownership(thing, otto, ["orders"], otto, now, Guidance(address))
    assert ownership_of(anew(thing)) == Owned()
