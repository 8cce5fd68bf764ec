"""The pages of a workflow rule open whatever words Zoho's definition holds."""

from __future__ import annotations

import copy

import pytest
from django.urls import reverse

from monitor.models import RuleVersion
from tests import factories
from tests.zoho.rule_documents import LOST_DEAL

pytestmark = pytest.mark.django_db

ONE = {"field": {"api_name": "Amount"}, "comparator": "equal", "value": "5"}
ODD = [
    {**ONE, "comparator": "age_in_days"},
    {**ONE, "comparator": "is_empty", "value": None},
    {**ONE, "comparator": None},
    {"field": {"api_name": "Amount"}, "value": "5"},
    {"group_operator": "or", "group": [ONE, {**ONE, "value": "Zoho's word 'x'"}]},
    {"group": [ONE, {**ONE, "comparator": "Zoho's word", "field": {"api_name": 'a "b" and (c'}}]},
]


@pytest.mark.parametrize("criteria", ODD)
def test_a_rule_with_words_of_its_own_has_its_page_and_can_be_switched_off(criteria, account, signed_in, ada):
    content = copy.deepcopy(LOST_DEAL) | {"id": "1"}
    content["conditions"][0]["criteria_details"] = {"criteria": criteria}
    rule = factories.make_rule(account, module="Deals", execute_when="field_update")
    RuleVersion.objects.create(rule=rule, number=1, sha256="1", content=content, first_seen_at=rule.first_seen_at)
    client = signed_in(ada)
    page = client.get(rule.get_absolute_url())
    assert page.status_code == 200
    assert "becomes Closed Lost" in page.content.decode()
    for name in ("rule_what_if", "rule_why_not"):
        assert client.get(reverse(name, args=[rule.pk])).status_code == 200
    assert client.get(f"{rule.get_absolute_url()}edit/deactivate/").status_code == 200
