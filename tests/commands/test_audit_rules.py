"""`manage.py audit-rules`."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitor import accepted_findings
from monitor.models import StreamState
from monitor.queries.rule_audit import audit_of
from tests import factories

pytestmark = pytest.mark.django_db


def run(account, *arguments):
    out, code = StringIO(), 0
    try:
        call_command("audit_rules", "--account", account.name, *arguments, stdout=out)
    except SystemExit as stop:
        code = stop.code
    return code, out.getvalue()


@pytest.fixture
def read(account):
    StreamState.objects.create(account=account, stream="rules", state="ok", last_read_at=timezone.now())
    return account


@pytest.fixture
def never(read):
    old = timezone.now() - timedelta(days=60)
    return factories.make_rule(read, name="Big deals", created_time=old, first_seen_at=old)


def test_it_ends_with_0_where_nothing_is_found(read):
    code, text = run(read)
    assert (code, text) == (0, "No findings in 0 rules.\n")


def test_it_ends_with_1_and_says_what_is_found_and_what_was_not_checked(never, read):
    code, text = run(read)
    assert code == 1
    assert "Never fired: Big deals [" in text
    assert "Not checked: what triggers of Leads support" in text
    assert text.endswith("1 finding in 1 rules.\n")


def test_json_holds_the_same(never, read):
    code, text = run(read, "--json")
    said = json.loads(text)
    assert (code, said["rules"], said["findings"][0]["kind"]) == (1, 1, "never_fired")
    assert said["findings"][0]["about"][0]["id"] == never.rule_id
    assert said["not_checked"]


def test_what_was_accepted_is_left_out_unless_asked_for(never, read):
    now = timezone.now()
    finding = audit_of(now, [read.pk]).rows[0].finding
    accepted_findings.accept(finding, "fine", by=factories.make_user("olga"), now=now)
    assert run(read, "--json")[0] == 0
    assert json.loads(run(read, "--json", "--all")[1])["findings"][0]["accepted"]["because"] == "fine"


@pytest.mark.parametrize("arguments", [["--account", "Nobody"], ["--days", "0"]])
def test_it_ends_with_2_where_it_cannot_say(arguments, read):
    with pytest.raises(CommandError) as stop:
        call_command("audit_rules", *arguments)
    assert stop.value.returncode == 2


def test_rules_that_were_never_read_are_no_pass(account):
    with pytest.raises(CommandError, match="no workflow rules were read yet") as stop:
        call_command("audit_rules", "--account", account.name)
    assert stop.value.returncode == 2
