"""Writes what the flows, rules and connected workflows of the accounts are made of into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitor import audit
from monitor.connection import utc_now
from monitor.definition_compare import KINDS, DefinitionSet, masked
from monitor.management import definition_files
from monitor.management.data_command import accounts_named
from monitor.models import system_user
from monitor.privacy import mask_name
from monitor.queries.definition_sets import of_account

INCOMPLETE = 2
MOST_NAMED = 5


def write_definitions(command: BaseCommand, options: Mapping[str, Any], at: datetime | None) -> None:
    """Brings the folder up to date and says what was done; masked as every export.

    Raises:
        CommandError: with 1 where nothing could be written, with 2 where some definitions are not known.
    """
    form = options["format"] or definition_files.FORMATS[0]
    if form not in definition_files.FORMATS:
        raise CommandError(f"--format must be {' or '.join(definition_files.FORMATS)}")
    for name in ("since", "reason", "unmasked"):
        if options[name]:
            raise CommandError(f"--{name} is not for definitions")
    if not options["folder"]:
        raise CommandError("say into which folder: manage.py export definitions DIR")
    now = utc_now()
    if at is not None and at > now:
        raise CommandError(f"--at {options['at']} has not come yet")
    sets = {
        definition_files.account_folder(account.name, account.pk): of_account(account, at)
        for account in accounts_named(options["account"])
    }
    files: dict[str, bytes] = {}
    for folder, found in sets.items():
        shown = DefinitionSet(found.account, [masked(thing) for thing in found.things], is_masked=True)
        files |= definition_files.texts_of(shown, folder, form)
    ending = f"-{accounts_named(options['account'])[0].pk}" if options["account"] is not None else ""
    try:
        written = definition_files.bring_up_to_date(
            Path(options["folder"]),
            files,
            {folder: len(found.unread) for folder, found in sets.items()},
            lambda place: place.partition("/")[0].endswith(ending),
        )
    except definition_files.FolderError as error:
        raise CommandError(str(error)) from None
    detail = {"what": "definitions", "format": form, "at": at and at.isoformat(), "account": options["account"]}
    audit.record(system_user(), "export", None, now=now, detail={key: value for key, value in detail.items() if value})
    command.stdout.write(
        f"{len(files)} definitions in {options['folder']}: {written.new} new, {written.changed} changed, "
        f"{written.same} as they were, {written.removed} removed"
    )
    _tell_unread(sets)


def _tell_unread(sets: Mapping[str, DefinitionSet]) -> None:
    count = sum(len(found.unread) for found in sets.values())
    if count:
        names = [f"{KINDS[kind].lower()} {mask_name(name)!r}" for found in sets.values() for kind, name in found.unread]
        more = f" and {count - MOST_NAMED} more" if count > MOST_NAMED else ""
        raise CommandError(
            f"written, but {count} are missing, whose definition was not read by then: "
            f"{', '.join(names[:MOST_NAMED])}{more}",
            returncode=INCOMPLETE,
        )
