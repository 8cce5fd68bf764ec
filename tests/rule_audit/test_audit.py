"""The audit finds what is wrong with rules, and nothing else."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor import languages
from monitor.rule_audit.audit import KINDS, audit
from monitor.rule_audit.facts import AuditedAction, FieldWrite, ListRead
from tests.rule_audit.world import (
    DAY,
    NOW,
    WRITES,
    account,
    action,
    both,
    configuration,
    definition,
    draft,
    equal,
    facts,
    limits,
    rule,
    trouble,
)

AMOUNT = equal("Amount", "50000", "greater_than")
WIDER = equal("Amount", "30000", "greater_equal")


def found(*rules, quiet_days=30, **fields):
    report = audit(facts(*rules, **fields), NOW, quiet_days)
    return {(one.kind, *(subject.id for subject in one.subjects)) for one in report.findings}


def only(*rules, **fields):
    (finding,) = audit(facts(*rules, **fields), NOW).findings
    return finding


def planted():
    """Returns rules with defects and what is to be found of them, one after the other."""
    writing = [(AMOUNT, [action("field_updates", 501)])]
    yield rule(70, uses=[AuditedAction("801", "Tell the ERP", "webhooks", 0, 9)]), {("failing_actions", "900070")}
    yield rule(71, last_run=None), {("never_fired", "900071")}
    yield rule(72, last_run=NOW - 45 * DAY), {("not_fired", "900072")}
    yield rule(73, active=False), {("inactive", "900073")}
    yield rule(74, uses=[AuditedAction("1", "Mail", "email_notifications", 10, 4)]), {("failing_actions", "900074")}
    bad = [(equal("Source", "x"), [action("assign_owner", 1)])]
    yield rule(75, "delete", conditions=bad), {("unsupported_action", "900075")}
    yield rule(76, "reassign"), {("unsupported_action", "900076")}
    yield (
        rule(77, "delete", parts={"scheduled_actions": [{"actions": [action("tasks", 5)]}]}),
        {("unsupported_action", "900077")},
    )
    many = [(equal("Source", f"many {place}"), [action("tasks", 900 + place)]) for place in range(9)]
    yield rule(78, conditions=many), {("near_limit", "900078")}
    yield rule(79, conditions=writing), set()
    yield rule(80, conditions=[(WIDER, [action("field_updates", 503)])]), {("overlap", "900079", "900080")}
    twice = [(equal("Source", "twice"), [action("tasks", 7), action("add_tags", 8, tags=[{"name": "A"}])])]
    yield rule(81, conditions=twice), set()
    yield rule(82, conditions=twice), {("duplicate", "900081", "900082")}
    rank = {"criteria": equal("Rank", "1")}
    grade = {"criteria": equal("Grade", "A")}
    yield rule(83, "field_update", "Leads", [(None, [action("field_updates", 502)])], rank), set()
    yield (
        rule(84, "field_update", "Leads", [(None, [action("field_updates", 504)])], grade),
        {("cycle", "900083", "900084")},
    )
    phase, level = ({"criteria": equal(field, "1")} for field in ("Phase", "Level"))
    yield rule(85, "section_update", "Leads", [(None, [action("field_updates", 506)])], phase), set()
    yield (
        rule(86, "field_update", "Leads", [(None, [action("field_updates", 505)])], level),
        {("cycle", "900085", "900086")},
    )
    # An edit of a note writes the deal, and no note: these two start each other in no way.
    of_notes = {"trigger_module": {"api_name": "Notes"}}
    yield rule(87, "edit", conditions=[(None, [action("field_updates", 505)])], details=of_notes), set()
    yield rule(88, "edit", conditions=[(None, [action("field_updates", 506)])], details=of_notes), set()
    # A module below the rule's own of which Zoho's list says nothing is no trigger that is gone.
    yield rule(89, details={"trigger_module": {"api_name": "Attachments"}}), set()
    three = [{"execute_after": {"period": "days", "unit": unit}, "actions": [action("tasks", 5)]} for unit in (1, 2, 3)]
    later = [(equal("Source", f"later {place}"), [action("tasks", 950 + place)]) for place in range(2)]
    yield rule(90, conditions=later, parts={"scheduled_actions": three}), {("near_limit", "900090")}

    # By the first condition that a record passes: what is above is done something else with, so that nothing overlaps.
    above = equal("Margin", "100", "greater_than")
    first = [(above, [action("tasks", 961)]), (None, [action("field_updates", 505)])]
    yield rule(91, conditions=first), set()
    yield rule(92, conditions=[(above, [action("field_updates", 505)])]), set()
    off = {"criteria": equal("Tier", "1"), "repeat": False, "match_all": False}
    same = [(equal("Source", "off"), [action("tasks", 962)])]
    yield rule(93, "field_update", conditions=same, details=off), set()
    on = {"criteria": equal("Tier", "1"), "repeat": None}
    yield rule(94, "field_update", conditions=same, details=on), {("duplicate", "900093", "900094")}


def test_in_a_world_of_a_hundred_rules_all_planted_defects_are_found_and_nothing_else():
    bad = list(planted())
    good = [
        rule(key, module=("Deals", "Leads")[key % 2], trigger=("create", "edit")[key % 3 == 0])
        for key in range(201, 301 - len(bad))
    ]
    assert len(good) + len(bad) == 100
    more = {"failures": [trouble()], "drafts": [draft(), draft(2, days=5)]}
    wanted = set().union(*(what for _, what in bad))
    wanted |= {("dead_webhook", "erp.example.com", "900070"), ("old_draft", "661")}
    assert found(*good, *(one for one, _ in bad), **more) == wanted


def test_what_is_found_and_what_an_acceptance_goes_by_do_not_go_by_the_language():
    every = [one for one, _ in planted()]
    more = {"failures": [trouble()], "drafts": [draft()], "limits": limits(total_rules_configured=990), "connected": 18}
    in_english = audit(facts(*every, **more), NOW)
    with languages.speaking("de"):
        in_german = audit(facts(*every, **more), NOW)
        states = [(one.key, one.state) for one in in_german.findings]
    assert states == [(one.key, one.state) for one in in_english.findings]
    assert {one.kind for one in in_english.findings} == {*KINDS}
    for ours, theirs in zip(in_english.findings, in_german.findings, strict=True):
        assert ours.evidence != theirs.evidence
        assert ours.step != theirs.step
    assert len(in_english.not_checked) == len(in_german.not_checked)


def test_every_kind_of_finding_is_planted():
    kinds = {what[0] for _, some in planted() for what in some}
    assert kinds | {"dead_webhook", "old_draft"} == set(KINDS)


@pytest.mark.parametrize(
    "one",
    [
        rule(1, last_run=None, changed_at=NOW - 3 * DAY),
        rule(1, last_run=None, active=False, changed_at=NOW - 3 * DAY),
        rule(1, last_run=NOW - 45 * DAY, changed_at=NOW - 5 * DAY),
        rule(1, active=None, last_run=None),
        rule(1, uses=[AuditedAction("1", "", "tasks", 1000, 3)]),
        rule(1, uses=[AuditedAction("1", "", "tasks", 5, 2)]),
        rule(1, active=False, changed_at=NOW - 10 * DAY, uses=[AuditedAction("1", "", "tasks", 0, 2)]),
    ],
)  # fmt: skip
def test_a_rule_that_was_changed_lately_or_fails_now_and_then_is_no_finding(one):
    assert found(one) == set()


def test_how_long_a_rule_may_be_quiet_is_said_by_whoever_asks():
    one = rule(1, last_run=NOW - 45 * DAY)
    assert found(one, quiet_days=60) == set()
    assert found(one, quiet_days=45) == {("not_fired", "900001")}


def test_limits_of_the_organisation_and_of_modules_are_looked_at():
    full = {"limits": limits(total_rules_configured=2250), "modules": {"Deals": (113, 10), "Leads": (112, 68)}}
    assert found(rule(1), **full) == {("near_limit", ""), ("near_limit", "Deals"), ("near_limit", "Leads")}
    assert found(rule(1), connected=18) == {("near_limit", "")}
    finding = audit(facts(rule(1), **full), NOW).findings[1]
    assert (finding.evidence, finding.act[1]) == ("113 of 125 rules of Deals.", "/rules/?account=1&module=Deals")


def test_limits_of_actions_are_those_of_the_module():
    nine = [(equal("Source", "x"), [action("tasks", place) for place in range(9)])]
    two = [(equal("Source", "x"), [action("webhooks", 1), action("webhooks", 2)])]
    assert found(rule(1, conditions=nine)) == {("near_limit", "900001")}
    assert found(rule(1, conditions=two)) == {("near_limit", "900001")}
    assert found(rule(1, conditions=[(None, [action("webhooks", 1)])])) == set()


def test_what_was_never_read_is_said_and_is_no_pass():
    bare = {"limits": None, "modules": None, "configurations": {}, "writes": None, "hosts": None}
    one = rule(1, conditions=[(AMOUNT, [action("field_updates", 501)])], counted_from=None, uses=())
    report = audit(facts(one, rule(2, definition=None), failures=[trouble()], **bare), NOW)
    assert {gap.what for gap in report.not_checked} == {
        "criteria and actions of 1 rule", "failing actions of 1 active rule", "what triggers of Deals support",
        "limits of the organisation", "how many rules each module has", "hosts of webhooks",
        "overlaps and cycles by 1 field update",
    }  # fmt: skip
    refused = {"limits": "Zoho says no", "configurations": "not in this edition"}
    report = audit(facts(one, unread=refused, **bare), NOW)
    assert {"Zoho says no", "not in this edition"} <= {gap.why for gap in report.not_checked}


@pytest.mark.parametrize(
    ("read", "what", "why"),
    [
        (ListRead(), "workflow rules", "they were not read yet"),
        (ListRead(why="no permission"), "workflow rules", "no permission"),
        (ListRead(NOW - 40 * DAY, is_old=True), "workflow rules as they are now",
         "they were last read on 2026-10-21 12:00 UTC"),
        (ListRead(NOW - 40 * DAY, is_old=True, why="no permission"), "workflow rules as they are now",
         "they were last read on 2026-10-21 12:00 UTC: no permission"),
    ],
)  # fmt: skip
def test_rules_that_were_never_read_or_long_ago_are_no_pass(read, what, why):
    (gap,) = audit(facts(rules_read=read), NOW).not_checked
    assert (gap.what, gap.why, gap.is_all) == (what, why, True)
    assert audit(facts(rules_read=read, has_crm=False), NOW).not_checked == []


def test_other_lists_that_were_never_read_are_said_too():
    report = audit(facts(workflows_read=ListRead(), failures_read=ListRead(NOW - DAY, is_old=True)), NOW)
    assert [(gap.what, gap.is_all) for gap in report.not_checked] == [
        ("drafts among connected workflows", False), ("webhooks that nobody answers as they are now", False),
    ]  # fmt: skip


# What is found of a rule that ran, changed and was read so many days ago.
@pytest.mark.parametrize(
    "one",
    [
        rule(1, last_run=NOW - 41 * DAY),
        rule(1, last_run=None, changed_at=NOW - 43 * DAY),
        rule(1, active=False, changed_at=NOW - 60 * DAY),
    ],
)
def test_how_long_a_rule_is_quiet_is_counted_until_it_was_last_read(one):
    read = ListRead(NOW - 40 * DAY, is_old=True)
    assert found(one) != set()
    assert found(one, rules_read=read) == set()
    assert found(one, rules_read=ListRead()) == set()
    assert found(one, rules_read=ListRead(NOW + DAY)) == found(one)


def test_days_are_named_as_of_when_the_rule_was_last_read():
    read = {"rules_read": ListRead(NOW - 40 * DAY, is_old=True), "workflows_read": ListRead(NOW - 2 * DAY)}
    assert (
        "ran last 60 days ago" in only(rule(1, last_run=NOW - 100 * DAY, changed_at=NOW - 200 * DAY), **read).evidence
    )
    assert "last changed 50 days ago" in only(rule(1, last_run=None), **read).evidence
    assert "last changed 50 days ago" in only(rule(1, active=False), **read).evidence
    assert "last changed 38 days ago" in only(rule(1), drafts=[draft()], **read).evidence


def test_a_draft_is_old_by_the_day_it_was_last_read():
    drafts = [draft(days=40)]
    assert found(drafts=drafts) == {("old_draft", "661")}
    assert found(drafts=drafts, workflows_read=ListRead(NOW - 30 * DAY, is_old=True)) == set()
    assert found(drafts=drafts, workflows_read=ListRead()) == set()


def test_with_everything_read_nothing_is_left_unchecked():
    assert audit(facts(rule(1)), NOW).not_checked == []


@pytest.mark.parametrize(
    "other",
    [
        rule(2, "edit", conditions=[(WIDER, [action("field_updates", 503)])]),
        rule(2, module="Leads", conditions=[(WIDER, [action("field_updates", 503)])]),
        rule(2, conditions=[(WIDER, [action("field_updates", 502)])]),
        rule(2, conditions=[(equal("Stage", "Won"), [action("field_updates", 503)])]),
        rule(2, active=False, changed_at=NOW, conditions=[(WIDER, [action("field_updates", 503)])]),
        rule(2, account_id=2, conditions=[(WIDER, [action("field_updates", 503)])]),
        rule(2, conditions=[(WIDER, [action("field_updates", 503)])], details={"field": {"api_name": "Date"}}),
    ],
)  # fmt: skip
def test_rules_that_do_not_meet_do_not_overlap(other):
    one = rule(1, conditions=[(AMOUNT, [action("field_updates", 501)])])
    both_accounts = replace(facts(one, other), accounts={1: account(), 2: account(account_id=2)})
    assert audit(both_accounts, NOW).findings == []


def test_an_overlap_names_the_field_and_the_narrower_rule_first():
    one = rule(1, conditions=[(WIDER, [action("assign_owner", 1, owner="a")])])
    two = rule(2, conditions=[(both(AMOUNT, equal("Stage", "Won")), [action("assign_owner", 2, owner="b")])])
    finding = only(one, two)
    assert [subject.name for subject in finding.subjects] == ["Rule 2", "Rule 1"]
    seen = "Both write Owner, on “Created” of Deals, for every record that passes the criteria of Rule 2."
    assert finding.evidence == seen


def test_triggers_on_other_values_of_a_field_do_not_overlap():
    acts = [(None, [action("field_updates", 502)])]
    one = rule(1, "field_update", conditions=acts, details={"criteria": equal("Stage", "Won")})
    two = rule(2, "field_update", conditions=acts, details={"criteria": equal("Stage", "Lost")})
    assert found(one, two) == set()
    assert found(one, replace(two, definition=one.definition)) == {("duplicate", "900001", "900002")}


def cycle_of(*starts):
    """Rules that each write a field of the next one's trigger."""
    return [
        rule(place, "field_update", conditions=[(None, [action("field_updates", 501 + place)])],
             details={"criteria": equal(field, "${ANYVALUE}")})
        for place, field in enumerate(starts)
    ]  # fmt: skip


