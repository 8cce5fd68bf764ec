"""Shows an account's limits of calls, or sets numbers of one's own (`manage.py limits`)."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from monitor.connection import utc_now
from monitor.connection.set_limits import set_limits
from monitor.management.data_command import DataCommand
from monitor.management.ranges import require_range
from monitor.models import MOST_AT_ONCE, MOST_CALLS, MOST_CREDITS, Plan, ZohoAccount, system_user
from monitor.queries.accounts import BudgetUse, budgets

MOST = {
    "calls_per_minute": MOST_CALLS,
    "calls_per_day": MOST_CALLS,
    "crm_credits_per_day": MOST_CREDITS,
    "crm_calls_at_once": MOST_AT_ONCE,
}


class Command(DataCommand):
    help = (
        "How many calls Zoho may get from us: what is in force and where it comes from. A number given here takes the "
        "place of the plan's or the CRM edition's; 0 gives it back to them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of the account")
        parser.add_argument("--plan", choices=["", *Plan.values], help="of Zoho Flow")
        for name in MOST:
            parser.add_argument(_option(name), type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        account = ZohoAccount.objects.filter(name=options["name"]).first()
        if account is None:
            raise CommandError(f"there is no account called {options['name']!r}")
        values: dict[str, Any] = {name: options[name] or None for name in MOST if options[name] is not None}
        for name, value in values.items():
            require_range(_option(name), value, 1, MOST[name])
        if options["plan"] is not None:
            values["plan"] = options["plan"]
        now = utc_now()
        if values:
            set_limits(account, values, actor=system_user(), now=now)
        for use in budgets(account, now):
            self.stdout.write(_line(use))


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _line(use: BudgetUse) -> str:
    limits = use.limits
    parts = [
        f"{limit:,} {what}"
        for limit, what in (
            (limits.per_minute, "calls a minute"),
            (limits.per_day, "calls in 24 hours"),
            (limits.at_once, "calls at once"),
        )
        if limit is not None
    ]
    return f"{use.label}: {', '.join(parts) or 'not known yet'} ({limits.source})"
