"""Stores what people are to be notified of: the hand-over into `monitor.notify`, one row for each person and act."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import models

from monitor.models.alerts import Transition
from monitor.models.digests import Digest
from monitor.models.edits import Edit
from monitor.models.people import User
from monitor.models.retries import RetryAttempt, RetryBatch
from monitor.models.triage import Problem, ProblemAct
from monitor.periods import DAY


class Occasion(models.Model):
    """Records that something happened that a person is notified of by mail, in the transaction in which it happened.

    Who does the act adds it (`tell`); `monitor.notify` claims it by `dispatch_state` and writes the mail. Incidents
    have an occasion of their own, `Notice`: who is notified of them is not known before.
    """

    class Kind(models.TextChoices):
        """Names what happened; what a mail of it says is in the module of this name in `monitor/notify/kinds/`."""

        ASSIGNED = "assigned", "Assigned"
        NOTE = "note", "Note"
        RESOLVED = "resolved", "Resolved by itself"
        BATCH_ENDED = "batch_ended", "Retries ended"
        OUTCOME_UNKNOWN = "outcome_unknown", "Outcome unknown"
        CHANGE_UNKNOWN = "change_unknown", "Outcome of a change unknown"
        DIGEST_DAILY = "digest_daily", "Daily digest"
        DIGEST_WEEKLY = "digest_weekly", "Weekly digest"
        ALIVE = "alive", "I am alive"

    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="occasions")
    act = models.ForeignKey(ProblemAct, on_delete=models.CASCADE, null=True, related_name="occasions")
    batch = models.ForeignKey(RetryBatch, on_delete=models.CASCADE, null=True, related_name="occasions")
    retry = models.ForeignKey(RetryAttempt, on_delete=models.CASCADE, null=True, related_name="occasions")
    edit = models.ForeignKey(Edit, on_delete=models.CASCADE, null=True, related_name="occasions")
    digest = models.OneToOneField(Digest, on_delete=models.CASCADE, null=True, related_name="occasion")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", help_text="who did it"
    )
    state = models.CharField(max_length=10, blank=True, help_text="that the batch came to")
    dispatch_state = models.CharField(
        max_length=10, choices=Transition.Dispatch.choices, default=Transition.Dispatch.NEW
    )
    dispatched_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["act", "recipient"], name="one_occasion_of_an_act_for_a_person"),
            models.CheckConstraint(
                condition=models.Q(act__isnull=False, batch=None, retry=None, edit=None, digest=None)
                | models.Q(act=None, batch__isnull=False, retry=None, edit=None, digest=None)
                | models.Q(act=None, batch=None, retry__isnull=False, edit=None, digest=None)
                | models.Q(act=None, batch=None, retry=None, edit__isnull=False, digest=None)
                | models.Q(act=None, batch=None, retry=None, edit=None, digest__isnull=False),
                name="an_occasion_has_one_subject",
            ),
        ]
        indexes = [
            models.Index(fields=["at", "id"], name="occasion_new", condition=models.Q(dispatch_state="new")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.at}"

    @property
    def subject(self) -> Problem | RetryBatch | RetryAttempt | Edit | Digest:
        """Returns what the person is notified about."""
        found = self.act.problem if self.act is not None else self.batch or self.retry or self.edit or self.digest
        if found is None:
            raise ValueError("an occasion has an act, a batch, a retry, a change or a digest")
        return found


def notify_of_act(
    kind: Occasion.Kind, people: Iterable[User | None], act: ProblemAct, *, by: User | None = None
) -> None:
    """Notifies people of what happened to a problem; nobody of what they did themselves.

    Args:
        kind: of the mail.
        people: whom it concerns; those who are named twice are notified once.
        act: the line of the problem's log, in whose transaction this is called.
        by: who brought it about, where the program wrote the line.
    """
    actor = by or act.actor
    keys = {person.pk for person in people if person is not None} - {actor.pk if actor is not None else None}
    Occasion.objects.bulk_create(
        Occasion(kind=kind, at=act.at, recipient_id=key, act=act, actor=actor) for key in sorted(keys)
    )


def notify_of_batch(batch: RetryBatch, state: str, *, at: datetime, by: User | None) -> None:
    """Notifies who confirmed a batch, and who went on with it last, that it has ended, unless they ended it themselves.

    Args:
        batch: which; this is called in the transaction in which it ends.
        state: that it came to.
        at: the present.
        by: who ended it; None for the program.
    """
    # As it is now: who has read the batch need not know who went on with it.
    confirmed = RetryBatch.objects.values_list("requested_by", "resumed_by").get(pk=batch.pk)
    keys = {key for key in confirmed if key is not None} - {by.pk if by is not None else None}
    Occasion.objects.bulk_create(
        Occasion(kind=Occasion.Kind.BATCH_ENDED, at=at, recipient_id=key, batch=batch, actor=by, state=state)
        for key in sorted(keys)
    )


def notify_of_unknown(attempt: RetryAttempt, *, at: datetime) -> None:
    """Asks who wanted a retry to look what became of it.

    Many at once are told of together: those of a batch once, for its report counts them, and those of a policy once in
    24 hours.

    Args:
        attempt: whose outcome stays unknown; this is called in the transaction that says so.
        at: the present.
    """
    told = Occasion.objects.filter(kind=Occasion.Kind.OUTCOME_UNKNOWN, recipient=attempt.requested_by_id)
    if attempt.is_of_batch:
        # An item whose retry was called back has another one by now; those that were sent keep theirs.
        told = told.filter(retry__item__batch__items__attempt=attempt)
    elif attempt.is_of_policy:
        told = told.filter(retry__policy=attempt.policy_id, at__gt=at - DAY)
    else:
        told = told.filter(retry=attempt)
    if not told.exists():
        Occasion.objects.create(
            kind=Occasion.Kind.OUTCOME_UNKNOWN, at=at, recipient_id=attempt.requested_by_id, retry=attempt
        )


def notify_of_unknown_change(edit: Edit, *, at: datetime) -> None:
    """Asks who wanted a change at Zoho to look what became of it.

    Args:
        edit: whose outcome stays unknown; this is called in the transaction that says so.
        at: the present.
    """
    Occasion.objects.create(kind=Occasion.Kind.CHANGE_UNKNOWN, at=at, recipient_id=edit.requested_by_id, edit=edit)