def test_a_cycle_is_found_however_long_it_is():
    fields = [f"F{place}" for place in range(40)]
    writes = {str(501 + place): FieldWrite(f"F{(place + 1) % 40}") for place in range(40)}
    finding = only(*cycle_of(*fields), writes=writes)
    assert len(finding.subjects) == 40
    assert finding.evidence.startswith("Rule 0 → Rule 1 → Rule 2")


def test_a_rule_that_only_starts_itself_is_no_cycle():
    assert found(rule(1, "edit", conditions=[(AMOUNT, [action("field_updates", 502)])])) == set()


def test_a_value_that_does_not_start_the_next_rule_makes_no_cycle():
    acts = lambda number: [(None, [action("field_updates", number)])]  # noqa: E731 - short
    one = rule(1, "field_update", conditions=acts(501), details={"criteria": equal("Grade", "A")})
    two = rule(2, "field_update", conditions=acts(502), details={"criteria": equal("Stage", "Won")})
    three = rule(2, "field_update", conditions=acts(502), details={"criteria": equal("Stage", "Lost")})
    assert found(one, two) == {("cycle", "900001", "900002")}
    assert found(one, three) == set()


@pytest.mark.parametrize(
    ("written", "comparator", "wanted", "is_cycle"),
    [
        ("2026-11-30", "equal", "${TODAY}", True),
        ("2026-11-30", "less_than", "${TOMORROW}", True),
        ("2026-11-02T19:00:00+00:00", "equal", "2026-11-03", True),
        ("1", "equal", "1.0", True),
        ("1", "greater_than", "0", True),
        ("1", "equal", "2", False),
        ("2026-11-30", "equal", "2026-11-29", False),
    ],
)
def test_what_cannot_be_known_of_a_written_value_may_start_the_next_rule(written, comparator, wanted, is_cycle):
    writes = {"501": FieldWrite("Due", written), "502": FieldWrite("Grade", "A")}
    one = rule(1, "edit", conditions=[(equal("Grade", "A"), [action("field_updates", 501)])])
    two = rule(2, "edit", conditions=[(equal("Due", wanted, comparator), [action("field_updates", 502)])])
    assert bool(found(one, two, writes=writes)) is is_cycle


