"""Manages addresses for callbacks on the command line (`manage.py hooks`)."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from monitor.hooks import endpoints
from monitor.hooks.endpoints import EndpointRefused, Shown
from monitor.management.data_command import DataCommand, accounts_named
from monitor.management.ranges import require_range
from monitor.models import MOST_RATE, USUAL_RATE, Flow, HookEndpoint, ZohoAccount, system_user
from monitor.queries import hooks as queries

OWN_SECRET = "HOOK_SECRET"  # noqa: S105 - the variable's name
LONGEST_NAME = 100


class Command(DataCommand):
    help = (
        "Makes, shows and ends the addresses that the error branches of flows post to. A new address and its secret "
        "are printed once. A secret of your own comes from HOOK_SECRET, never from the command line."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="list|create|rotate|retire|delete|watch")
        acts.add_parser("list", help="all addresses and what came in").add_argument("account", nargs="?")
        create = acts.add_parser("create", help="a new address and its secret")
        create.add_argument("account")
        create.add_argument("name", help="what calls; unique in the account")
        create.add_argument("--flow", default="", help="Zoho's id of the only flow that it speaks for")
        create.add_argument("--per-minute", type=int, default=USUAL_RATE, help=f"callbacks a minute ({USUAL_RATE})")
        for act, text in (
            ("rotate", "one more secret; the ones before stay valid"),
            ("retire", "removes every secret but the newest"),
            ("delete", "takes the address away"),
        ):
            parsed = acts.add_parser(act, help=text)
            parsed.add_argument("account")
            parsed.add_argument("name")
        watch = acts.add_parser("watch", help="whether Zoho CRM is asked to tell of changed records")
        watch.add_argument("account")
        watch.add_argument("switch", choices=["on", "off"])

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs one act.

        Raises:
            CommandError: one line saying what is wrong; nothing is changed.
        """
        try:
            getattr(self, "_" + options["act"])(options)
        except EndpointRefused as refusal:
            raise CommandError(str(refusal)) from None

    def _list(self, options: dict[str, Any]) -> None:
        rows = queries.hooks()
        if options["account"] is not None:
            rows = rows.filter(account=_account(options["account"]))
        for row in rows:
            came = getattr(row, "traffic", None)
            state = "on" if row.is_active else "off"
            last = f"{came.last_received_at:%Y-%m-%d %H:%M:%S} UTC" if came and came.last_received_at else "never"
            counted = (came.accepted, came.replayed, came.refused) if came else (0, 0, 0)
            numbers = "accepted {}, sent again {}, refused {}".format(*counted)
            flow = row.flow.flow_id if row.flow else "any flow"
            self.stdout.write(f"{row.account.name}: {row.name} ({state}, {flow}): last {last}; {numbers}")
        if not rows:
            self.stdout.write("There is no address for callbacks: see `manage.py hooks create --help`.")

    def _create(self, options: dict[str, Any]) -> None:
        account, name = _account(options["account"]), options["name"].strip()
        if not name or len(name) > LONGEST_NAME:
            raise CommandError(f"the name must have 1 to {LONGEST_NAME} characters")
        require_range("--per-minute", options["per_minute"], 1, MOST_RATE)
        flow = None
        if options["flow"]:
            flow = Flow.objects.filter(account=account, flow_id=options["flow"], gone_at=None).first()
            if flow is None:
                raise CommandError(f"{account.name} has no flow with the id {options['flow']!r}; has it been synced?")
        shown = endpoints.create(
            account=account,
            name=name,
            flow=flow,
            per_minute=options["per_minute"],
            secret=_own_secret(),
            actor=system_user(),
            now=timezone.now(),
        )
        self._show(shown)

    def _rotate(self, options: dict[str, Any]) -> None:
        row = _endpoint(options)
        self._show(endpoints.rotate(row, actor=system_user(), now=timezone.now(), secret=_own_secret()))

    def _retire(self, options: dict[str, Any]) -> None:
        count = endpoints.retire(_endpoint(options), actor=system_user(), now=timezone.now())
        self.stdout.write(f"{count} old secret(s) removed")

    def _delete(self, options: dict[str, Any]) -> None:
        endpoints.delete(_endpoint(options), actor=system_user(), now=timezone.now())
        self.stdout.write(f"{options['name']} is deleted")

    def _watch(self, options: dict[str, Any]) -> None:
        on = options["switch"] == "on"
        endpoints.watch(_account(options["account"]), on=on, actor=system_user(), now=timezone.now())
        self.stdout.write(
            "channels are opened with the next reads" if on else "channels are closed with the next reads"
        )

    def _show(self, shown: Shown) -> None:
        if shown.address:
            self.stdout.write(f"address: {shown.address}")
        self.stdout.write(f"secret: {shown.secret}")
        self.stderr.write("Shown only now.")


def _own_secret() -> str:
    return os.environ.get(OWN_SECRET, "").strip()


def _account(name: str) -> ZohoAccount:
    return accounts_named(name)[0]


def _endpoint(options: dict[str, Any]) -> HookEndpoint:
    account = _account(options["account"])
    found = HookEndpoint.objects.filter(account=account, name=options["name"]).first()
    if found is None:
        raise CommandError(f"{account.name} has no address named {options['name']!r}: see `manage.py hooks list`")
    return found
