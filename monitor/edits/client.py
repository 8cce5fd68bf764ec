"""Says what this stage needs of a connection to Zoho; `monitor.connection.open_account` gives it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol

from monitor.models import ZohoAccount
from monitor.zoho.crm import CrmClient
from monitor.zoho.flow import FlowClient
from monitor.zoho.tokens import TokenSource


class EditClients(Protocol):
    """Holds the open clients of one account; a product that it does not have is None."""

    @property
    def flow(self) -> FlowClient | None: ...

    @property
    def crm(self) -> CrmClient | None: ...

    @property
    def tokens(self) -> TokenSource: ...


class OpenForEdits(Protocol):
    """Opens an account's clients; "people" may use the reserve of the call budget."""

    def __call__(self, account: ZohoAccount, *, priority: Literal["people"]) -> AbstractContextManager[EditClients]: ...
