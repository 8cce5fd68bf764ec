"""What-if counts the records that match, why-not judges one: both as plain reckoning over the stand-in's records."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from monitor.models import RuleVersion
from monitor.rule_criteria.of_rule import comparisons_of, criteria_of, fields_needed, with_comparison
from monitor.rule_questions import ask
from monitor.rule_questions.refusals import NotAnsweredError, sentence_of
from monitor.rule_questions.what_if import ONE_CONDITION, TAKES_ALL, what_if
from monitor.rule_questions.why_not import why_not
from monitor.vault import VaultError
from monitor.zoho import errors
from monitor.zoho.shapes.rule_definition import read_rule_definition
from standin.crm.records import STAGES
from tests import factories
from tests.rule_questions.conftest import BEGINNING, content_of

pytestmark = pytest.mark.django_db
SINCE = BEGINNING - timedelta(days=90)


def one(field, comparator, value):
    return {"field": {"api_name": field}, "comparator": comparator, "type": "value", "value": value}


def leaf(dice):
    """Returns a criterion and what it says of a deal, reckoned plainly."""
    stage, amount = dice.choice(STAGES), dice.randrange(0, 620) * 1_000
    day = (BEGINNING - timedelta(days=dice.randrange(-60, 400))).date().isoformat()
    some, low, high = dice.sample(STAGES, 2), min(amount, 200_000), max(amount, 200_000)
    return dice.choice([
        (one("Stage", "equal", stage), lambda deal: deal["Stage"] == stage),
        (one("Stage", "not_equal", stage), lambda deal: deal["Stage"] != stage),
        (one("Stage", "in", some), lambda deal: deal["Stage"] in some),
        (one("Stage", "starts_with", "Closed"), lambda deal: deal["Stage"].startswith("Closed")),
        (one("Stage", "not_contains", "o"), lambda deal: "o" not in deal["Stage"].lower()),
        (one("Amount", "greater_than", str(amount)), lambda deal: deal["Amount"] > amount),
        (one("Amount", "less_equal", str(amount)), lambda deal: deal["Amount"] <= amount),
        (one("Amount", "between", [str(low), str(high)]), lambda deal: low <= deal["Amount"] <= high),
        (one("Closing_Date", "greater_equal", day), lambda deal: deal["Closing_Date"] >= day),
        (one("Closing_Date", "less_than", day), lambda deal: deal["Closing_Date"] < day),
        (one("Amount", "equal", "${EMPTY}"), lambda deal: deal["Amount"] is None),
    ])  # fmt: skip


def tree(dice, depth=0):
    if depth == 2 or dice.random() < 0.4:
        return leaf(dice)
    parts = [tree(dice, depth + 1) for _ in range(dice.randint(2, 3))]
    operator, joined = dice.choice([("AND", all), ("OR", any)])
    raw = {"group_operator": operator, "group": [part for part, _ in parts]}
    return raw, lambda deal: joined(says(deal) for _, says in parts)


FIFTY = [tree(random.Random(f"criteria {number}")) for number in range(50)]


def recent(app):
    return [deal for deal in app.world.records.of("Deals") if datetime.fromisoformat(deal["Modified_Time"]) >= SINCE]


def test_counts_equal_brute_force_on_fifty_random_criteria(app, asked, rule):
    matched = []
    for (raw, says), (other, says_other) in zip(FIFTY, reversed(FIFTY), strict=True):
        found = what_if(rule, read_rule_definition(content_of(raw)), read_rule_definition(content_of(other)), BEGINNING)
        matched.append(found.now.count)
        assert found.looked_at == len(recent(app))
        assert found.now.count == sum(says(deal) for deal in recent(app)), raw
        assert found.edited is not None
        assert found.edited.count == sum(says_other(deal) for deal in recent(app)), other
    assert len(set(matched)) > 10, "the criteria tell records apart"


def test_why_not_equals_brute_force_on_fifty_random_criteria(app, asked, rule):
    deals = app.world.records.of("Deals")
    for place, (raw, says) in enumerate(FIFTY):
        deal = deals[place]
        found = why_not(rule, read_rule_definition(content_of(raw)), deal["id"], BEGINNING)
        assert found.passes is says(deal), (raw, deal["id"])


def test_the_documents_own_story_a_lower_threshold_would_have_matched(app, asked, rule):
    """Kaizen 215: above the first amount nothing matched, above the second one something would have."""
    best = max(deal["Amount"] for deal in recent(app) if deal["Stage"] == "Negotiation/Review")
    criteria = {
        "group_operator": "AND",
        "group": [one("Amount", "greater_than", str(best)), one("Stage", "equal", "Negotiation/Review")],
    }
    definition = read_rule_definition(content_of(criteria))
    found = what_if(rule, definition, with_comparison(definition, 0, "greater_equal", str(best)), BEGINNING)
    assert (found.now.count, found.edited and found.edited.count, found.by) == (0, 1, "changed")
    assert len(asked) == 4
    assert found.notes == ()


def test_a_rule_of_creation_counts_what_was_created_and_one_of_deletion_nothing(app, asked, rule):
    found = what_if(rule, read_rule_definition(content_of(None, trigger="create")), None, BEGINNING)
    made = [d for d in app.world.records.of("Deals") if datetime.fromisoformat(d["Created_Time"]) >= SINCE]
    assert (found.by, found.looked_at, found.now.count, found.edited) == ("created", len(made), len(made), None)
    with pytest.raises(NotAnsweredError, match="deleted records"):
        what_if(rule, read_rule_definition(content_of(None, trigger="delete")), None, BEGINNING)


def test_a_trigger_narrows_and_conditions_widen(app, asked, rule):
    details = {"criteria": one("Stage", "equal", "Closed Lost")}
    raw = content_of(one("Amount", "less_than", "100000"), one("Amount", "greater_than", "500000"),
                     trigger="field_update", details=details)  # fmt: skip
    found = what_if(rule, read_rule_definition(raw), None, BEGINNING)
    lost = [deal for deal in recent(app) if deal["Stage"] == "Closed Lost"]
    assert found.now.count == sum(not 100_000 <= deal["Amount"] <= 500_000 for deal in lost)
    any_value = {"criteria": one("Stage", "equal", "${ANYVALUE}")}
    assert criteria_of(read_rule_definition(content_of(None, details=any_value))).whole is None


def test_what_coql_cannot_say_is_named_and_nothing_is_counted_for_it(asked, rule):
    found = what_if(rule, read_rule_definition(content_of(one("Stage", "equal", "it's"))), None, BEGINNING)
    assert found.now.count is None
    assert "a sign that cannot stand in a query" in found.now.cannot[0]
    related = content_of(None)
    related["conditions"][0]["criteria_details"] = {"relational_criteria": {"module": {"api_name": "Contacts"}}}
    assert what_if(rule, read_rule_definition(related), None, BEGINNING).now.cannot == (
        "a condition asks for related records",
    )


def test_the_time_of_the_records_counts_among_the_comparisons_of_a_query(asked, rule):
    most = {"group_operator": "AND", "group": [one("Amount", "greater_than", str(place)) for place in range(25)]}
    found = what_if(rule, read_rule_definition(content_of(most)), None, BEGINNING)
    assert "26 comparisons" in found.now.cannot[0]
    fewer = {**most, "group": most["group"][1:]}
    assert what_if(rule, read_rule_definition(content_of(fewer)), None, BEGINNING).now.count is not None


def test_why_not_says_which_part_fails(app, asked, rule):
    deal = next(deal for deal in app.world.records.of("Deals") if deal["Stage"] != "Closed Won")
    criteria = {
        "group_operator": "AND",
        "group": [
            one("Stage", "equal", "Closed Won"),
            one("Amount", "greater_than", "0"),
            one("Owner", "equal", "${ME}"),
        ],
    }
    found = why_not(rule, read_rule_definition(content_of(criteria)), deal["id"], BEGINNING)
    assert found.passes is False
    parts = found.conditions[0].answer.parts
    assert [part.passes for part in parts] == [False, True, None]
    assert "worked out by Zoho" in parts[2].why
    assert parts[0].value == deal["Stage"]
    assert asked == ["/crm/v8/settings/fields", f"/crm/v8/Deals/{deal['id']}"]


def test_a_record_that_is_not_there_and_a_module_that_is_none_are_plain_sentences(asked, rule):
    with pytest.raises(NotAnsweredError, match="Zoho has no record with this id"):
        why_not(rule, read_rule_definition(content_of(None)), "1", BEGINNING)
    with pytest.raises(NotAnsweredError, match="Zoho refuses the question"):
        what_if(rule, read_rule_definition(content_of(None, module="Spaceships")), None, BEGINNING)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.ScopeMissing("no"), "lacks a scope. Nothing was changed."),
        (errors.Wait("slow down", retry_after=100), "Try again in 2 minutes."),
        (errors.AnswerLost("gone"), "Nothing was changed; ask again"),
        (errors.NotSent("gone"), "Nothing was changed; ask again"),
        (errors.GrantRevoked("no"), "refuses the account's sign-in"),
        (errors.NotAvailable("not in this edition"), "does not let this account ask that: not in this edition"),
        (errors.NotFound("none"), "no record with this id"),
        (errors.Refused("INVALID_QUERY: ann@example.com"), "Zoho refuses the question"),
        (errors.BadAnswer("<html>"), "not an answer of Zoho's"),
    ],
)
def test_each_refusal_is_a_plain_sentence_without_anything_private(error, said):
    sentence = sentence_of(error)
    assert said in sentence
    assert "ann@example.com" not in sentence


def test_without_the_scope_for_fields_kinds_are_told_by_values(app, asked, rule, monkeypatch):
    def refused(*args, **kwargs):
        raise errors.ScopeMissing("no")

    monkeypatch.setattr("monitor.zoho.crm.CrmClient.list_fields", refused)
    definition = read_rule_definition(content_of(one("Amount", "greater_than", "300000")))
    found = what_if(rule, definition, None, BEGINNING)
    assert found.now.count == sum(deal["Amount"] > 300_000 for deal in recent(app))
    assert found.notes == (ask.KINDS_UNKNOWN,)


def test_an_account_without_crm_says_so(rule, monkeypatch):
    from contextlib import contextmanager
    from types import SimpleNamespace

    @contextmanager
    def opened(account, **how):
        yield SimpleNamespace(crm=None)

    monkeypatch.setattr(ask, "open_account", opened)
    with pytest.raises(NotAnsweredError, match="no Zoho CRM any more"):
        why_not(rule, read_rule_definition(content_of(None)), "1", BEGINNING)


def test_the_newest_definition_is_asked_about(rule):
    assert ask.definition_of(rule) is None
    factories.make_version(rule, number=1, content=content_of(one("Stage", "equal", "old")))
    factories.make_version(rule, number=2, content=content_of(one("Stage", "equal", "new")))
    definition = ask.definition_of(rule)
    assert definition is not None
    assert [part.value for part in comparisons_of(definition)] == ["new"]
    assert RuleVersion.objects.filter(rule=rule).count() == 2


def test_one_comparison_is_changed_and_the_others_stay():
    raw = content_of(
        {"group_operator": "AND", "group": [one("A", "equal", "1"), one("B", "equal", "2")]}, one("C", "equal", "3")
    )
    changed = with_comparison(read_rule_definition(raw), 2, "in", "4, 5")
    assert [(part.field, part.comparator, part.value) for part in comparisons_of(changed)] == [
        ("A", "equal", "1"), ("B", "equal", "2"), ("C", "in", ["4", "5"]),
    ]  # fmt: skip
    with pytest.raises(IndexError):
        with_comparison(changed, 3, "equal", "x")


def test_why_not_asks_for_the_fields_of_the_trigger_and_of_every_condition(app, asked, rule):
    deal = app.world.records.of("Deals")[0]
    raw = content_of(one("Amount", "greater_than", "1"), None, one("Deal_Name", "equal", "x"), trigger="field_update",
                     details={"criteria": one("Stage", "not_equal", "zzz")})  # fmt: skip
    definition = read_rule_definition(raw)
    assert fields_needed(definition) == ["Amount", "Deal_Name", "Stage"]
    found = why_not(rule, definition, deal["id"], BEGINNING)
    assert found.trigger is not None
    assert found.trigger.passes is True
    assert [(part.number, part.passes, part.answer.why) for part in found.conditions] == [
        (1, deal["Amount"] > 1, ""), (2, True, ""), (3, False, ""),
    ]  # fmt: skip


def test_conditions_are_judged_in_zohos_order(app, asked, rule):
    raw = content_of(None, one("Amount", "less_than", "-1"))
    for condition, place in zip(raw["conditions"], (2, 1), strict=True):
        condition["sequence_number"] = place
    found = why_not(rule, read_rule_definition(raw), app.world.records.of("Deals")[0]["id"], BEGINNING)
    assert [(part.number, part.passes) for part in found.conditions] == [(1, False), (2, True)]


def test_beside_a_condition_that_takes_every_record_the_edited_condition_is_counted_by_itself(app, asked, rule):
    raw = content_of(one("Amount", "greater_than", "300000"), None, one("Amount", "less_than", "1000"))
    definition = read_rule_definition(raw)
    deals = recent(app)
    as_it_is = what_if(rule, definition, None, BEGINNING)
    assert (as_it_is.now.count, as_it_is.notes, as_it_is.is_of_one_condition) == (len(deals), (TAKES_ALL,), False)
    for place, edited in enumerate((with_comparison(definition, 0, "greater_than", "500000"),
                                    with_comparison(definition, 1, "less_than", "200000"))):  # fmt: skip
        found = what_if(rule, definition, edited, BEGINNING, place)
        assert found.edited is not None
        assert (found.notes, found.is_of_one_condition) == ((ONE_CONDITION,), True)
        before, after = (
            (lambda amount: amount > 300_000, lambda amount: amount > 500_000),
            (lambda amount: amount < 1_000, lambda amount: amount < 200_000),
        )[place]
        assert found.now.count == sum(before(deal["Amount"]) for deal in deals)
        assert found.edited.count == sum(after(deal["Amount"]) for deal in deals)
        assert found.now.count != found.edited.count


def test_of_a_rule_that_a_related_record_starts_the_record_it_belongs_to_is_asked_for(app, asked, rule):
    details = {"trigger_module": {"api_name": "Notes"}, "criteria": one("Note_Title", "equal", "x")}
    raw = content_of(one("Amount", "greater_than", "300000"), trigger="delete", details=details)
    definition = read_rule_definition(raw)
    found = what_if(rule, definition, None, BEGINNING)
    assert found.now.count == sum(deal["Amount"] > 300_000 for deal in recent(app))
    assert "A record of Notes starts the rule" in found.notes[0]
    deal = app.world.records.of("Deals")[0]
    answer = why_not(rule, definition, deal["id"], BEGINNING)
    assert (answer.trigger, answer.passes, answer.notes) == (None, deal["Amount"] > 300_000, found.notes)


def test_a_sign_in_that_cannot_be_read_is_said_in_a_sentence(rule, monkeypatch):
    @contextmanager
    def opened(*args, **how):
        raise VaultError("no key")
        yield

    monkeypatch.setattr(ask, "open_account", opened)
    definition = read_rule_definition(content_of(one("Amount", "greater_than", "1")))
    for call in (lambda: what_if(rule, definition, None, BEGINNING), lambda: why_not(rule, definition, "1", BEGINNING)):
        with pytest.raises(NotAnsweredError, match="sign-in cannot be read"):
            call()


@pytest.mark.parametrize("module", ["", "De als", "../Deals", "x" * 200])
def test_where_the_module_is_not_known_nothing_is_asked(asked, rule, module):
    rule.module = module
    definition = read_rule_definition(content_of(one("Amount", "greater_than", "1"), module=module))
    for call in (lambda: what_if(rule, definition, None, BEGINNING), lambda: why_not(rule, definition, "1", BEGINNING)):
        with pytest.raises(NotAnsweredError, match="of which module"):
            call()
    assert asked == []
