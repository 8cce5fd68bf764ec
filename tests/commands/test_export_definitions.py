"""What flows, rules and connected workflows are made of, as files in a folder."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.definition_compare import Defined
from monitor.management.definition_files import FolderError, bring_up_to_date, file_name, read_folder, read_index
from monitor.models import AuditEntry, ZohoAccount
from tests.bystander import own
from tests.commands.commandline import run
from tests.factories import NOON, make_account, make_connected, make_flow, make_rule, make_version

DAY = timedelta(days=1)
RULE = {"name": "Greet, Jo", "module": {"api_name": "Leads"}, "status": {"active": True}, "to": "jo@example.com"}


@pytest.fixture
def filled(nobody_else: None) -> ZohoAccount:
    account = make_account("Acme & Co")
    make_version(make_flow(account, flow_id="100", flow_name="Lead sync"), content={"flow_name": "Lead sync"})
    make_version(make_rule(account, rule_id="200", name="Greet, Jo"), content=RULE)
    make_version(make_connected(account, workflow_id="300", name="Welcome"), content={"name": "Welcome"})
    return account


def files(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*")) if file.is_file()}


def export(root: Path, *options: str) -> Any:
    return run("export", "definitions", str(root), *options)


def test_each_thing_is_a_file_by_account_and_kind_named_by_id_and_name(filled: ZohoAccount, tmp_path: Path) -> None:
    ended = export(tmp_path / "new" / "folder")
    assert (ended.code, ended.err) == (0, "")
    assert "3 definitions" in ended.out
    assert "3 new" in ended.out
    folder = f"acme-co-{filled.pk}"
    assert set(files(tmp_path / "new/folder")) == {
        f"{folder}/flows/100-lead-sync.json",
        f"{folder}/rules/200-greet-jo.json",
        f"{folder}/connected-workflows/300-welcome.json",
        "definitions.json",
    }


def test_a_file_says_what_zoho_defines_sorted_and_masked(filled: ZohoAccount, tmp_path: Path) -> None:
    export(tmp_path)
    text = (tmp_path / f"acme-co-{filled.pk}/rules/200-greet-jo.json").read_text()
    record = json.loads(text)
    assert "jo@example.com" not in text
    assert list(record) == ["account", "definition", "id", "kind", "name"]
    assert (record["kind"], record["id"], record["account"]) == ("rule", "200", "Acme & Co")
    assert record["definition"]["module"] == {"api_name": "Leads"}
    assert text.index('"module"') < text.index('"status"')


def test_yaml_says_the_same_and_takes_the_place_of_json(filled: ZohoAccount, tmp_path: Path) -> None:
    export(tmp_path)
    before = {name: json.loads(text) for name, text in files(tmp_path).items() if name != "definitions.json"}
    assert export(tmp_path, "--format=yaml").code == 0
    after = {name: yaml.safe_load(text) for name, text in files(tmp_path).items() if name != "definitions.json"}
    assert after == {name.replace(".json", ".yaml"): record for name, record in before.items()}


def test_a_second_export_changes_nothing(filled: ZohoAccount, tmp_path: Path) -> None:
    export(tmp_path)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    assert "3 as they were" in export(tmp_path).out
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


def test_a_folder_is_brought_up_to_date_and_what_is_not_ours_stays(filled: ZohoAccount, tmp_path: Path) -> None:
    export(tmp_path)
    own_file = tmp_path / f"acme-co-{filled.pk}/rules/notes.txt"
    beside = tmp_path / f"acme-co-{filled.pk}/flows/999-by-hand.json"
    for file in (own_file, beside):
        file.write_text("kept")
    filled.rules.update(gone_at=NOON)
    filled.connected_workflows.update(gone_at=NOON)
    make_version(filled.flows.get(), number=2, content={"flow_name": "Lead sync", "x": 1})
    ended = export(tmp_path)
    assert "0 new, 1 changed, 0 as they were, 2 removed" in ended.out
    folder = f"acme-co-{filled.pk}"
    assert set(files(tmp_path)) == {
        f"{folder}/flows/100-lead-sync.json",
        f"{folder}/flows/999-by-hand.json",
        f"{folder}/rules/notes.txt",
        "definitions.json",
    }
    assert not (tmp_path / folder / "connected-workflows").exists()
    assert (own_file.read_text(), beside.read_text()) == ("kept", "kept")


def test_a_file_of_somebody_else_in_the_way_is_said_and_nothing_is_written(filled: ZohoAccount, tmp_path: Path) -> None:
    target = tmp_path / f"acme-co-{filled.pk}/rules/200-greet-jo.json"
    target.parent.mkdir(parents=True)
    target.write_text("mine")
    ended = export(tmp_path)
    assert ended.code == 1
    assert "in the way" in ended.error
    assert files(tmp_path) == {f"acme-co-{filled.pk}/rules/200-greet-jo.json": b"mine"}


@pytest.mark.parametrize("what", ["account", "kind", "file"])
def test_no_link_is_followed(filled: ZohoAccount, tmp_path: Path, what: str) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    place = f"acme-co-{filled.pk}/rules/200-greet-jo.json"
    link = root / {"account": place.split("/", maxsplit=1)[0], "kind": place.rpartition("/")[0], "file": place}[what]
    link.parent.mkdir(parents=True)
    link.symlink_to(outside / "x" if what == "file" else outside)
    assert export(root).code == 1
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("text", ['{"files": ["../outside.json"], "unread": {}}', '{"files": [1]}', "["])
def test_a_list_that_is_not_ours_removes_nothing(filled: ZohoAccount, tmp_path: Path, text: str) -> None:
    outside, root = tmp_path / "outside.json", tmp_path / "root"
    outside.write_text("mine")
    root.mkdir()
    (root / "definitions.json").write_text(text)
    ended = export(root)
    assert ended.code == 1
    assert "no list of exported definitions" in ended.error
    assert outside.read_text() == "mine"
    assert set(files(root)) == {"definitions.json"}


def test_another_account_is_left_alone_where_one_is_named(filled: ZohoAccount, tmp_path: Path) -> None:
    other = make_account("Other")
    make_version(make_flow(other, flow_id="500", flow_name="Bills"))
    export(tmp_path)
    other.flows.update(gone_at=NOON)
    filled.flows.update(gone_at=NOON)
    ended = export(tmp_path, "--account=Acme & Co")
    assert "1 removed" in ended.out
    assert f"other-{other.pk}/flows/500-bills.json" in files(tmp_path)
    assert "there is no account" in export(tmp_path, "--account=Nobody").error


def test_an_account_that_was_renamed_has_one_folder(filled: ZohoAccount, tmp_path: Path) -> None:
    export(tmp_path)
    ZohoAccount.objects.filter(pk=filled.pk).update(name="Newname")
    export(tmp_path)
    assert {name.partition("/")[0] for name in files(tmp_path)} == {f"newname-{filled.pk}", "definitions.json"}


def test_definitions_are_written_as_they_were_then(filled: ZohoAccount, tmp_path: Path) -> None:
    rule = filled.rules.get()
    filled.rules.update(created_time=NOON - 40 * DAY)
    make_version(
        rule, number=2, content={"name": "Later"}, first_seen_at=NOON + 2 * DAY, seen_before=NOON, modified_time=None
    )
    filled.flows.update(gone_at=NOON + DAY)
    for day, name, flows in ((1, "Greet", 0), (3, "Later", 0), (0.5, "Greet", 1)):
        root = tmp_path / str(day)
        ended = export(root, f"--at={(NOON + day * DAY).isoformat()}")
        assert ended.code == 0, ended.error
        (file,) = (root / f"acme-co-{filled.pk}/rules").iterdir()
        assert json.loads(file.read_text())["name"].startswith(name)
        assert (root / f"acme-co-{filled.pk}/flows").exists() == bool(flows)


def test_what_was_there_and_never_read_is_said_and_ends_with_2(filled: ZohoAccount, tmp_path: Path) -> None:
    make_rule(filled, rule_id="201", name="New one")
    ended = export(tmp_path)
    assert ended.code == 2
    assert "1 are missing" in ended.error
    assert "New one" in ended.error
    assert len(files(tmp_path)) == 4
    assert read_folder(tmp_path).unread


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["definitions"], "into which folder"),
        (["definitions", "x", "--format=csv"], "json or yaml"),
        (["definitions", "x", "--since=2026-11-01"], "--since is not for definitions"),
        (["definitions", "x", "--unmasked", "--reason=because"], "not for definitions"),
        (["definitions", "x", "--at=soon"], "--at 'soon' is neither a day"),
        (["definitions", "x", "--at=2999-01-01"], "has not come yet"),
        (["flows", "--format=yaml"], "csv or ndjson"),
        (["flows"], "csv or ndjson"),
        (["flows", "x", "--format=csv"], "DIR is for definitions"),
        (["flows", "--at=2026-11-01", "--format=csv"], "--at is for definitions"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    filled: ZohoAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = run("export", *arguments)
    assert ended.code == 1
    assert said in ended.error
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(filled: ZohoAccount, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "file" in export(tmp_path / "file").error


def test_the_export_stands_in_the_audit_trail(filled: ZohoAccount, tmp_path: Path) -> None:
    export(tmp_path, "--format=yaml")
    assert own(AuditEntry).get().detail == {"what": "definitions", "format": "yaml"}


@pytest.mark.parametrize(
    ("zoho_id", "name", "file"),
    [
        ("100", "Lead sync", "100-lead-sync.json"),
        ("100", "Ünï çödé / ../..", "100-uni-code.json"),
        ("100", "漢字", "100.json"),
        ("100", "x" * 300, f"100-{'x' * 60}.json"),
    ],
)
def test_names_of_files_are_plain(zoho_id: str, name: str, file: str) -> None:
    assert file_name(Defined("flow", zoho_id, name, {}), "json") == file


def test_an_id_that_is_no_plain_word_leads_nowhere() -> None:
    made = file_name(Defined("flow", "../../etc", "x", {}), "json")
    assert "/" not in made
    assert made != file_name(Defined("flow", "../../usr", "x", {}), "json")


def test_an_export_that_is_ended_midway_leaves_whole_files_and_the_next_one_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {f"a-1/flows/{n}.json": b"old" * 100 for n in range(4)}
    later = {f"a-1/flows/{n}.json": b"new" * 100 for n in range(2, 7)}
    bring_up_to_date(tmp_path, first, {}, lambda place: True)
    written = 0
    real = os.fsync

    def dies(number: int) -> None:
        nonlocal written
        written += 1
        if written > 4:
            raise KeyboardInterrupt
        real(number)

    monkeypatch.setattr("os.fsync", dies)
    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(tmp_path, later, {}, lambda place: True)
    monkeypatch.undo()
    found = files(tmp_path)
    listed = set(read_index(tmp_path)["files"])
    assert set(found) - {"definitions.json"} <= listed
    assert {text for name, text in found.items() if name != "definitions.json"} == {b"old" * 100, b"new" * 100}
    bring_up_to_date(tmp_path, later, {}, lambda place: True)
    assert {name: text for name, text in files(tmp_path).items() if name != "definitions.json"} == later


places = st.dictionaries(
    st.tuples(st.sampled_from(["a-1", "b-2"]), st.sampled_from(["flows", "rules"]), st.integers(1, 4)).map(
        lambda at: f"{at[0]}/{at[1]}/{at[2]}.json"
    ),
    st.sampled_from([b"1", b"2"]),
    max_size=5,
)


@pytest.mark.property
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(exports=st.lists(places, max_size=3), foreign=st.dictionaries(st.sampled_from("xy"), st.just(b"f"), max_size=2))
def test_after_any_exports_the_folder_holds_the_last_one_and_what_is_not_ours(
    exports: list[dict[str, bytes]], foreign: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("folder")
    (root / "a-1/rules").mkdir(parents=True)
    for name, text in foreign.items():
        (root / "a-1/rules" / f"{name}.json").write_bytes(text)
    for one in exports:
        bring_up_to_date(root, one, {}, lambda place: True)
    found = {name: text for name, text in files(root).items() if name != "definitions.json"}
    last = exports[-1] if exports else {}
    assert found == last | {f"a-1/rules/{name}.json": text for name, text in foreign.items()}


def test_a_folder_of_several_accounts_asks_for_one(filled: ZohoAccount, tmp_path: Path) -> None:
    make_version(make_flow(make_account("Other"), flow_id="500"))
    export(tmp_path)
    with pytest.raises(FolderError, match="holds 2 accounts"):
        read_folder(tmp_path)
    assert len(read_folder(tmp_path / f"acme-co-{filled.pk}").things) == 3
