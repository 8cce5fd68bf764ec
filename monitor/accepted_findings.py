"""Keeps what people accept of what the audit of rules found, and takes it back. One writer of `AcceptedFinding`."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from monitor import audit
from monitor.models import AcceptedFinding, User
from monitor.rule_audit.finding import RuleFinding

LONGEST_REASON = 500


def accept(finding: RuleFinding, reason: str, *, by: User, now: datetime) -> AcceptedFinding:
    """Accepts a finding as it stands; what was accepted of it before ends.

    Args:
        finding: that was found now.
        reason: why it is all right, in people's words.
        by: who says so.
        now: the present.

    Returns:
        What holds now: of two people who accept it at once, both are given the row of the one who came first.
    """
    try:
        return _accepted(finding, reason, by, now)
    except IntegrityError:
        first = AcceptedFinding.objects.filter(account_id=finding.account_id, key=finding.key, ended_at=None).first()
        if first is None:  # something else stands against it
            raise
        return first


def _accepted(finding: RuleFinding, reason: str, by: User, now: datetime) -> AcceptedFinding:
    about = ", ".join(one.name for one in finding.subjects)[:500]
    with transaction.atomic():
        _open(finding.account_id, finding.key).update(ended_at=now, ended_by=by)
        row = AcceptedFinding.objects.create(
            account_id=finding.account_id,
            key=finding.key,
            kind=finding.kind,
            state=finding.state,
            about=about,
            reason=reason[:LONGEST_REASON],
            by=by,
            at=now,
        )
        audit.record(by, "finding.accept", row, now=now, account=finding.account_id, detail={"kind": finding.kind})
    return row


def take_back(row: AcceptedFinding, *, by: User, now: datetime) -> bool:
    """Has a finding stand again; returns whether it was accepted until now."""
    with transaction.atomic():
        is_mine = AcceptedFinding.objects.filter(pk=row.pk, ended_at=None).update(ended_at=now, ended_by=by) > 0
        if is_mine:
            audit.record(by, "finding.take_back", row, now=now, account=row.account_id, detail={"kind": row.kind})
    return is_mine


def _open(account_id: int, key: str):  # type: ignore[no-untyped-def]
    return AcceptedFinding.objects.select_for_update().filter(account_id=account_id, key=key, ended_at=None)
