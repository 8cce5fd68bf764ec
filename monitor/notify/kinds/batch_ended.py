"""Reports how a batch of retries ended."""

from __future__ import annotations

from datetime import tzinfo

from django.utils.translation import gettext_noop

from monitor.batch_outcomes import Progress, progress_of, skip_reasons
from monitor.models import Occasion, RetryBatch, RetryItem
from monitor.notify.compose import in_words, whole
from monitor.notify.kinds.kind import Letter, MailKind, page_of
from monitor.notify.kinds.of_problem import quote, title, who
from monitor.notify.words import clean
from monitor.privacy import mask_text

State, Item = RetryBatch.State, RetryItem.State
_WORDS = {State.FINISHED: "is finished", State.STOPPED: "stopped by itself", State.CANCELLED: "was cancelled"}
# What stands in the subject, and in the mail, where there is any: the good and the bad first.
_OUTCOMES = (Item.SUCCEEDED, Item.FAILED, Item.UNKNOWN, Item.SKIPPED, Item.STARTED, Item.WAITING)


def _letter(occasion: Occasion, zone: tzinfo) -> Letter:
    batch = occasion.batch
    if batch is None:
        raise ValueError("the occasion is not about a batch")
    progress = progress_of([batch.pk])[batch.pk]
    how = _WORDS[State(occasion.state)]
    return Letter(
        subject=f"[Retries] Batch {batch.pk} {how}: {_in_short(progress)}",
        intro=_intro(occasion, batch, how),
        rows=tuple(_rows(batch, progress, zone)),
        page=page_of(occasion),
        button="Open the batch",
        counted_title="Skipped, because",
        counted=tuple((reason.count, clean(reason.words) or "no reason was noted") for reason in skip_reasons(batch)),
        links=tuple(_links(batch, progress)),
        is_good=progress.succeeded == progress.total,
    )


def _in_short(progress: Progress) -> str:
    found = [(getattr(progress, state), state.label.lower()) for state in _OUTCOMES]
    return ", ".join(f"{count} {label}" for count, label in found if count)


def _intro(occasion: Occasion, batch: RetryBatch, how: str) -> str:
    by = f" by {who(occasion.actor)}" if occasion.state == State.CANCELLED else ""
    reason = f" {clean(batch.state_reason)}" if batch.state_reason else ""
    return f"A batch of retries of yours {how}{by}.{reason}"


def _rows(batch: RetryBatch, progress: Progress, zone: tzinfo) -> list[tuple[str, str]]:
    found = [("Runs", str(progress.total))]
    found += [(state.label, str(getattr(progress, state))) for state in _OUTCOMES if getattr(progress, state)]
    found.append(("Why", quote(mask_text(batch.reason, people=batch.people))))
    if batch.problem is not None:
        found.append(("Problem", title(batch.problem)))
    found.append(("Confirmed", in_words(batch.requested_at, zone)))
    found.append(("Account", clean(batch.account.name)))
    return found


def _links(batch: RetryBatch, progress: Progress) -> list[tuple[str, str]]:
    """Returns where to look further: at what did not succeed, and at the problem whose failures they were."""
    page = whole(batch.get_absolute_url())
    unhappy = [state for state in (Item.FAILED, Item.UNKNOWN, Item.SKIPPED) if getattr(progress, state)]
    found = [(f"{state.label} ({getattr(progress, state)})", f"{page}?state={state.value}") for state in unhappy]
    if batch.problem is not None:
        found.append(("The problem", whole(batch.problem.get_absolute_url())))
    return found


KIND = MailKind(
    name=Occasion.Kind.BATCH_ENDED,
    topic="retries",
    headline="A batch of retries has ended",
    switch=gettext_noop("Send me reports of batches of retries that I confirmed"),
    why="you confirmed these retries, or went on with them",
    no_more=gettext_noop("about batches of retries"),
    letter=_letter,
)
