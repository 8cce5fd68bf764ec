"""Passes the queue's tasks on to the pipeline, one line each: ids only, no logic.

There is no `except`, since a swallowed exception would be filed as a success. Every task may be run twice.
"""

from __future__ import annotations

from django.utils import timezone

from monitor import pipeline
from monitor.models import WorkerBeat


def tick() -> None:
    """Enqueues the accounts that are due."""
    pipeline.enqueue_due_accounts(timezone.now())


def sync_account(account_id: int) -> None:
    """Mirrors one account as far as a task's time goes."""
    pipeline.sync_account(account_id)


def recount() -> None:
    """Counts what changed."""
    pipeline.recount()


def judge() -> None:
    """Counts what changed and judges the alert rules."""
    pipeline.judge()


def deliver() -> None:
    """Sends the mails that are due."""
    pipeline.deliver()


def notify_channels() -> None:
    """Sends the messages to channels that are due."""
    pipeline.notify_channels()


def send_retries() -> None:
    """Sends requested retries and settles those whose outcome is open."""
    pipeline.settle_retries()


def send_edits() -> None:
    """Sends people's changes and settles those whose outcome is open."""
    pipeline.settle_edits()


def take_hints() -> None:
    """Makes due what callbacks hint at."""
    pipeline.take_hints()


def housekeeping() -> None:
    """Takes away what has outlived its time."""
    pipeline.housekeeping()


def canary(token: str) -> None:
    """Shows that a task came the whole way from the queue to a worker. `token` says which one."""
    WorkerBeat.objects.update_or_create(name="canary", defaults={"beat_at": timezone.now(), "detail": {"token": token}})
