"""Says what has happened to a run since a person confirmed its retry within a batch, that makes the retry wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.access import may
from monitor.models import ITEM_TOKEN, Execution, FlowVersion, RetryAttempt, RetryBatch, RetryItem, zoho_ahead
from monitor.retry.facts import facts_for
from monitor.retry.safety import judge


def why_not(item: RetryItem, now: datetime, *, attempt: RetryAttempt | None = None) -> tuple[str, str] | None:
    """Returns the code and the reason not to send it, None for nothing.

    It is asked twice: when an item has its turn, and right before it is sent.

    Args:
        item: with its batch.
        now: the present, aware.
        attempt: its own wish, where it has one already.
    """
    batch = item.batch
    if not may(batch.requested_by, "retry.bulk", batch.account):
        return "not_permitted", "The person who asked for it may no longer retry many at once."
    execution = Execution.objects.select_related("account", "flow").filter(pk=item.execution_id).first()
    if execution is None:
        return "not_there", "The run is no longer kept here."
    if _is_changed(execution, batch):
        return "flow_changed", "The flow was changed after the preview."
    others = RetryAttempt.objects.filter(execution=execution, requested_at__gte=batch.seen_at)
    # What this batch has asked for is nobody else's, and what was called off before it was sent was no retry.
    others = others.exclude(client_token__startswith=f"{ITEM_TOKEN}{item.batch_id}-item-{item.pk}-")
    others = others.exclude(state=RetryAttempt.State.CANCELLED)
    other = others.select_related("requested_by").first()
    if other is not None:
        return "retried_meanwhile", f"{other.requested_by.get_username()} has retried it since the preview."
    if hasattr(execution, "failure") and execution.failure.fate == "written_off":
        return "written_off", "It was written off."
    verdict = judge(facts_for(execution, now, besides=attempt), now)
    if verdict.kind == "risky" and batch.accept_risk and not verdict.risks <= set(item.verdict.split()):
        # The risk that was accepted was another one, or none.
        return "new_risk", verdict.reasons[0]
    return None


def _is_changed(execution: Execution, batch: RetryBatch) -> bool:
    """Returns whether the flow was edited after the preview, by its own time or by a definition that is new here."""
    ahead = zoho_ahead(batch.account_id).first() or timedelta(0)
    modified = execution.flow.modified_time
    if modified is not None and modified > batch.seen_at + ahead:
        return True
    # One that was seen late may have been made before: where Zoho says when, that is what counts.
    news = FlowVersion.objects.filter(flow=execution.flow_id, first_seen_at__gt=batch.seen_at, number__gt=1)
    made = news.order_by("-number").values_list("modified_time", flat=True).first() if news.exists() else None
    return news.exists() and (made is None or made > batch.seen_at + ahead)
