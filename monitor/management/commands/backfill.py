"""Shows how far Zoho's history has been read, pauses it or lets it go on (`manage.py backfill`)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from monitor.connection import utc_now
from monitor.connection.pause_backfill import pause_backfill
from monitor.management.data_command import DataCommand, accounts_named, add_account_argument
from monitor.models import ZohoAccount, system_user
from monitor.queries import backfill as queries

MOST_FLOWS = 10


class Command(DataCommand):
    help = (
        "The first reading of the history that Zoho still holds: `status` shows how far it has come, `pause` stops "
        "it (new runs are read all the same), `resume` lets it go on. `manage.py sync` reads everything in the "
        "foreground, whether it is paused or not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_account_argument(parser)
        parser.add_argument("action", choices=["status", "pause", "resume"])
        parser.add_argument("--json", action="store_true", help="prints the status as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now, found = utc_now(), accounts_named(options["name"])
        if options["action"] != "status":
            for account in found:
                self._switch(account, paused=options["action"] == "pause", now=now)
        shown = [
            queries.of_account(account, now) for account in ZohoAccount.objects.filter(pk__in=[a.pk for a in found])
        ]
        if options["json"]:
            data = [{"name": one.name} | queries.as_data(one) for one in shown]
            self.stdout.write(json.dumps({"accounts": data}, indent=2))
        elif options["action"] == "status":
            for one in shown:
                self._show(one)

    def _switch(self, account: ZohoAccount, *, paused: bool, now: datetime) -> None:
        changed = pause_backfill(account, paused=paused, actor=system_user(), now=now)
        state = "paused" if paused else "going on"
        self.stderr.write(f"{account.name}: the reading of history is {state}{'' if changed else ' already'}")

    def _show(self, one: queries.History) -> None:
        if not one.is_open:
            self.stdout.write(f"{one.name}: history is read of all {one.flows_all:,} flows, with {one.calls:,} calls")
            return
        self.stdout.write(f"{one.name}: {queries.words(one)}")
        end = f"ends about {one.ends_at:%Y-%m-%d %H:%M} UTC" if one.ends_at else "no end is foreseen"
        self.stdout.write(f"  {one.calls:,} calls so far; {end}")
        for flow in one.flows[:MOST_FLOWS]:
            begun = queries.words(flow) if flow.is_begun else "not read yet"
            self.stdout.write(f"  {flow.flow.shown_name}: {begun}; {flow.calls:,} calls")
        if len(one.flows) > MOST_FLOWS:
            self.stdout.write(f"  and {len(one.flows) - MOST_FLOWS:,} more flows")
