"""Creates the rules that every new account starts with."""

from __future__ import annotations

from typing import Any

from monitor.models import AlertRule, ZohoAccount

# What differs from a rule's usual values, by kind.
DEFAULTS: dict[str, dict[str, Any]] = {
    "success_rate": {
        "name": "Success rate below 95 %",
        "options": {"threshold": 95.0, "recover_at": 95.0, "window_hours": 7 * 24, "min_runs": 20},
    },
    "failing_now": {"name": "Failing now", "options": {"false_alerts": 1.0}},
    "connection": {"name": "A connection does not work", "repeat_hours": 24},
    "crm": {"name": "Actions of a workflow rule fail", "options": {"finds": "actions"}, "repeat_hours": 24},
    # A worker that was away for long needs some minutes for all accounts once it is back.
    "mirror": {"name": "The mirror does not follow Zoho", "for_minutes": 5, "repeat_hours": 24},
}


def ensure_default_rules(account: ZohoAccount) -> list[AlertRule]:
    """Gives the account its default rules: success rate, failing now, connections, workflow rules and mirror.

    Running it again returns the rules as people may have changed them since.
    """
    return [
        AlertRule.objects.get_or_create(account=account, kind=kind, is_default=True, defaults=fields)[0]
        for kind, fields in DEFAULTS.items()
    ]
