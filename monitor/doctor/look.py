"""Looks at settings, database, files, worker, mails, people and accounts of an installation. It changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import Error, connection, models
from django.db.models import F
from django.db.models.functions import Cast

from monitor import private_files, vault
from monitor.access import who_may
from monitor.doctor.judge import AccountSeen, InstallationFacts, SettingsMessage
from monitor.encrypted_fields import encrypted_fields
from monitor.models import Channel, User
from monitor.notify.recipients import entitled
from monitor.queries.freshness import mirror
from monitor.queries.health import readiness
from monitor.queries.mails import bounced
from monitor.schema import differences
from monitor.vault import VaultError


def look(now: datetime) -> InstallationFacts:
    """Looks at everything; what stands in a database that is away is left out.

    Args:
        now: the present; ages are counted to it.
    """
    seen: dict[str, Any] = {
        "is_development": settings.DEBUG or settings.DEMO,
        "settings": _settings(),
        "is_static_collected": settings.DEBUG or _is_static_collected(),
        "room": _room(),
        "keys": vault.trouble(),
        "mail_way": settings.EMAIL_BACKEND.split(".")[-2],
    }
    try:
        schema = differences().problem
        seen |= {"schema": schema, "open_files": _open_files()} | _server(now)
        if not schema:
            seen |= _tables(now, has_keys=not seen["keys"])
    except Error as error:
        seen["database"] = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return InstallationFacts(**seen)


def _settings() -> list[SettingsMessage]:
    """Asks Django's checks and ours; those for production only where it is one. What `keys` says is left to it."""
    told = checks.run_checks(include_deployment_checks=not settings.DEBUG)
    return [
        SettingsMessage(str(one.id), one.level >= checks.ERROR, str(one.msg), str(one.hint or ""))
        for one in told
        if one.level >= checks.WARNING and not one.is_silenced() and one.id != "monitor.E001"
    ]


def _is_static_collected() -> bool:
    return (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file()


def _sqlite_file() -> Path | None:
    """Returns the database's file; None where it is in memory or on a server."""
    name = str(connection.settings_dict["NAME"])
    return None if connection.vendor != "sqlite" or name.startswith("file:") or name == ":memory:" else Path(name)


def _room() -> dict[str, int]:
    folders = {"what is made for a moment": Path(settings.BASE_DIR)}
    if (database := _sqlite_file()) is not None:
        folders = {"the database": database.parent}
    return {name: shutil.disk_usage(folder).free for name, folder in folders.items() if folder.is_dir()}


def _open_files() -> list[str]:
    connection.ensure_connection()  # which closes what is ours to close
    database = _sqlite_file()
    return [] if database is None else [str(path) for path in private_files.open_to_others(database)]


def _server(now: datetime) -> dict[str, Any]:
    """Asks a server for its encoding and its clock."""
    if connection.vendor != "postgresql":
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp(), current_setting('server_encoding')")
        clock, encoding = cursor.fetchone()
    ahead: timedelta = clock - now
    return {"clock_ahead": ahead, "encoding": encoding}


def _tables(now: datetime, *, has_keys: bool) -> dict[str, Any]:
    fresh = mirror(now)
    unreadable, older = _secrets() if has_keys else ([], 0)
    return {
        "unreadable": unreadable,
        "older_keys": older,
        "not_ready": readiness(now, fresh).parts,
        "failing_jobs": [f"{job.label}, {job.failures} times, {job.error}" for job in fresh.failing],
        "admins": User.objects.filter(who_may("accounts")).count(),
        "hearers": entitled().count() + Channel.objects.filter(is_active=True).count(),
        "bounced": len(bounced()),
        "accounts": [AccountSeen(one.name, one.state, one.label, one.reason) for one in fresh.accounts],
    }


def _secrets() -> tuple[list[str], int]:
    """Tries every stored secret: names those that no key reads, and counts those that are not under the first key."""
    unreadable, older = [], 0
    for model, field, key, stored in _stored():
        try:
            vault.decrypt(stored)
        except VaultError:
            unreadable.append(f"{model._meta.label} {key} ({field})")
        else:
            older += not vault.is_current(stored)
    return unreadable, older


def _stored() -> Iterator[tuple[type[models.Model], str, Any, str]]:
    for model, field in encrypted_fields():
        rows = model._default_manager.annotate(stored=Cast(F(field), models.TextField())).order_by("pk")
        for key, stored in rows.exclude(stored="").exclude(stored=None).values_list("pk", "stored"):
            yield model, field, key, stored
