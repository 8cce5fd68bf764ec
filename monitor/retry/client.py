"""Says what this stage needs of a connection to Zoho; `monitor.connection.open_account` gives it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, Protocol

from monitor.models import ZohoAccount
from monitor.zoho.shapes.executions import ExecutionPage, ExecutionRow, RetryReply
from monitor.zoho.tokens import TokenSource


class FlowCalls(Protocol):
    """Holds the calls to Zoho Flow this stage makes; see `monitor.zoho.flow.executions` for what they raise.

    `last_server_date` is the clock of Zoho in its newest answer, None before the first or where it sends none.
    """

    @property
    def last_server_date(self) -> datetime | None: ...

    def get_execution(self, flow_id: str, execution_id: str) -> ExecutionRow: ...

    def list_executions(
        self,
        flow_id: str,
        *,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        page: int = 1,
        per_page: int | None = None,
    ) -> ExecutionPage: ...

    def retry_execution(self, flow_id: str, execution_id: str) -> RetryReply: ...


class Clients(Protocol):
    """Holds the open clients of one account; `flow` is None where it has no Zoho Flow."""

    @property
    def flow(self) -> FlowCalls | None: ...

    @property
    def tokens(self) -> TokenSource: ...


class OpenAccount(Protocol):
    """Opens an account's clients; "people" may use the reserve of the call budget."""

    def __call__(self, account: ZohoAccount, *, priority: Literal["people"]) -> AbstractContextManager[Clients]: ...
