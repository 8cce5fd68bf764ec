"""Gives our commands one clear line and a non-zero exit where the database is not as it must be."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from monitor.models import ZohoAccount
from monitor.schema import differences
from monitor.vault import VaultError


class DataCommand(BaseCommand):
    """Is the base of commands that work on our tables.

    A database that cannot be reached, lacks migrations, or holds secrets of another key ends it with one
    line and exit code 1.
    """

    needs_tables = True  # of this version; else the command looks at them itself

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            if self.needs_tables:
                _check_migrations()
            return super().execute(*args, **options)
        except Error as error:
            if _was_interrupted(error):
                raise _interrupted() from None
            line = str(error).strip().splitlines()
            raise CommandError(f"the database does not answer as it should: {line[0] if line else error}") from None
        except VaultError as error:
            raise CommandError(str(error)) from None
        except BrokenPipeError:
            # The reader (head, less) has seen enough; nothing more may be written, not even at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return None
        except KeyboardInterrupt:
            raise _interrupted() from None

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Does the command's work; each command has its own."""
        raise NotImplementedError


def _was_interrupted(error: BaseException) -> bool:
    """Returns whether it came of ending what Ctrl-C broke off: a transaction that could not be rolled back, say."""
    before = error.__context__
    while before is not None and not isinstance(before, KeyboardInterrupt):
        before = before.__context__
    return before is not None


def _interrupted() -> CommandError:
    return CommandError("interrupted; what was stored stays", returncode=130)


COULD_NOT = 2  # exit code of a command that answers, where it cannot


class AnsweringCommand(DataCommand):
    """Is the base of commands whose exit code is an answer: 0 nothing found, 1 something found, 2 it cannot be said."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Ends with 2, never with 1, where something is in the way."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            code = COULD_NOT if error.returncode == 1 else error.returncode
            raise CommandError(str(error), returncode=code) from None


def _check_migrations() -> None:
    problem = differences().problem
    if problem:
        raise CommandError(problem)


def add_account_argument(parser: ArgumentParser) -> None:
    """Adds an optional NAME: one account instead of all."""
    parser.add_argument("name", nargs="?", help="only this account")


def accounts_named(name: str | None) -> list[ZohoAccount]:
    """Returns the account of that name, or all that are mirrored.

    Raises:
        CommandError: no such account, or none at all.
    """
    if name is not None:
        found = ZohoAccount.objects.filter(name=name).first()
        if found is None:
            raise CommandError(f"there is no account named {name!r}")
        return [found]
    accounts = list(ZohoAccount.objects.filter(is_active=True))
    if not accounts:
        raise CommandError("no account is connected: see `manage.py connect --help`")
    return accounts
