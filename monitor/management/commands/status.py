"""Shows how fresh and complete the mirror is, and what is in the way (`manage.py status`)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from monitor.connection import utc_now
from monitor.management.data_command import DataCommand, add_account_argument
from monitor.models import ZohoAccount
from monitor.queries.status import status
from monitor.standing.judge import WORDS

PRODUCTS = {"flow": "Flow API:", "crm": "CRM API:"}


class Command(DataCommand):
    help = "Per account: the data's age, completeness against Zoho's counters, API budget, open incidents; the queue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_account_argument(parser)
        parser.add_argument("--json", action="store_true", help="machine-readable")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if name is not None and not ZohoAccount.objects.filter(name=name).exists():
            raise CommandError(f"there is no account named {name!r}")
        report = status(utc_now(), name)
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=2))
            return
        if not report["accounts"]:
            self.stdout.write("No account is connected: see `manage.py connect --help`.")
        for account in report["accounts"]:
            self._account(account)
        canary = report["worker"].get("canary")
        alive = "has not run yet" if canary is None else f"last task went through {canary:.0f} s ago"
        self.stdout.write(f"Queue: {report['queue']['length']} waiting; the worker {alive}.")
        if report["mail"]:
            _write_mail(self.stdout.write, report["mail"])
        if report["channels"]:
            _write_channels(self.stdout.write, report["channels"])
        for job in report["failing_jobs"]:
            self.stdout.write(
                f"FAILING: {job['name']} failed {job['failures']} times since {job['since']} ({job['error']}); "
                f"next try {job['next_try_at']}"
            )
        for warning in report["warnings"]:
            self.stdout.write(f"WARNING: {warning}")
        for problem in report["problems"]:
            self.stdout.write(f"NOT ready: {problem}")

    def _account(self, account: dict[str, Any]) -> None:
        write = self.stdout.write
        reason = f" ({account['reason']})" if account["reason"] else ""
        since = f" since {account['since']}" if account["since"] and account["state"] != "ok" else ""
        write(f"{account['name']}: {account['state']}{reason}{since}")
        if account["organisation"] is not None and account["organisation"]["id"]:
            write(f"  of:       {_organisation(account['organisation'])}")
        age = account["data_age_seconds"]
        write(f"  data:     {'never read completely' if age is None else f'{age:.0f} s old'}")
        stand = [f"{count} {WORDS[code].lower()}" for code, count in account["standings"].items() if count]
        write(f"  flows:    {', '.join(stand) or ('nothing read yet' if account['as_of'] is None else 'none')}")
        _write_runs(write, account)
        for flow in account["completeness"]["flows"]:
            if not flow["complete"]:
                write(f"            {flow['flow_name']}: {flow['reason']}")
        for name, stream in account["streams"].items():
            if stream["state"] != "ok":
                write(f"            {name}: {stream['state'].replace('_', ' ')} {stream['reason']}".rstrip())
        if account["history"]["open"]:
            paused = "paused" if account["history"]["paused"] else "being read"
            flows = account["history"]["flows"]
            write(f"  history:  {paused}, {flows['done']} of {flows['all']} flows; see `manage.py backfill status`")
        for product, budget in account["api_budget"].items():
            _write_budget(write, product, budget)
        kept = account["retention"]
        rows, payloads, more = kept["rows_removed"], kept["payloads_removed"], "; more is due" if kept["behind"] else ""
        write(f"  kept:     rows for {kept['rows_days']} days, the oldest of {kept['oldest_row'] or 'none yet'}")
        write(
            f"            removed so far: {rows} rows; {payloads} payloads older than {kept['payload_days']} days{more}"
        )
        incidents = account["open_alerts"]
        write(f"  alerts:   {incidents} incident{'s' * (incidents != 1)} open")


def _write_runs(write: Callable[[str], Any], account: dict[str, Any]) -> None:
    """Shows what became of every run that Zoho counts, and what could not be read."""
    runs = account["runs"]
    verdict = "complete" if account["complete"] else "NOT complete"
    rest = f" + {runs['unread']} not read yet" if runs["unread"] else ""
    rest += f" - {runs['without_counter']} of flows without a counter" if runs["without_counter"] else ""
    write(
        f"  mirror:   {verdict}; Zoho counts {runs['zoho_counts']} runs = {runs['before_our_time']} before our time "
        f"+ {runs['counted']} counted + {runs['removed']} pruned + {runs['quarantined']} in quarantine "
        f"+ {runs['holes']} missing{rest} - {runs['newer']} newer"
    )
    aside = ", ".join(f"{count} {stream.replace('_', ' ')}" for stream, count in account["quarantine"].items())
    if aside:
        write(f"            in quarantine, for they cannot be read: {aside}")
    unknown = ", ".join(f"{count} {status or '(none)'}" for status, count in runs["unknown_statuses"].items())
    if unknown:
        write(f"            of an unknown status, counted as neither good nor bad: {unknown}")


def _organisation(found: dict[str, Any]) -> str:
    """Returns the organisation's name and id, and what is special of it."""
    special = "" if found["kind"] in ("", "production") else f", {found['kind']}"
    return f"{found['name'] or 'an organisation without a name'} ({found['id']}{special})"


def _write_mail(write: Callable[[str], Any], mail: dict[str, Any]) -> None:
    """Says whether the mail server takes our mails, and how many wait."""
    told = {
        "unknown": "no mail was sent yet",
        "accepts": f"the server took the last one at {mail['accepted_at']}",
        "refuses": f"the server refuses us since {mail['since']}, next try at {mail['next_try_at']}: {mail['reason']}",
        "unreachable": f"the server is away since {mail['since']}, next try at {mail['next_try_at']}: {mail['reason']}",
    }
    write(f"Mails: {mail['waiting']} waiting; {told[mail['state']]}.")


def _write_channels(write: Callable[[str], Any], channels: dict[str, Any]) -> None:
    """Says how many channels are on and how many messages wait, and names those that are broken."""
    if channels["on"]:
        write(f"Channels: {channels['on']} on, {channels['waiting']} messages waiting.")
    for one in channels["broken"]:
        told = "refuses us" if one["refuses"] else "takes nothing"
        write(f"WARNING: the channel {one['name']!r} {told} since {one['since']}: {one['reason']}")


def _write_budget(write: Callable[[str], Any], product: str, budget: dict[str, Any]) -> None:
    """Shows what one product may be asked, what of it is used, and where the limit comes from."""
    minute, day = budget["per_minute"], budget["per_day"]
    limit = "an unknown number" if day["limit"] is None else day["limit"]
    calls = f"{day['used']} of {limit} a day"
    if minute["limit"] is not None:
        calls = f"{minute['used']} of {minute['limit']} calls a minute, {calls}"
    kept = "" if day["kept_for_people"] is None else f"; {day['kept_for_people']} of a day are kept for people"
    write(f"  {PRODUCTS[product]:<9} {calls} ({budget['limits_from']}{kept})")
    if budget["blocked_until"]:
        write(f"            on hold until {budget['blocked_until']}: {budget['blocked_reason']}")