def test_edits_start_each_other_unless_their_criteria_say_no():
    one = rule(1, "edit", conditions=[(equal("Grade", "A"), [action("field_updates", 501)])])
    two = rule(2, "edit", conditions=[(equal("Stage", "Won"), [action("field_updates", 502)])])
    assert found(one, two) == {("cycle", "900001", "900002")}
    assert (
        found(
            one,
            replace(
                two, definition=definition("Deals", "edit", [(equal("Stage", "Lost"), [action("field_updates", 502)])])
            ),
        )
        == set()
    )


@pytest.mark.parametrize(
    ("some", "is_dead"),
    [
        ([trouble(failed=2)], False),
        ([trouble(reasons=("internal_server_error",))], False),
        ([trouble(reasons=("page_notfound", "timeout"))], False),
        ([trouble(webhook="999")], True),
        ([trouble(failed=2), trouble(rule_key=None, failed=2)], True),
        ([trouble(), trouble(webhook="802", reasons=("timeout",))], True),
    ],
)  # fmt: skip
def test_a_host_is_dead_if_all_its_failures_say_that_nobody_is_there(some, is_dead):
    assert bool(found(rule(70), failures=some)) is is_dead


def called(done, failed, webhook="801", key=70):
    return rule(key, uses=[AuditedAction(webhook, "Tell the ERP", "webhooks", done, failed)])


