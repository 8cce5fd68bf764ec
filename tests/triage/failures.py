"""Short ways to the cause of a failure."""

from __future__ import annotations

from typing import Any

from monitor.triage.fingerprint import FailureCause, cause_of


def said(message: Any, trigger_data: Any = None, **more: Any) -> FailureCause:
    """The cause of a failure with this message, in one app and action."""
    return cause_of(**({"app": "Zoho CRM", "action": "Create Lead"} | more), message=message, trigger_data=trigger_data)


def template(message: Any, trigger_data: Any = None) -> str:
    return said(message, trigger_data).template


def are_one(*messages: Any) -> bool:
    """Whether all of these messages have one fingerprint."""
    return len({said(message).fingerprint for message in messages}) == 1
