"""Audits the workflow rules that are mirrored (`manage.py audit-rules`)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from monitor.connection import utc_now
from monitor.management.data_command import COULD_NOT, AnsweringCommand, accounts_named
from monitor.management.ranges import require_range
from monitor.models import Stream, StreamState
from monitor.queries.rule_audit import AuditedFinding, AuditOfRules, audit_of, in_words
from monitor.rule_audit.audit import QUIET_DAYS

FOUND = 1
LONGEST_QUIET = 3_650  # days


class Command(AnsweringCommand):
    help = (
        "Finds what is wrong with workflow rules: actions that fail, rules that never run, duplicates, cycles, limits. "
        "Ends with 0 where nothing is found, with 1 where something is, with 2 where that cannot be said."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", metavar="NAME", help="only this account")
        parser.add_argument(
            "--days", type=int, default=QUIET_DAYS, metavar="N", help=f"a rule may be quiet ({QUIET_DAYS})"
        )
        parser.add_argument("--all", action="store_true", help="what people accepted too; it changes no exit code")
        parser.add_argument("--json", action="store_true", help="machine-readable")

    def handle(self, *args: Any, **options: Any) -> None:
        require_range("--days", options["days"], 1, LONGEST_QUIET)
        accounts = [account.pk for account in accounts_named(options["account"])]
        read = StreamState.objects.filter(account__in=accounts, stream=Stream.RULES).exclude(last_read_at=None)
        if not read.exists():
            raise CommandError("no workflow rules were read yet: see `manage.py sync --help`")
        found = audit_of(utc_now(), accounts, options["days"])
        rows = found.rows if options["all"] else found.standing
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(found, rows), indent=2, ensure_ascii=False))
        else:
            self._tell(found, rows)
        if found.standing:
            raise SystemExit(FOUND)  # an answer, and no fault that would want a line of its own
        if found.unread:
            unread = ", ".join(found.unread)
            raise CommandError(f"that is no pass for {unread}: rules were not read lately", returncode=COULD_NOT)

    def _tell(self, found: AuditOfRules, rows: list[AuditedFinding] | Any) -> None:
        for row in rows:
            about = ", ".join(one.name for one in row.finding.subjects)
            accepted = f" (accepted: {in_words(row.accepted.reason)})" if row.accepted is not None else ""
            self.stdout.write(f"{row.label}: {about} [{row.finding.account}]: {row.finding.evidence}{accepted}")
            self.stdout.write(f"    {row.finding.step}")
        for gap in found.not_checked:
            self.stdout.write(f"Not checked: {gap.what} [{gap.account}]: {gap.why}")
        count = len(found.standing)
        self.stdout.write(f"{count or 'No'} finding{'s' * (count != 1)} in {found.rules} rules.")


def _as_json(found: AuditOfRules, rows: Any) -> dict[str, Any]:
    return {
        "rules": found.rules,
        "findings": [_row(row) for row in rows],
        "not_checked": [{"account": gap.account, "what": gap.what, "why": gap.why} for gap in found.not_checked],
    }


def _row(row: AuditedFinding) -> dict[str, Any]:
    finding, accepted = row.finding, row.accepted
    return {
        "key": finding.key,
        "kind": finding.kind,
        "account": finding.account,
        "module": finding.module,
        "about": [{"id": one.id, "name": one.name, "page": one.page} for one in finding.subjects],
        "evidence": finding.evidence,
        "step": finding.step,
        "page": finding.act[1],
        "accepted": None if accepted is None else {"because": in_words(accepted.reason), "at": accepted.at.isoformat()},
    }
