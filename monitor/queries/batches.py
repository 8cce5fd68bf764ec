"""Shows batches of retries: what was asked, how far each is, and what became of every item; and unknown outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, QuerySet

from monitor.batch_outcomes import Progress, SkipReason, ask_progress_of, ask_skip_reasons, progress_of
from monitor.languages import gettext
from monitor.models import Execution, RetryAttempt, RetryBatch, RetryItem, User
from monitor.models.asking import answered, ask, in_step, over_all
from monitor.models.masked_text import said_of_run
from monitor.privacy import mask_text
from monitor.queries.quota import limit_seen

REASONS_OFFERED = 8
ENDED = "ended"  # of items: no matter how
State, Item = RetryBatch.State, RetryItem.State


@dataclass(frozen=True)
class BatchRow:
    """Holds one batch of a list. `reason` is masked."""

    batch: RetryBatch
    progress: Progress
    reason: str


@dataclass(frozen=True)
class ItemRow:
    """Holds an item of a list; `note` is masked."""

    item: RetryItem
    note: str


@dataclass(frozen=True)
class UnknownRow:
    """Holds a retry of unknown outcome; `answer` and `reason` are masked."""

    attempt: RetryAttempt
    answer: str
    reason: str


@dataclass(frozen=True)
class BatchDetail:
    """Holds what the page of a batch shows beside its items. Texts are masked.

    Attributes:
        per_minute: how many ended in a minute so far; None where none did.
        mark: what there is to see of it, in one word: one mark, one page.
    """

    batch: RetryBatch
    progress: Progress
    reason: str
    per_minute: float | None
    skips: list[SkipReason]
    mark: str

    @property
    def shares(self) -> list[tuple[str, str, int]]:
        """Returns each state of items with its words and how many are in it, those that ended first."""
        order = (Item.SUCCEEDED, Item.FAILED, Item.UNKNOWN, Item.SKIPPED, Item.STARTED, Item.WAITING)
        return [(state.value, gettext(state.label), getattr(self.progress, state)) for state in order]

    def skipped_for(self, key: str) -> tuple[str, ...]:
        """Returns the notes behind one of the reasons for skipping; none where no item has it any more."""
        return next((skip.notes for skip in self.skips if skip.key == key), ())

    @property
    def is_moving(self) -> bool:
        """Returns whether it changes by itself: something waits for its turn, or for its outcome."""
        return self.batch.state in (State.QUEUED, State.RUNNING) or self.progress.started > 0


def batches() -> QuerySet[RetryBatch]:
    """Batches with the joins that pages need, the newest first."""
    rows = RetryBatch.objects.select_related("account", "requested_by", "problem")
    rows = rows.annotate(limit_seen=limit_seen("account"))
    return rows.defer("account__client_secret").order_by("-requested_at", "-pk")


def with_progress(rows: Sequence[RetryBatch]) -> list[BatchRow]:
    """Adds to batches how far they are. One statement."""
    found = progress_of([batch.pk for batch in rows])
    return [BatchRow(batch, found[batch.pk], mask_text(batch.reason, people=batch.people)) for batch in rows]


def detail(batch: RetryBatch) -> BatchDetail:
    """Returns everything about one batch but its items. Two statements at most.

    Args:
        batch: from `batches()`.
    """
    newest = batch.items.filter(ended_at__isnull=False)
    found, last, skips = answered(
        in_step(ask_progress_of([batch.pk]), ask(over_all(newest, newest=Max("ended_at"))), ask_skip_reasons(batch))
    )
    progress, ended = found[batch.pk], last[0][0] if last else None
    moved = f"{batch.state}-{batch.step}-{progress.waiting}-{progress.started}-{progress.ended}-{progress.unknown}"
    return BatchDetail(
        batch=batch,
        progress=progress,
        reason=mask_text(batch.reason, people=batch.people),
        per_minute=_pace(batch, progress, ended),
        skips=skips,
        mark=moved,
    )


def items(batch: RetryBatch, state: str = "", skipped_for: Sequence[str] | None = None) -> QuerySet[RetryItem]:
    """Returns the items of a batch, in the order in which they are taken.

    Args:
        batch: which.
        state: one of `RetryItem.State`, or ENDED for those that neither wait nor are under way; empty for all.
        skipped_for: notes, of which skipped items have one; None for whatever was noted.
    """
    rows = RetryItem.objects.filter(batch=batch).select_related("execution__flow", "attempt").order_by("position")
    rows = rows.defer("execution__trigger_data", "execution__search_text", "execution__flow__raw")
    if skipped_for is not None:
        rows = rows.filter(state=Item.SKIPPED, note__in=skipped_for)
    if state == ENDED:
        return rows.exclude(state__in=(Item.WAITING, Item.STARTED))
    return rows.filter(state=state) if state else rows


def with_notes(rows: Sequence[RetryItem]) -> list[ItemRow]:
    """Masks the notes of items; what the runs were about is read for those that have one. One statement."""
    told = Execution.objects.filter(pk__in=[item.execution_id for item in rows if item.note])
    runs = told.only("trigger_data", "said_names").in_bulk()
    return [ItemRow(item, said_of_run(item.note, runs[item.execution_id]) if item.note else "") for item in rows]


def with_answers(rows: Sequence[RetryAttempt]) -> list[UnknownRow]:
    """Masks the answers of retries of unknown outcome, and why somebody asked for them."""
    return [UnknownRow(one, *(said_of_run(text, one.execution) for text in (one.answer, one.reason))) for one in rows]


def unknown() -> QuerySet[RetryAttempt]:
    """Returns the retries whose outcome nobody knows, the oldest first, with what their runs were about."""
    rows = RetryAttempt.objects.filter(state=RetryAttempt.State.UNKNOWN)
    rows = rows.select_related("account", "requested_by", "execution__flow__progress")
    rows = rows.defer("account__client_secret", "execution__search_text", "execution__flow__raw")
    return rows.order_by("sent_at", "pk")


def recent_reasons(person: User) -> list[str]:
    """Returns the reasons that a person gave last for retries, each once, the newest first. Two statements."""
    found: dict[str, datetime] = {}
    for rows in (RetryBatch.objects.all(), RetryAttempt.objects.filter(item=None)):
        said = rows.filter(requested_by=person).order_by("-pk").values_list("reason", "requested_at")
        for reason, at in said[: 4 * REASONS_OFFERED]:
            found[reason] = max(at, found.get(reason, at))
    newest = sorted(found, key=lambda reason: found[reason], reverse=True)
    return newest[:REASONS_OFFERED]


def _pace(batch: RetryBatch, progress: Progress, newest: datetime | None) -> float | None:
    tried = progress.ended - progress.skipped
    if not tried or batch.started_at is None or newest is None or newest <= batch.started_at:
        return None
    return tried / ((newest - batch.started_at) / timedelta(minutes=1))
