"""Counts what became of the items of batches of retries, and why some were skipped: for pages and mails alike."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Min

from monitor.models import Execution, RetryBatch, RetryItem
from monitor.models.asking import Asking, answered, ask
from monitor.models.masked_text import said_of_run

MOST_READ, MOST_REASONS = 50, 10


@dataclass(frozen=True)
class Progress:
    """Holds how many items of a batch are in which state."""

    waiting: int = 0
    started: int = 0
    succeeded: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        return self.waiting + self.started + self.succeeded + self.failed + self.unknown + self.skipped

    @property
    def ended(self) -> int:
        return self.total - self.waiting - self.started


@dataclass(frozen=True)
class SkipReason:
    """Holds why items were skipped, masked, and how many.

    Attributes:
        notes: as they stand on the items: several may be alike once they are masked.
    """

    words: str
    count: int
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Returns what names the reason in an address."""
        return hashlib.sha256(self.words.encode()).hexdigest()[:12]


def progress_of(keys: Collection[int]) -> dict[int, Progress]:
    """Returns how far batches are, by their primary keys. One statement."""
    return answered(ask_progress_of(keys))


def ask_progress_of(keys: Collection[int]) -> Asking[dict[int, Progress]]:
    """Asks for what `progress_of` returns."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    rows = RetryItem.objects.filter(batch__in=keys).order_by().values_list("batch", "state")
    for batch, state, count in (yield from ask(rows.annotate(count=Count("pk")))):
        counts[batch][state] += count
    return {key: Progress(**counts[key]) for key in keys}


def skip_reasons(batch: RetryBatch) -> list[SkipReason]:
    """Returns why items of a batch were skipped, the most frequent reasons first. Two statements."""
    return answered(ask_skip_reasons(batch))


def ask_skip_reasons(batch: RetryBatch) -> Asking[list[SkipReason]]:
    """Asks for what `skip_reasons` returns."""
    counts: Counter[str] = Counter()
    notes: dict[str, list[str]] = defaultdict(list)
    rows = batch.items.filter(state=RetryItem.State.SKIPPED).order_by().values_list("note")
    # A note that names somebody is of one run, or of runs about the same person: any of them tells whom it names.
    counted = rows.annotate(count=Count("pk"), run=Min("execution")).order_by("-count", "note")
    told = yield from ask(counted[:MOST_READ])
    if not told:
        return []
    of_runs = Execution.objects.filter(pk__in=[run for _, _, run in told]).only("trigger_data", "said_names")
    runs = {run.pk: run for run in (yield from ask(of_runs))}
    for note, count, run in told:
        words = said_of_run(note, runs[run])
        counts[words] += count
        notes[words].append(note)
    return [SkipReason(words, count, tuple(notes[words])) for words, count in counts.most_common(MOST_REASONS)]
