"""Says which organisation the demo shows, and what happens in it while somebody looks: one flow goes bad."""

from __future__ import annotations

import io
import os

from django.core.management import call_command

from monitor.models import ZohoAccount
from standin.crm.templates import RULES
from standin.demo import people
from standin.demo.settings import FOLDER

ACCOUNT = "Demo company"
CLIENT_ID = "1000.DEMOCLIENT"
GOES_BAD_AFTER = 120  # seconds: long enough to look around first


def standin_command(port: int) -> list[str]:
    """Returns the command that starts the demo's Zoho: one flow goes bad after two minutes."""
    return [
        *("standin", "--port", str(port), "--client-id", CLIENT_ID, "--plan", "enterprise", "--rules", str(len(RULES))),
        *("--state", str(FOLDER / "zoho.journal"), "--flow-goes-bad-after", str(GOES_BAD_AFTER)),
    ]


def is_connected(zoho: str) -> bool:
    """Returns whether the demo's account speaks to the stand-in at this address."""
    return ZohoAccount.objects.filter(name=ACCOUNT, accounts_url=zoho).exists()


def connect(zoho: str, kept: dict[str, str]) -> None:
    """Connects the demo's account with the stand-in at this address.

    Args:
        zoho: the stand-in's address.
        kept: the demo's secrets, see `settings.load`.
    """
    os.environ["ZOHO_CLIENT_SECRET"] = kept["STANDIN_CLIENT_SECRET"]
    os.environ["ZOHO_REFRESH_TOKEN"] = kept["STANDIN_REFRESH_TOKEN"]
    try:
        call_command(
            "connect",
            ACCOUNT,
            *("--data-center", "custom", "--accounts-url", zoho, "--flow-url", zoho, "--crm-url", zoho),
            *("--client-id", CLIENT_ID, "--plan", "enterprise"),
            stdout=io.StringIO(),
        )
    finally:
        del os.environ["ZOHO_CLIENT_SECRET"], os.environ["ZOHO_REFRESH_TOKEN"]


def greeting(port: int, password: str) -> str:
    """Returns what the terminal says when everything runs."""
    return "\n".join(
        [
            "",
            f"  The demo runs at    http://127.0.0.1:{port}",
            f"  Sign in as          {', '.join(people.PEOPLE)}",
            f"  Password            {password}    (of this start only)",
            "",
            "  Thirty days of history are read in the first minutes. After two minutes one flow goes bad.",
            "  Logs: var/demo/*.log. Ctrl-C ends everything.",
            "",
        ]
    )