@pytest.mark.parametrize(
    ("rules", "reasons"),
    [
        ([called(9990, 3)], ["page_notfound"]),
        ([called(1, 10)], ["unknown_host"]),
        ([rule(70), called(500, 3, key=71)], ["page_notfound"]),  # by another rule
        ([called(500, 3, webhook="")], ["page_notfound"]),  # perhaps this one
        ([rule(70), called(500, 3, webhook="803", key=71)], ["unknown_host"]),  # another webhook of the host
        ([rule(70)], ["host_timed_out"]),
        ([rule(70)], ["unexpected answer of the host"]),
    ],
)
def test_a_webhook_whose_calls_came_through_is_not_dead_however_many_failed(rules, reasons):
    hosts = {"801": "erp.example.com", "803": "erp.example.com"}
    report = audit(facts(*rules, failures=[trouble(reasons=reasons)], hosts=hosts), NOW)
    assert [finding for finding in report.findings if finding.kind == "dead_webhook"] == []


@pytest.mark.parametrize(
    ("one", "reasons", "seen"),
    [
        (called(0, 9), ["page_notfound"], "the page is not there."),
        (called(0, 9), ["Connection refused"], "nobody answers there."),
        (called(0, 9), ["internal_server_error"], "none came through."),
        (rule(70), ["page_notfound"], "the page is not there; of calls that came through nothing is known."),
    ],
)
def test_why_a_webhook_is_dead_is_said_as_it_was_seen(one, reasons, seen):
    report = audit(facts(one, failures=[trouble(reasons=reasons)]), NOW)
    (finding,) = [finding for finding in report.findings if finding.kind == "dead_webhook"]
    assert finding.evidence == f"5 calls of Webhook 801 to erp.example.com failed in the last days: {seen}"


