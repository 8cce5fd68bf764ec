"""A person asks Zoho about the records of a rule, on its pages."""

from __future__ import annotations

import logging

import pytest
from django.urls import reverse

from monitor.models import AuditEntry
from tests import factories
from tests.dashboard.soup import Page, words
from tests.rule_questions.conftest import app, asked, content_of, rule  # noqa: F401 - fixtures
from tests.rule_questions.test_questions import one

pytestmark = pytest.mark.django_db
CRITERIA = {
    "group_operator": "AND",
    "group": [one("Amount", "greater_than", "600000"), one("Stage", "equal", "Closed Won")],
}


@pytest.fixture
def known(rule):  # noqa: F811
    factories.make_version(rule, number=1, content=content_of(CRITERIA, trigger="create"))
    return rule


def sent(client, name, known, **fields):
    answer = client.post(reverse(name, args=[known.pk]), fields)
    return answer, Page(answer.content.decode())


def test_a_count_is_asked_for_by_a_post_and_shown_beside_that_of_an_edited_rule(known, asked, signed_in, otto):  # noqa: F811
    client = signed_in(otto)
    assert client.get(reverse("rule_what_if", args=[known.pk])).status_code == 200
    assert asked == []
    answer, page = sent(client, "rule_what_if", known, place="0", comparator="greater_equal", value="0")
    assert answer.status_code == 200
    text = words(page.root)
    assert "Match the rule as it is 0" in text
    assert "Would match with “Amount ≥ 0”" in text
    assert "what they held before is not known" in text
    assert len(asked) == 4


def test_a_record_is_judged_part_by_part_and_shown_masked(known, app, asked, signed_in, otto, caplog):  # noqa: F811
    deal = app.world.records.of("Deals")[0]
    deal_owner = one("Owner", "not_equal", "${EMPTY}")
    factories.make_version(
        known, number=2, content=content_of({"group_operator": "AND", "group": [deal_owner, *CRITERIA["group"]]})
    )
    with caplog.at_level(logging.DEBUG):
        answer, page = sent(signed_in(otto), "rule_why_not", known, record=deal["id"])
    assert answer.status_code == 200
    cells = [words(row) for row in page.root.iter("tr")]
    assert any("Amount > 600,000" in row and str(deal["Amount"]) in row and row.endswith("no") for row in cells)
    assert "marta.ops@example.com" not in answer.content.decode()
    assert "As it is now, it does not pass" in words(page.root)
    assert deal["id"] not in answer.request["PATH_INFO"]
    assert str(deal["Amount"]) not in caplog.text
    assert deal["Stage"] not in caplog.text


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("rule_why_not", {"record": "../x"}, "Give the id of a record"),
        ("rule_why_not", {}, "This field is required"),
        ("rule_what_if", {"place": "0", "comparator": "equal"}, "Give a value to compare with."),
        ("rule_what_if", {"place": "7", "comparator": "equal", "value": "1"}, "Select a valid choice"),
        ("rule_what_if", {"place": "0", "comparator": "resembles", "value": "1"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_read_asks_nothing(name, fields, said, known, asked, signed_in, otto):  # noqa: F811
    answer, page = sent(signed_in(otto), name, known, **fields)
    assert answer.status_code == 400
    assert said in words(page.root)
    assert asked == []


@pytest.mark.parametrize("name", ["rule_what_if", "rule_why_not"])
def test_before_the_definition_is_read_nothing_can_be_asked(name, rule, asked, signed_in, otto):  # noqa: F811
    answer, page = sent(signed_in(otto), name, rule, record="1")
    assert answer.status_code == 409
    assert "have not been read yet" in words(page.root)
    assert asked == []


def test_a_refusal_of_zohos_is_a_sentence(known, asked, signed_in, otto):  # noqa: F811
    answer, page = sent(signed_in(otto), "rule_why_not", known, record="1")
    assert answer.status_code == 200
    assert "Zoho has no record with this id in the rule's module." in words(page.root)
    assert not AuditEntry.objects.filter(action="unmask").exists()


@pytest.mark.parametrize("name", ["rule_what_if", "rule_why_not"])
def test_a_viewer_may_look_and_not_ask(name, known, asked, signed_in, vera):  # noqa: F811
    client = signed_in(vera)
    assert "Operators and admins may ask" in client.get(reverse(name, args=[known.pk])).content.decode()
    assert client.post(reverse(name, args=[known.pk]), {"record": "1"}).status_code == 403
    assert asked == []
