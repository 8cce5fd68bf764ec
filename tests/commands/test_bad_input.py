"""Bad input to real processes and commands: one clear line, an exit code, nothing half-written, no secret shown."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.apps import apps

from monitor.models import Execution, ZohoAccount
from standin.build import App
from tests.bystander import own
from tests.commands.commandline import (
    KNOWN,
    SECRETS,
    Ended,
    a_zoho,
    connect_arguments,
    know_the_secrets,
    run,
)
from tests.realprocess import Stage


@pytest.fixture
def zoho(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[App, str]]:
    know_the_secrets(monkeypatch)
    with a_zoho() as found:
        yield found


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in apps.get_app_config("monitor").get_models()}


def refused(*arguments: str) -> Ended:
    """A command that fails and leaves every table as it was, but for the command line's own user."""
    before = counts() | {"User": 1}
    ended = run(*arguments)
    assert ended.error
    assert ended.code == 1
    assert counts() | {"User": 1} == before
    return ended


def test_a_wrong_client_secret(zoho: tuple[App, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_CLIENT_SECRET", "wrong-secret")

    assert "client id and secret" in refused(*connect_arguments(zoho[1])).error


def test_a_wrong_refresh_token(zoho: tuple[App, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOHO_REFRESH_TOKEN", "1000.wrong.refresh")

    ended = refused(*connect_arguments(zoho[1]))

    assert ended.error == "Zoho refused the refresh token (invalid_code): it is wrong, used, expired or revoked"


def test_a_throttled_token_endpoint(zoho: tuple[App, str]) -> None:
    zoho[0].faults.push({"path": "/oauth/v2/token", "kind": "token_throttle"})

    assert "Access Denied" in refused(*connect_arguments(zoho[1])).error


def test_a_token_revoked_after_connecting(all_are_judged: None, zoho: tuple[App, str]) -> None:
    app, base = zoho
    run(*connect_arguments(base))
    app.world.do("token_expire_all")
    app.faults.push({"path": "", "kind": "revoke_refresh_tokens"})

    ended = run("sync", "Acme")

    assert ended.code == 1
    assert "Connect the account again" in ended.err
    assert not own(Execution).exists()


def test_a_wrong_data_centre_by_the_accounts_server(zoho: tuple[App, str]) -> None:
    zoho[0].faults.push({"path": "/oauth/v2/token", "kind": "oauth_error", "args": {"error": "other_dc"}})

    assert "another data centre" in refused(*connect_arguments(zoho[1])).error


def test_a_wrong_data_centre_by_the_api(zoho: tuple[App, str]) -> None:
    """The host of another data centre does not know our token."""
    zoho[0].faults.push({"path": "/api/v1", "kind": "invalid_token", "times": 0})

    assert "data centre" in refused(*connect_arguments(zoho[1])).error


def test_an_unreachable_host(zoho: tuple[App, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"

    assert "cannot be reached" in refused(*connect_arguments(nobody)).error
    ended = refused(*connect_arguments(zoho[1], crm_url=nobody))
    assert "Zoho CRM: " in ended.error
    assert "no connection" in ended.error


@pytest.mark.parametrize("path", ["/oauth/v2/token", "/api/v1/flows", "/workflow_rules"])
def test_html_instead_of_json(zoho: tuple[App, str], path: str) -> None:
    zoho[0].faults.push({"path": path, "kind": "html", "times": 0})

    assert "HTML page instead of JSON" in refused(*connect_arguments(zoho[1])).error


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [["sync", "Nobody"], ["status", "Nobody"], ["retry", "123", "--reason=x", "--account=Nobody"]],
    ids=lambda a: a[0],
)
def test_an_unknown_account(arguments: list[str]) -> None:
    assert "Nobody" in refused(*arguments).error


@pytest.mark.django_db
@pytest.mark.parametrize("since", ["gestern", "2026-02-30", "22.11.2026"])
def test_a_bad_date(since: str) -> None:
    assert "neither a day" in refused("export", "flows", "--format=csv", f"--since={since}").error


def test_a_wrong_encryption_key(zoho: tuple[App, str], settings: object) -> None:
    run(*connect_arguments(zoho[1]))
    settings.ENCRYPTION_KEYS = ["MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="]  # type: ignore[attr-defined]
    calls = len(zoho[0].ledger.calls)

    assert "ENCRYPTION_KEYS" in refused("sync").error
    assert len(zoho[0].ledger.calls) == calls


of_files = pytest.mark.one_database  # each makes an SQLite file of its own


@pytest.fixture
def stage(tmp_path: Path) -> Callable[..., Stage]:
    return lambda url, **more: Stage(
        tmp_path, url, ZOHO_CLIENT_SECRET=KNOWN.client_secret, ZOHO_REFRESH_TOKEN=KNOWN.refresh_token, **more
    )


def one_line(stage: Stage, *arguments: str) -> str:
    """What a real process says when it fails: a line, no traceback, no secret."""
    done = stage.run(*arguments)
    assert done.returncode not in (0, None)
    assert done.returncode < 3
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    return lines[0]


@of_files
@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://root:hunter2@127.0.0.1/x", "DATABASE_URL must start with"),
        ("nonsense", "DATABASE_URL must start with"),
        ("postgres://", "DATABASE_URL"),
        ("postgres://monitor:hunter2@127.0.0.1:1/x", "the database does not answer"),
        ("postgres://monitor:hunter2@127.0.0.1:port/x", "DATABASE_URL"),
        ("sqlite:////dev/null/x.sqlite3", "DATABASE_URL"),
    ],
)
def test_a_bad_database_url(stage: Callable[..., Stage], url: str, told: str) -> None:
    line = one_line(stage(url), "status")

    assert told in line
    assert "hunter2" not in line


@of_files
def test_a_file_that_is_no_database(stage: Callable[..., Stage], tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear database, " * 100)

    assert "database" in one_line(stage(f"sqlite:///{tmp_path}/letter.txt"), "sync")


@of_files
def test_missing_migrations(stage: Callable[..., Stage], tmp_path: Path) -> None:
    house = stage(f"sqlite:///{tmp_path}/new.sqlite3")

    assert "run `manage.py migrate` first" in one_line(house, "sync")
    with a_zoho() as (_, base):
        assert "run `manage.py migrate` first" in one_line(house, *connect_arguments(base))


@of_files
def test_a_database_of_before_is_told_so_in_one_line_and_left_as_it_is(
    stage: Callable[..., Stage], tmp_path: Path
) -> None:
    file = tmp_path / "old.sqlite3"
    house = stage(f"sqlite:///{file}")
    house.migrate()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('monitor', '0116_gone_connections', '2026-11-28')"
        )
        database.execute("DELETE FROM django_migrations WHERE app = 'monitor' AND name LIKE '0001_%'")
    before = file.read_bytes()

    for command in (["migrate"], ["sync"], ["worker"], ["web"]):
        line = one_line(house, *command)
        assert "made by another version (it has monitor.0116_gone_connections" in line
        assert "`make demo-reset`" in line
    assert file.read_bytes() == before


@of_files
@pytest.mark.parametrize("command", ["web", "standin"])
def test_a_port_that_is_taken(stage: Callable[..., Stage], tmp_path: Path, command: str) -> None:
    house = stage(f"sqlite:///{tmp_path}/new.sqlite3")
    if command == "web":
        house.migrate()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert f"port {port} on 127.0.0.1 is in use" in one_line(house, command, f"--port={port}")


@of_files
def test_an_unknown_option_is_the_usual_two_of_argparse(stage: Callable[..., Stage], tmp_path: Path) -> None:
    done = stage(f"sqlite:///{tmp_path}/new.sqlite3").run("export", "wishes", "--format=csv")

    assert done.returncode == 2
    assert "invalid choice" in done.stderr
    assert not ZohoAccount._meta.abstract
