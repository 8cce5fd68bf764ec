"""Loads how fresh and complete an account's mirror is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor import vault
from monitor.alerting.kinds.mirror.condition import MirrorBehind, MirrorMaterial
from monitor.alerting.kinds.subjects import ACCOUNT, AlertSubject, SubjectMaterial
from monitor.freshness import LABELS, NEVER, OK, Judged, facts_of, judge_account
from monitor.models import Flow, Stream, StreamState, SyncState, ZohoAccount
from monitor.privacy import mask_text

# What may still be missing of an account whose history is read for the first time.
BEHIND_WHILE_READING = {Stream.EXECUTIONS, Stream.DEFINITIONS, Stream.RULE_LIMITS}
MISSING = (StreamState.State.INCOMPLETE, StreamState.State.FAILING, StreamState.State.PENDING)


def subjects(
    account: ZohoAccount, conditions: Sequence[MirrorBehind], now: datetime, stale: str
) -> list[SubjectMaterial]:
    """Returns the account with the state of its mirror. Four statements."""
    sync = SyncState.objects.filter(account=account).first()
    streams = {row.stream: row for row in StreamState.objects.filter(account=account)}
    flows = Flow.objects.filter(account=account, gone_at=None)
    has_unread = flows.filter(progress__executions_read_at=None).exists()
    has_holes = flows.exclude(progress__hole_reason="").exists()
    facts = facts_of(sync, streams, is_mirrored=True, is_reading=has_unread, locked=vault.trouble())
    # Whoever evaluates this lives.
    judged = judge_account(facts, Judged(OK), now)
    missing = {name for name, row in streams.items() if row.state in MISSING}
    since = account.created_at if judged.state == NEVER else judged.since
    material = MirrorMaterial(
        state=judged.state,
        label=LABELS.get(judged.state) or SyncState.State(judged.state).label,
        reason=mask_text(judged.reason),
        since=since,
        is_reading=has_unread and not has_holes and missing <= BEHIND_WHILE_READING,
    )
    return [SubjectMaterial(AlertSubject(ACCOUNT, str(account.pk), account.name), material)]
