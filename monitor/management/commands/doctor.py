"""Says what is wrong with an installation, what that means, and how to fix it (`manage.py doctor`)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from monitor.connection import utc_now
from monitor.doctor.judge import Complaint, complaints
from monitor.doctor.look import look
from monitor.management.data_command import DataCommand


class Command(DataCommand):
    help = (
        "Looks at settings, database, keys, files, worker, mails, people and accounts, and says what is wrong, what it "
        "means, and how to fix it. It changes nothing and asks nobody outside. Ends with 1 where an error was found."
    )
    requires_system_checks = ()  # it tells of them itself
    needs_tables = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="machine-readable")
        parser.add_argument("--strict", action="store_true", help="ends with 1 for warnings, too")

    def handle(self, *args: Any, **options: Any) -> None:
        found = complaints(look(utc_now()))
        errors = sum(one.is_error for one in found)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(one) for one in found], indent=2))
        else:
            for one in found:
                self._tell(one)
        verdict = (
            f"{errors} error{'s' * (errors != 1)}, {len(found) - errors} warning{'s' * (len(found) - errors != 1)}"
        )
        if errors or (found and options["strict"]):
            raise CommandError(verdict)
        if not options["json"]:
            self.stdout.write(verdict if found else "Nothing is wrong.")

    def _tell(self, one: Complaint) -> None:
        self.stdout.write(f"{'ERROR' if one.is_error else 'warning'}: {one.what} [{one.code}]")
        self.stdout.write(f"  means: {one.means}")
        self.stdout.write(f"  fix:   {one.fix}")
