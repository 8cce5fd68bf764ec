"""What people type leads to the thing they mean: by name as it is shown, or by id."""

from __future__ import annotations

import pytest

from monitor.models import ZohoAccount
from monitor.queries import names
from monitor.queries.names import Kind, NamedThing
from tests import factories


def thing(words: str, kind: Kind = Kind.FLOW, *ids: str) -> NamedThing:
    return NamedThing(kind, words, "Acme", f"/{kind}/{words}/", ids)


def found(text: str, *things: NamedThing) -> list[str]:
    return [one.words for one in names.look_up(text, things)]


def test_the_very_name_comes_before_what_begins_so_and_that_before_what_has_its_words() -> None:
    things = thing("Old leads"), thing("Leads to books"), thing("Leads")
    assert found("leads", *things) == ["Leads", "Leads to books", "Old leads"]


def test_words_are_found_in_any_order_and_case() -> None:
    things = thing("Invoices to Zoho Books"), thing("Invoices to Mailchimp")
    assert found("BOOKS  invoices", *things) == ["Invoices to Zoho Books"]


def test_an_id_of_zohos_finds_its_thing_and_no_part_of_one_does() -> None:
    things = thing("Leads", Kind.FLOW, "3141"), thing("Deals", Kind.RULE, "31415")
    assert found("3141", *things) == ["Leads"]


def test_of_each_kind_there_are_few_and_kinds_keep_their_order() -> None:
    rules = [thing(f"Deal {n}", Kind.RULE) for n in range(20)]
    flows = [thing(f"Deal flow {n}", Kind.FLOW) for n in range(20)]
    shown = names.look_up("deal", [*rules, *flows])
    assert [one.kind for one in shown] == [Kind.FLOW] * names.MOST_OF_A_KIND + [Kind.RULE] * names.MOST_OF_A_KIND


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_that_is_typed_finds_nothing(text: str) -> None:
    assert found(text, thing("Leads")) == []


@pytest.mark.django_db
class TestOfTheMirror:
    def test_hidden_data_is_neither_shown_nor_found(self, account: ZohoAccount) -> None:
        factories.make_flow(account, flow_name="Mail to jo.example@example.com")
        known = names.everything()
        assert not names.look_up("jo.example@example.com", known)
        (flow,) = names.look_up("mail to", known)
        assert "jo.example" not in flow.words

    def test_each_kind_of_thing_has_a_name_and_leads_to_its_page(self, account: ZohoAccount) -> None:
        flow = factories.make_flow(account, flow_name="Quarterly figures")
        rule = factories.make_rule(account, name="Quarterly tag")
        connected = factories.make_connected(account, name="Quarterly journey")
        urls = {one.url for one in names.look_up("quarterly", names.everything())}
        assert urls == {flow.get_absolute_url(), rule.get_absolute_url(), connected.get_absolute_url()}

    def test_a_run_is_found_by_its_id_alone(self, account: ZohoAccount) -> None:
        run = factories.make_execution(factories.make_flow(account), execution_id="9900000000123")
        factories.make_execution(run.flow, execution_id="9900000000124")
        assert [one.url for one in names.runs(" 9900000000123 ")] == [run.get_absolute_url()]
        assert names.runs("990000000012") == []
        assert names.runs("leads") == []

    @pytest.mark.parametrize("text", ["1\0", "1\x07", "\ud8001"])
    def test_what_no_id_can_be_is_not_asked_for(self, text: str) -> None:
        assert names.runs(text) == []

    def test_a_connection_is_found_by_its_name_and_by_its_id(self, account: ZohoAccount) -> None:
        made = factories.make_connection(account, connection_name="Books sign-in", connection_id="778899")
        for text in ("books sign", "778899"):
            (one,) = names.look_up(text, names.everything())
            assert (one.kind, one.url) == (Kind.CONNECTION, made.get_absolute_url())