def test_a_page_that_is_gone_is_found_where_other_webhooks_of_its_host_come_through():
    hosts = {"801": "erp.example.com", "803": "erp.example.com"}
    rules = [called(0, 9), called(500, 0, webhook="803", key=71)]
    assert ("dead_webhook", "erp.example.com", "900070") in found(*rules, failures=[trouble()], hosts=hosts)


def test_what_is_accepted_stands_while_it_is_as_it_was():
    one = rule(1, uses=[AuditedAction("1", "Mail", "tasks", 10, 5)])
    more = replace(one, uses=[AuditedAction("1", "Mail", "tasks", 10, 7)])
    twice = replace(one, uses=[AuditedAction("1", "Mail", "tasks", 10, 11)])
    first, second, third = only(one), only(more), only(twice)
    assert first.key == second.key == third.key
    assert first.state == second.state != third.state
    quiet = rule(1, last_run=None)
    later = audit(facts(quiet, rules_read=ListRead(NOW + 3 * DAY)), NOW + 3 * DAY).findings[0]
    assert only(quiet).state == later.state
    assert only(quiet).evidence != later.evidence
    assert only(quiet).state != only(replace(quiet, changed_at=NOW - 8 * DAY)).state
    assert only(quiet).key != only(rule(2, last_run=None)).key


