"""What differs between two accounts, times and folders, for people and for CI."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from monitor.models import ZohoAccount
from tests.commands.commandline import run
from tests.factories import NOON, make_account, make_flow, make_rule, make_version

DAY = timedelta(days=1)


def rule_of(account: ZohoAccount, name: str, value: Any = 1, zoho_id: str = "", **fields: Any) -> Any:
    rule = make_rule(account, name=name, **({"rule_id": zoho_id} if zoho_id else {}), **fields)
    make_version(rule, content={"id": rule.rule_id, "name": name, "criteria": {"value": value}})
    return rule


@pytest.fixture
def sandbox(nobody_else: None) -> ZohoAccount:
    account = make_account("Sandbox")
    rule_of(account, "Same")
    rule_of(account, "Edited", 30000)
    rule_of(account, "Dropped")
    return account


@pytest.fixture
def production(sandbox: ZohoAccount) -> ZohoAccount:
    account = make_account("Production")
    rule_of(account, "Same")
    rule_of(account, "Edited", 50000)
    rule_of(account, "Added")
    return account


def test_two_accounts_are_paired_by_name_and_told_field_by_field(production: ZohoAccount) -> None:
    ended = run("diff", "Sandbox", "Production")
    assert (ended.code, ended.error) == (1, "")
    lines = [line.partition(" (")[0] for line in ended.out.splitlines()]
    assert lines == [
        "+ workflow rule 'Added'",
        "- workflow rule 'Dropped'",
        "~ workflow rule 'Edited'",
        "    criteria.value: 30000 → 50000",
        "1 added, 1 removed, 1 changed, 1 the same",
    ]


def test_json_says_the_same_for_programs(sandbox: ZohoAccount, production: ZohoAccount) -> None:
    ended = run("diff", str(sandbox.pk), str(production.pk), "--json")
    report = json.loads(ended.out)
    assert ended.code == 1
    assert (report["by"], report["same"], report["unread"]) == ("name", 1, 0)
    assert [one["name"] for one in (*report["added"], *report["removed"])] == ["Added", "Dropped"]
    (changed,) = report["changed"]
    assert changed["changes"] == [{"path": "criteria.value", "kind": "changed", "before": "30000", "after": "50000"}]
    assert changed["id_a"] != changed["id_b"]


def test_what_is_the_same_ends_with_0(production: ZohoAccount) -> None:
    ended = run("diff", "Production", "Production")
    assert (ended.code, ended.error) == (0, "")
    assert ended.out == "0 added, 0 removed, 0 changed, 3 the same\n"


def test_an_account_is_held_against_itself_at_a_time_by_id(sandbox: ZohoAccount) -> None:
    rule = sandbox.rules.get(name="Edited")
    make_version(
        rule,
        number=2,
        content={"id": rule.rule_id, "name": "Renamed"},
        first_seen_at=NOON + DAY,
        seen_before=NOON,
        modified_time=NOON + DAY / 2,
    )
    at = (NOON + DAY / 4).isoformat()
    ended = run("diff", f"Sandbox@{at}", "Sandbox")
    assert ended.code == 1
    assert "~ workflow rule 'Edited'" in ended.out
    assert "name: Edited → Renamed" in ended.out
    # Zoho said when it was changed, which is before it was seen here.
    at = (NOON + DAY * 3 / 4).isoformat()
    assert run("diff", f"Sandbox@{at}", "Sandbox").code == 0


def test_a_folder_is_held_against_its_account_and_another_one(
    sandbox: ZohoAccount, production: ZohoAccount, tmp_path: Path
) -> None:
    for form in ("json", "yaml"):
        root = tmp_path / form
        run("export", "definitions", str(root), f"--format={form}", "--account=Sandbox")
        assert run("diff", str(root), "Sandbox").code == 0
        assert run("diff", str(root / f"sandbox-{sandbox.pk}"), "Sandbox").code == 0
        ended = run("diff", str(root), "Production")
        assert (ended.code, "1 added, 1 removed, 1 changed, 1 the same" in ended.out) == (1, True)
    assert run("diff", str(tmp_path / "json"), str(tmp_path / "yaml")).code == 0


def test_an_id_that_adds_up_like_a_card_makes_no_difference_between_a_folder_and_an_account(
    nobody_else: None, tmp_path: Path
) -> None:
    here, there = make_account("Sandbox"), make_account("Production")
    rule_of(here, "Same", zoho_id="3361265000000000003")
    rule_of(there, "Same", zoho_id="3361265000000000004")
    run("export", "definitions", str(tmp_path), "--account=Sandbox")
    assert run("diff", str(tmp_path), "Production").out == "0 added, 0 removed, 0 changed, 1 the same\n"
    assert "3361265000000000003" in next(tmp_path.glob("*/rules/*.json")).read_text()


def test_no_secret_and_no_person_is_printed(sandbox: ZohoAccount, production: ZohoAccount) -> None:
    for account, mail in ((sandbox, "jo@example.com"), (production, "pat@example.com")):
        content = {"to": mail, "url": "https://x.example/?zapikey=[secret:0123456789abcdef]"}
        make_version(make_flow(account, flow_name=f"Mail {account.pk} jo@example.com"), content=content)
        make_version(make_flow(account, flow_name="Mails"), content=content)
    for options in ([], ["--json"]):
        ended = run("diff", "Sandbox", "Production", *options)
        for hidden in ("jo@", "pat@", "[secret:"):
            assert hidden not in ended.out


def test_what_a_terminal_would_act_on_is_not_printed(sandbox: ZohoAccount, production: ZohoAccount) -> None:
    rule_of(production, "Bell\x07 and \x9b31mred", zoho_id="777")
    out = run("diff", "Sandbox", "Production").out
    assert "\x07" not in out
    assert "\x9b" not in out


def test_what_was_never_read_makes_the_same_unsure_and_ends_with_2(production: ZohoAccount) -> None:
    make_rule(production, name="Unread")
    ended = run("diff", "Production", "Production")
    assert ended.code == 2
    assert "not known" in ended.error


@pytest.mark.parametrize(
    ("a", "said"),
    [
        ("Nobody", "no account, no account at a time and no folder"),
        ("Nobody@2026-11-01", "no account, no account at a time and no folder"),
        ("Production@soon", "neither a day"),
        ("Production@2999-01-01", "has not come yet"),
        ("Production@2001-01-01", "no definition of Production is known"),
        ("./nowhere", "is no folder"),
        ("99999999999999999999", "no account"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_ends_with_2(production: ZohoAccount, a: str, said: str) -> None:
    ended = run("diff", a, "Production")
    assert ended.code == 2
    assert said in ended.error


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "flow", "id": "1", "name": "x", "account": "y"}', "\xff"])
def test_a_damaged_file_is_never_taken_for_something_removed(
    production: ZohoAccount, tmp_path: Path, text: str
) -> None:
    run("export", "definitions", str(tmp_path), "--account=Production")
    file = next(tmp_path.rglob("rules/*.json"))
    file.write_bytes(text.encode("latin-1"))
    ended = run("diff", str(tmp_path), "Production")
    assert ended.code == 2
    assert f"{file.name} is no exported definition" in ended.error


@pytest.mark.parametrize(
    ("value", "code"),
    [("2026-12-01", 1), ("2026-12-01 10:00:00", 1), ("!!set {a, b}", 2), ("!!binary aGk=", 2), ("&a [*a]", 2)],
)
def test_a_file_that_was_written_by_hand_is_compared_or_refused_in_one_line(
    production: ZohoAccount, tmp_path: Path, value: str, code: int
) -> None:
    run("export", "definitions", str(tmp_path), "--account=Production", "--format=yaml")
    file = next(tmp_path.rglob("rules/*edited.yaml"))
    file.write_text(file.read_text().replace("value: 50000", f"value: {value}"))
    ended = run("diff", str(tmp_path), "Production")
    assert ended.code == code
    told = f"criteria.value: {value} → 50000" if code == 1 else f"{file.name} is no exported definition"
    assert told in (ended.out if code == 1 else ended.error)


def test_a_database_that_is_in_the_way_ends_with_2(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OperationalError("gone away")

    monkeypatch.setattr("monitor.management.commands.diff.ZohoAccount.objects.filter", fails)
    ended = run("diff", "A", "B")
    assert (ended.code, "gone away" in ended.error) == (2, True)
