"""Reads how far a batch is, for `steps.next_step`."""

from __future__ import annotations

from django.db.models import Count, Q

from monitor.models import RetryBatch, RetryItem
from monitor.retry.steps import BatchFacts

Item = RetryItem.State


def facts_of_batch(batch: RetryBatch) -> BatchFacts:
    """Returns what is known of a batch, by one statement."""
    in_step = Q(step=batch.step)
    counts = RetryItem.objects.filter(batch=batch).aggregate(
        waiting=Count("pk", filter=Q(state=Item.WAITING)),
        open=Count("pk", filter=Q(state=Item.STARTED)),
        started=Count("pk", filter=in_step & ~Q(state__in=(Item.WAITING, Item.SKIPPED))),
        succeeded=Count("pk", filter=in_step & Q(state=Item.SUCCEEDED)),
        failed=Count("pk", filter=in_step & Q(state__in=(Item.FAILED, Item.UNKNOWN))),
    )
    return BatchFacts(
        canary=batch.canary, step=batch.step, per_minute=batch.per_minute, next_start_at=batch.next_start_at, **counts
    )
