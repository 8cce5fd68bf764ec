"""Proves the credentials of a Zoho account and stores it (`manage.py connect`)."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from monitor.connection import utc_now
from monitor.management.data_command import DataCommand
from monitor.management.ranges import require_range
from monitor.models import MOST_CALLS, Plan, system_user
from monitor.pipeline import ConnectError, connect_account
from monitor.queries.accounts import connect_notes
from monitor.zoho.datacenters import DATA_CENTERS, Origins, custom_origins


class Command(DataCommand):
    help = (
        "Connects a Zoho account. The client secret and the refresh token come from ZOHO_CLIENT_SECRET and "
        "ZOHO_REFRESH_TOKEN or are asked for without echo; they are never given on the command line."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="how the account is called here; a known name is connected again")
        parser.add_argument("--data-center", required=True, choices=[*DATA_CENTERS, "custom"])
        parser.add_argument("--accounts-url", default="", help="with --data-center custom: scheme://host[:port]")
        parser.add_argument("--flow-url", default="")
        parser.add_argument("--crm-url", default="")
        parser.add_argument("--client-id", required=True)
        parser.add_argument("--grant-code", default="", help="a self client's code instead of a refresh token")
        parser.add_argument("--plan", default="", choices=["", *Plan.values])
        parser.add_argument("--calls-per-minute", type=int)
        parser.add_argument("--calls-per-day", type=int)
        parser.add_argument(
            "--same-organisation",
            action="store_true",
            help="says that the grant is for the account's organisation, where Zoho's answers cannot tell",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name or len(name) > 100:
            raise CommandError("NAME must have 1 to 100 characters")
        origins = self._origins(options)
        limits = self._limits(options)
        secret = self._secret("ZOHO_CLIENT_SECRET", "Client secret: ")
        code = options["grant_code"].strip() or None
        refresh_token = None if code else self._secret("ZOHO_REFRESH_TOKEN", "Refresh token: ")
        try:
            account = connect_account(
                name=name,
                data_center=options["data_center"],
                origins=origins,
                client_id=options["client_id"].strip(),
                client_secret=secret,
                refresh_token=refresh_token,
                grant_code=code,
                actor=system_user(),
                now=utc_now(),
                same_organisation=options["same_organisation"],
                **limits,
            )
        except ConnectError as error:
            hint = "; if it is the same one, say so with --same-organisation" if error.can_be_confirmed else ""
            raise CommandError(f"{error}{hint}") from None
        notes = connect_notes(account)
        for note in notes:
            self.stdout.write(note)
        there = [product for product, url in (("Flow", account.flow_url), ("CRM", account.crm_url)) if url]
        proved = [p for p in there if not any(note.startswith(f"Zoho {p} is not available") for note in notes)]
        self.stdout.write(
            f"{account.name} is connected ({' and '.join(proved)}). `manage.py sync` reads it now, the worker goes on."
        )

    def _origins(self, options: dict[str, Any]) -> Origins:
        given = [options["accounts_url"], options["flow_url"], options["crm_url"]]
        if options["data_center"] != "custom":
            if any(given):
                raise CommandError("--accounts-url, --flow-url and --crm-url go with --data-center custom only")
            return DATA_CENTERS[options["data_center"]]
        try:
            return custom_origins(*given, allow_loopback=settings.ALLOW_LOOPBACK)
        except ValueError as error:
            raise CommandError(str(error)) from None

    def _limits(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {name: options[name] for name in ("calls_per_minute", "calls_per_day")}
        for name, value in own.items():
            require_range("--" + name.replace("_", "-"), value, 1, MOST_CALLS)
        if options["plan"] and any(value is not None for value in own.values()):
            raise CommandError("give either --plan or --calls-per-minute and --calls-per-day")
        return {"plan": options["plan"], **own}

    def _secret(self, variable: str, prompt: str) -> str:
        value = os.environ.get(variable, "").strip()
        if not value and sys.stdin.isatty():
            value = getpass.getpass(prompt).strip()
        if not value:
            raise CommandError(f"{variable} is not set, and there is no terminal to ask on")
        return value
