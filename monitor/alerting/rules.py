"""Creates the rules that every new account starts with."""

from __future__ import annotations

from monitor.models import AlertRule, ZohoAccount

DEFAULTS = {
    "success_rate": (
        "Success rate below 95 %",
        {"threshold": 95.0, "recover_at": 95.0, "window_hours": 7 * 24, "min_runs": 20},
    ),
    "failing_now": ("Failing now", {}),
}


def ensure_default_rules(account: ZohoAccount) -> list[AlertRule]:
    """Gives the account its default rules: success rate below 95 % over 7 days, and failing now.

    Running it again returns the rules as people may have changed them since.
    """
    return [
        AlertRule.objects.get_or_create(
            account=account, kind=kind, is_default=True, defaults={"name": name, "options": options}
        )[0]
        for kind, (name, options) in DEFAULTS.items()
    ]
