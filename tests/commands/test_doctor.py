"""`manage.py doctor` on what is really there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.checks import Warning as CheckWarning
from django.core.checks import registry
from django.db import OperationalError, connection
from django.utils import timezone

from monitor import job_failures
from monitor.doctor import look
from monitor.models import ApiToken, Role, SyncState, User, WorkerBeat
from monitor.schema import Differences
from tests import factories
from tests.commands.commandline import run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def production(nobody_else: None, settings: Any, tmp_path: Path) -> None:
    """An installation in which all is well but for what a test breaks; nobody else is there."""
    settings.DEBUG = settings.DEMO = False
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.STATIC_ROOT = tmp_path
    settings.SILENCED_SYSTEM_CHECKS = [
        *settings.SILENCED_SYSTEM_CHECKS,
        *(str(one.id) for one in registry.registry.run_checks(include_deployment_checks=True)),
    ]
    (tmp_path / "staticfiles.json").write_text("{}")
    factories.make_user("ada", Role.ADMIN, email="ada@example.com")
    factories.make_account(name="Acme")
    for name in ("canary", "supervisor"):
        WorkerBeat.objects.create(name=name, beat_at=timezone.now(), detail={})


def told(*arguments: str) -> dict[str, Any]:
    return {one["code"]: one for one in json.loads(run("doctor", "--json", *arguments).out)}


def test_where_all_is_well_it_says_so_and_ends_with_success() -> None:
    ended = run("doctor", "--strict")

    assert (ended.out, ended.error) == ("Nothing is wrong.\n", "")
    assert told() == {}


def test_an_error_is_told_with_what_it_means_and_what_to_do_and_ends_it_with_1() -> None:
    User.objects.update(is_active=False)

    ended = run("doctor")

    assert ended.out.splitlines()[:3] == [
        "ERROR: there is no active admin [no-admin]",
        "  means: nobody can connect accounts or let people in",
        "  fix:   run `manage.py createsuperuser`",
    ]
    assert (ended.error, ended.code) == ("1 error, 1 warning", 1)  # nobody hears of alerts either


def test_a_warning_ends_it_with_success_but_where_that_is_not_wanted() -> None:
    User.objects.update(email="")

    ended = run("doctor")

    assert (ended.error, ended.code) == ("", 0)
    assert ended.out.endswith("0 errors, 1 warning\n")
    assert run("doctor", "--strict").code == 1


def test_without_a_database_it_says_so_and_still_looks_at_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any) -> None:
        raise OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr(look, "differences", away)
    Path(look.settings.STATIC_ROOT, "staticfiles.json").unlink()

    found = told()

    assert found.keys() == {"database-away", "static-not-collected"}
    assert found["database-away"]["what"] == "the database cannot be reached: connection refused"


def test_tables_of_another_version_are_told_and_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "differences", lambda: Differences(missing=2, unknown=()))

    assert told().keys() == {"database-schema"}


def test_a_secret_that_no_key_reads_and_one_under_an_older_key_are_found(settings: Any) -> None:
    kept, lost, new = (Fernet.generate_key().decode() for _ in range(3))
    present = list(settings.ENCRYPTION_KEYS)
    settings.ENCRYPTION_KEYS = [kept, *present]
    factories.make_account(name="Beta")
    settings.ENCRYPTION_KEYS = [lost, *present]
    other = ApiToken.objects.get(account=factories.make_account(name="Gamma"))
    settings.ENCRYPTION_KEYS = [new, kept, *present]

    found = told()

    assert f"monitor.ApiToken {other.pk} (refresh_token)" in found["secrets-unreadable"]["what"]
    assert "secrets-under-an-older-key" in found
    assert "Beta" not in found["secrets-unreadable"]["what"]


def test_a_worker_that_never_ran_and_a_job_that_fails_are_found() -> None:
    WorkerBeat.objects.all().delete()
    job_failures.failed("prune", "ValueError: no", timezone.now())

    found = told()

    assert "has not run yet" in found["worker-not-ready"]["what"]
    assert "prune" in found["job-failing"]["what"]


def test_an_account_that_zoho_refuses_is_found_and_a_paused_one_is_in_order() -> None:
    SyncState.objects.filter(account=factories.make_account(name="Beta")).update(
        state="revoked", last_finished_at=timezone.now()
    )
    factories.make_account(name="Gamma", is_active=False)

    assert told().keys() == {"account-revoked"}


def test_what_djangos_checks_say_of_production_is_told_with_its_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    said = CheckWarning("Cookies travel in the clear.", hint="Switch TLS on.", id="security.W999")
    monkeypatch.setattr(look.checks, "run_checks", lambda **how: [said] if how["include_deployment_checks"] else [])

    assert told()["security.W999"]["fix"] == "Switch TLS on."


@pytest.mark.one_database
def test_a_file_that_others_can_read_and_a_disk_that_is_full_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "monitor.sqlite3"
    file.touch(mode=0o644)
    file.chmod(0o644)
    monkeypatch.setattr(look, "_sqlite_file", lambda: file)
    usage = look.shutil.disk_usage(tmp_path)._replace(free=1)
    monkeypatch.setattr(look.shutil, "disk_usage", lambda folder: usage)

    found = told()

    assert found["file-open-to-others"]["fix"] == f"chmod 600 {file}"
    assert found["disk-full"]["is_error"]


@pytest.mark.postgres
def test_a_server_whose_clock_is_off_is_found() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock of its own")
    seen = look.look(timezone.now() - look.timedelta(minutes=3))

    assert seen.clock_ahead is not None
    assert 179 < seen.clock_ahead.total_seconds() < 200
    assert seen.encoding == "UTF8"
