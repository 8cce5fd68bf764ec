"""Opens ready Zoho clients for an account, with its tokens from the database and every call counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from monitor.connection.budget import BudgetSpent, Gate
from monitor.connection.network import open_transport
from monitor.connection.organisation import zone_of
from monitor.connection.tokens import DatabaseTokens
from monitor.models import ZohoAccount
from monitor.zoho.crm import CrmClient
from monitor.zoho.datacenters import Origins
from monitor.zoho.flow import FlowClient
from monitor.zoho.oauth import OAuthClient

__all__ = ["CALL_TOTAL", "AccountClients", "BudgetSpent", "Gate", "open_account", "utc_now"]

REFRESH_TOTAL = 20.0  # seconds; shorter than the refresh lease
CALL_TOTAL = 45.0  # seconds; shorter than the lease of a sweep


def utc_now() -> datetime:
    """Returns the present, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class AccountClients:
    """Holds the clients of one account; a product that the account does not have is None."""

    account: ZohoAccount
    flow: FlowClient | None
    crm: CrmClient | None
    tokens: DatabaseTokens
    gate: Gate

    @property
    def products(self) -> set[str]:
        """Returns which products there are: "flow", "crm"."""
        return {name for name, client in (("flow", self.flow), ("crm", self.crm)) if client is not None}


@contextmanager
def open_account(
    account: ZohoAccount,
    *,
    priority: Literal["background", "people"] = "background",
    clock: Callable[[], datetime] = utc_now,
    keep_alive: Callable[[], None] | None = None,
    try_refused: bool = False,
    total: float = CALL_TOTAL,
) -> Iterator[AccountClients]:
    """Opens the clients of an account and closes their sockets at the end.

    Args:
        account: a stored account.
        priority: "people" may use the reserve of the API budget.
        clock: returns the present; given in for tests.
        keep_alive: called before every single call, for a holder of a lease; may raise to stop.
        try_refused: tries a credential that was refused earlier once more.
        total: seconds that a call may take with its repeats.
    """
    gate = Gate(account, clock, for_people=priority == "people")

    def before(product: str, method: str, path: str) -> object:
        if keep_alive is not None:
            keep_alive()
        return gate.before(product, method, path)

    with open_transport(total) as transport, open_transport(REFRESH_TOTAL) as accounts_transport:
        origins = Origins(accounts=account.accounts_url, flow=account.flow_url or None, crm=account.crm_url or None)
        oauth = OAuthClient(accounts_transport, origins, account.client_id, account.client_secret)
        tokens = DatabaseTokens(account, oauth, clock, try_refused=try_refused)
        zone = zone_of(account)
        yield AccountClients(
            account=account,
            flow=FlowClient(transport, origins.flow, tokens, before, gate.after, zone) if origins.flow else None,
            crm=CrmClient(transport, origins.crm, tokens, before, gate.after, zone) if origins.crm else None,
            tokens=tokens,
            gate=gate,
        )
