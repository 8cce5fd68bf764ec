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


def was_read(account, at):
    for stream in ("rules", "connected", "webhook_failures"):
        StreamState.objects.create(account=account, stream=stream, state="ok", last_read_at=at)
    return account


@pytest.fixture
def read(account):
    return was_read(account, timezone.now())


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


def test_reasons_are_masked_as_on_pages(never, read):
    now = timezone.now()
    finding = audit_of(now, [read.pk]).rows[0].finding
    reason = "bob@acme.com (+49 170 1234567) wants it"
    accepted_findings.accept(finding, reason, by=factories.make_user("olga"), now=now)
    for arguments in (["--all"], ["--all", "--json"]):
        text = run(read, *arguments)[1]
        assert "[e-mail]" in text
        assert "wants it" in text
        assert "bob@" not in text
        assert "1234567" not in text


@pytest.mark.parametrize("arguments", [["--account", "Nobody"], ["--days", "0"]])
def test_it_ends_with_2_where_it_cannot_say(arguments, read):
    with pytest.raises(CommandError) as stop:
        call_command("audit_rules", *arguments)
    assert stop.value.returncode == 2


def test_rules_that_were_never_read_are_no_pass(account):
    with pytest.raises(CommandError, match="no workflow rules were read yet") as stop:
        call_command("audit_rules", "--account", account.name)
    assert stop.value.returncode == 2


def all_accounts(*arguments):
    out = StringIO()
    with pytest.raises(CommandError) as stop:
        call_command("audit_rules", *arguments, stdout=out)
    return stop.value.returncode, str(stop.value), out.getvalue()


@pytest.mark.parametrize("days", [None, 40])
def test_an_account_that_was_never_read_or_long_ago_is_no_pass(days, read):
    other = factories.make_account(name="Quiet Ltd")
    if days is not None:
        was_read(other, timezone.now() - timedelta(days=days))
    code, said, text = all_accounts()
    assert code == 2
    assert "that is no pass for" in said
    assert "Quiet Ltd" in said
    assert read.name not in said
    assert "Not checked: workflow rules" in text
    gaps = json.loads(all_accounts("--json")[2])["not_checked"]
    assert any(gap["account"] == "Quiet Ltd" and gap["what"].startswith("workflow rules") for gap in gaps)


def test_what_is_found_counts_more_than_what_was_not_read(never, read):
    factories.make_account(name="Quiet Ltd")
    with pytest.raises(SystemExit) as stop:
        call_command("audit_rules", stdout=StringIO())
    assert stop.value.code == 1


def test_an_account_without_crm_has_no_rules_to_read(db):
    of_flows = factories.make_account(name="Flows Ltd", crm_url="")
    of_crm = factories.make_account(name="Quiet Ltd")
    assert audit_of(timezone.now(), [of_flows.pk, of_crm.pk]).unread == ["Quiet Ltd"]


def test_how_long_a_rule_is_quiet_goes_by_the_day_it_was_read(account):
    was_read(account, timezone.now() - timedelta(days=40))
    changed = timezone.now() - timedelta(days=43)
    factories.make_rule(account, created_time=changed, first_seen_at=changed, last_executed_time=changed)
    with pytest.raises(CommandError) as stop:
        run(account)
    assert stop.value.returncode == 2
