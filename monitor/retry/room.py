"""Says whether anything of an account can be sent now."""

from __future__ import annotations

from datetime import datetime

from monitor.models import ApiBudget, Product, ZohoAccount


def must_wait(account: int, now: datetime) -> bool:
    """Returns whether nothing of the account can be sent now: it is paused, or Zoho wants to be left alone.

    Args:
        account: its primary key.
        now: the present, aware.
    """
    if not ZohoAccount.objects.filter(pk=account, is_active=True).exists():
        return True
    return ApiBudget.objects.filter(account=account, product=Product.FLOW, blocked_until__gt=now).exists()
