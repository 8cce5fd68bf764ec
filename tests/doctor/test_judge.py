"""What is wrong with an installation: each thing is told once, with what it means and how to fix it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.doctor.judge import (
    CLOCKS_APART,
    LITTLE_ROOM,
    NO_ROOM,
    AccountSeen,
    InstallationFacts,
    SettingsMessage,
    complaints,
)

WELL = InstallationFacts(
    encoding="UTF8",
    clock_ahead=CLOCKS_APART,
    room={"the database": LITTLE_ROOM},
    not_ready={"worker": [], "alerts": [], "mail": []},
    admins=1,
    hearers=1,
    accounts=[AccountSeen("Acme", "ok", "Healthy", ""), AccountSeen("Beta", "paused", "Paused", "")],
)
ERRORS = {
    "database-away": {"database": "connection refused"},
    "database-schema": {"schema": "the database lacks 2 migration(s)"},
    "database-encoding": {"encoding": "SQL_ASCII"},
    "clocks-apart": {"clock_ahead": -CLOCKS_APART - timedelta(microseconds=1)},
    "disk-full": {"room": {"the database": NO_ROOM - 1}},
    "keys": {"keys": "ENCRYPTION_KEYS is not set"},
    "secrets-unreadable": {"unreadable": ["monitor.ApiToken 7 (access_token)"]},
    "worker-not-ready": {"not_ready": {"worker": ["the worker is silent"]}},
    "alerts-not-ready": {"not_ready": {"alerts": ["alerts could not be evaluated"]}},
    "mail-not-ready": {"not_ready": {"mail": ["the mail server refuses us"]}},
    "job-failing": {"failing_jobs": ["prune, 3 times, ValueError"]},
    "no-admin": {"admins": 0},
    "account-revoked": {"accounts": [AccountSeen("Acme", "revoked", "Zoho refuses our credentials", "")]},
    "account-foreign": {"accounts": [AccountSeen("Acme", "foreign", "Signed in to another organisation", "")]},
    "account-locked": {"accounts": [AccountSeen("Acme", "locked", "Locked", "no key")]},
    "security.E001": {"settings": [SettingsMessage("security.E001", is_error=True, text="HSTS is off", hint="")]},
}
WARNINGS = {
    "development": {"is_development": True},
    "security.W004": {
        "settings": [SettingsMessage("security.W004", is_error=False, text="HSTS is off", hint="Switch on")]
    },
    "static-not-collected": {"is_static_collected": False},
    "disk-nearly-full": {"room": {"the database": LITTLE_ROOM - 1}},
    "file-open-to-others": {"open_files": ["/srv/monitor.sqlite3"]},
    "secrets-under-an-older-key": {"older_keys": 2},
    "mail-not-sent": {"mail_way": "console"},
    "nobody-hears": {"hearers": 0},
    "addresses-refused": {"bounced": 1},
    "no-account": {"accounts": []},
    "account-stale": {"accounts": [AccountSeen("Acme", "stale", "Behind", "")]},
    "account-silent": {"accounts": [AccountSeen("Acme", "silent", "Silent", "")]},
    "account-unreachable": {"accounts": [AccountSeen("Acme", "unreachable", "Zoho cannot be reached", "")]},
    "account-schema": {"accounts": [AccountSeen("Acme", "schema", "Zoho answered in an unknown form", "")]},
}


def codes(seen: InstallationFacts) -> list[str]:
    return [one.code for one in complaints(seen)]


def test_of_a_well_installation_nothing_is_said() -> None:
    assert complaints(WELL) == []


@pytest.mark.parametrize(("code", "is_error"), [*((c, True) for c in ERRORS), *((c, False) for c in WARNINGS)])
def test_each_thing_that_is_wrong_is_told_once_with_what_it_means_and_what_to_do(code: str, is_error: bool) -> None:
    (one,) = complaints(replace(WELL, **(ERRORS if is_error else WARNINGS)[code]))

    assert (one.code, one.is_error) == (code, is_error)
    assert one.what
    assert one.means
    assert one.fix


def test_errors_come_first_and_what_several_are_wrong_with_is_told_of_each() -> None:
    states = [AccountSeen("Acme", "stale", "Behind", ""), AccountSeen("Beta", "revoked", "Refused", "")]
    seen = replace(WELL, accounts=states, hearers=0, admins=0)

    assert codes(seen) == ["no-admin", "account-revoked", "nobody-hears", "account-stale"]


def test_what_could_not_be_looked_at_is_not_said_to_be_missing() -> None:
    away = InstallationFacts(database="connection refused")

    assert codes(away) == ["database-away"]


def test_that_no_key_is_there_is_told_once_and_not_again_of_worker_and_secrets() -> None:
    why = "ENCRYPTION_KEYS is not set"
    seen = replace(WELL, keys=why, unreadable=["monitor.ApiToken 7"], not_ready={"worker": [why, "it is silent"]})

    assert codes(seen) == ["keys", "worker-not-ready"]
    assert complaints(seen)[1].what == "it is silent"


def test_in_the_demo_mails_that_are_only_kept_are_in_order() -> None:
    assert codes(replace(WELL, is_development=True, mail_way="dummy")) == ["development"]


@pytest.mark.parametrize("state", ["revoked", "stale"])
def test_a_command_for_an_account_can_be_pasted_whatever_its_name_is(state: str) -> None:
    name = "Acme & sons; it's new"
    (one,) = complaints(replace(WELL, accounts=[AccountSeen(name, state, "Behind", "since 09:00")]))

    assert """'Acme & sons; it'"'"'s new'""" in one.fix
    assert one.what == f"account {name}: Behind (since 09:00)"