def test_an_acceptance_of_a_dead_host_ends_where_other_webhooks_fail_or_for_another_cause():
    def state(*some):
        (one,) = (one for one in audit(facts(called(0, 9), failures=some), NOW).findings if one.kind == "dead_webhook")
        return one.key, one.state

    hosts_one = state(trouble(failed=6))
    counted_no_more = audit(facts(rule(70), failures=[trouble(failed=6)]), NOW).findings[0]
    assert (hosts_one[0], hosts_one[1]) != (counted_no_more.key, counted_no_more.state)
    assert counted_no_more.key == hosts_one[0]
    assert state(trouble(failed=6)) == state(trouble(failed=7))


def test_limits_that_are_used_up_further_are_a_finding_again():
    states = [only(rule(1), modules={"Deals": (count, 0)}).state for count in (113, 114, 120)]
    assert states[0] == states[1] != states[2]


def test_a_deprecated_trigger_and_one_of_a_related_module_are_known():
    given_up = configuration()
    old = replace(given_up, triggers=[replace(one, deprecated=True) for one in given_up.triggers])
    assert "has given up" in only(rule(1), configurations={"Deals": old}).evidence
    notes = replace(given_up, related={"Notes": given_up.triggers[:1]})
    one = rule(1, details={"trigger_module": {"api_name": "Notes"}})
    assert found(one, configurations={"Deals": notes}) == set()
    assert found(one, configurations={"Deals": given_up}) == {("unsupported_action", "900001")}
    assert found(one, configurations={"Deals": replace(given_up, related={})}) == set()


def test_many_rules_do_not_take_long():
    many = [
        rule(
            key,
            ("create", "edit", "create_or_edit")[key % 3],
            f"Module {key % 10}",
            [(both(equal("Source", f"S {key}"), AMOUNT), [action("field_updates", (501, 502)[key % 2])])],
        )
        for key in range(750)
    ]
    began = time.process_time()
    audit(facts(*many), NOW)
    assert time.process_time() - began < 5


def test_a_week_is_given_to_a_new_rule():
    assert found(rule(1, last_run=None, changed_at=NOW - timedelta(days=7))) == {("never_fired", "900001")}
    assert WRITES["501"].value == "Won"
