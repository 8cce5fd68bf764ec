"""Creates the rule that every new account starts with."""

from __future__ import annotations

from monitor.models import AlertRule, ZohoAccount


def ensure_default_rule(account: ZohoAccount) -> AlertRule:
    """Gives the account its default rule: below 95 % over 7 days, at least 20 runs, recovers at 95 %.

    Running it again returns the rule as a person may have changed it since.
    """
    rule, _ = AlertRule.objects.get_or_create(
        account=account,
        kind="success_rate",
        is_default=True,
        defaults={
            "name": "Success rate below 95 %",
            "options": {"threshold": 95.0, "recover_at": 95.0, "window_hours": 7 * 24, "min_runs": 20},
        },
    )
    return rule
