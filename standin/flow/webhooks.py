"""Describes a custom webhook of Zoho Flow."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Webhook:
    """Holds a custom webhook that starts a flow; the key in its address is a secret."""

    webhook_id: str
    name: str
    flow_id: str
    method: str
    key: str
    created: datetime
    authentication: dict[str, Any]
