"""Says whether anything of an account can be sent now, and how much of each flow is on its way."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from monitor.models import ApiBudget, Product, RetryAttempt, ZohoAccount

MOST_OPEN_OF_A_FLOW = 10  # executions of a flow that run at once (docs/reference/zoho-flow.md, "Plans and limits")
_ON_THE_WAY = (RetryAttempt.State.REQUESTED, RetryAttempt.State.SENDING, RetryAttempt.State.ACCEPTED)


def must_wait(account: int, now: datetime) -> bool:
    """Returns whether nothing of the account can be sent now: it is paused, or Zoho wants to be left alone.

    Args:
        account: its primary key.
        now: the present, aware.
    """
    if not ZohoAccount.objects.filter(pk=account, is_active=True).exists():
        return True
    return ApiBudget.objects.filter(account=account, product=Product.FLOW, blocked_until__gt=now).exists()


def busy_flows(account: int) -> Counter[int]:
    """Returns how many retries of each flow of an account are asked for or under way, by the flow's primary key."""
    on_the_way = RetryAttempt.objects.filter(account=account, state__in=_ON_THE_WAY)
    return Counter(on_the_way.order_by().values_list("execution__flow_id", flat=True))
