"""The one fake Zoho: plain lists and switches, no HTTP, for tests of what is decided.

- `Zoho` is what a sweep reads (`reading.py`); `sync(account, zoho)` reads it. Its rows are `Run`, `FakeFlow`,
  `a_rule` and others (`records.py`).
- `RetryingZoho` (`retrying.py`) takes retries as well, and keeps a ledger of which POST caused which run.

What is said on the wire is the stand-in's to tell (`standin/`), in process or on a socket.
"""

from tests.fake_zoho.clock import Clock
from tests.fake_zoho.reading import (
    FakeCrmClient,
    FakeFlowClient,
    Killed,
    NoTokens,
    Zoho,
    a_task,
    hasty,
    opener,
    patient,
    sync,
)
from tests.fake_zoho.records import ABSENT, FakeFlow, Json, Run, a_connected, a_rule, a_usage, a_webhook_failure, stamp
from tests.fake_zoho.retrying import RetryingZoho

__all__ = [
    "ABSENT",
    "Clock",
    "FakeCrmClient",
    "FakeFlow",
    "FakeFlowClient",
    "Json",
    "Killed",
    "NoTokens",
    "RetryingZoho",
    "Run",
    "Zoho",
    "a_connected",
    "a_rule",
    "a_task",
    "a_usage",
    "a_webhook_failure",
    "hasty",
    "opener",
    "patient",
    "stamp",
    "sync",
]
