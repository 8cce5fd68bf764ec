"""Lists the ways in which an execution fails, in the shape of Zoho Flow's `error` object.

Sources: docs/reference/zoho-flow.md, "Executions" (the object) and "Re-runs by Zoho" (which answers Zoho
re-runs by itself).
"""

import random
from dataclasses import dataclass
from datetime import timedelta

# After the first failure: at most eight automatic re-runs (docs/reference/zoho-flow.md, "Re-runs by Zoho").
RERUN_AFTER = (
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Holds why one attempt failed; `step` is the place of the failed action in the flow, from 0."""

    code: str
    message: str
    details: str
    step: int
    transient: bool


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Holds a kind of failure; `{app}`, `{email}` and `{field}` in the texts are filled in when it happens."""

    name: str
    code: str
    message: str
    details: str
    transient: bool = False
    weight: int = 1

    def happen(self, *, app: str, step: int, email: str, dice: random.Random) -> Failure:
        """Returns this kind happening in the action `step`, which talks to `app`."""
        words = {
            "app": app,
            "email": email.replace("@example.com", "@example"),
            "field": dice.choice(("Tax_ID", "Billing_Country", "Last_Name", "Currency", "Close_Date")),
            "number": str(dice.randint(10_000, 99_999)),
        }
        return Failure(self.code, self.message.format(**words), self.details.format(**words), step, self.transient)


K, F = FailureKind, "ACTION_FAILED"
TRANSIENT = (
    K("503", F, "{app} is not available", "HTTP 503 from {app}", weight=5, transient=True),
    K("429", F, "{app} refused the request", "HTTP 429 from {app}: Too many requests", weight=3, transient=True),
    K("timeout", "ACTION_TIMEOUT", "{app} did not answer in time", "HTTP 504 from {app} after 30000 ms", weight=3,
      transient=True),
    K("500", F, "Internal error in {app}", "HTTP 500 from {app}", weight=2, transient=True),
    K("409", F, "{app} is busy with this record", "HTTP 409 from {app}: record {number} is locked", transient=True),
)  # fmt: skip
PERMANENT = (
    K("email", F, "Failed to create contact in {app}", "Invalid email format: '{email}'", weight=4),
    K("mandatory", F, "Failed to create record in {app}", "Mandatory field '{field}' is missing", weight=4),
    K("duplicate", F, "Failed to create record in {app}", "Duplicate record: {number} already exists", weight=2),
    K("missing", F, "Failed to update record in {app}", "Record {number} not found"),
    K("function", "CUSTOM_FUNCTION_FAILED", "Custom function ended with an error",
      "TypeError: cannot read property 'total' of null (line 14)"),
)  # fmt: skip
EXPIRED_CONNECTION = K("connection", "CONNECTION_FAILED", "The connection to {app} has expired",
                       "HTTP 401 from {app}: the access token was revoked, reconnect the account")  # fmt: skip
SICKNESS = K("sickness", F, "Failed to create invoice in {app}", "Tax 'VAT 19' does not exist")
BY_NAME = {kind.name: kind for kind in (*TRANSIENT, *PERMANENT, EXPIRED_CONNECTION, SICKNESS)}


def draw_kind(dice: random.Random, *, transient: bool) -> FailureKind:
    """Returns one kind by its weight, of those that Zoho re-runs by itself or of the others."""
    kinds = TRANSIENT if transient else PERMANENT
    return dice.choices(kinds, [kind.weight for kind in kinds])[0]
