"""Finds connected workflows that stay drafts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.rule_audit.facts import AuditFacts
from monitor.rule_audit.finding import FoundIn, RuleFinding

LEFT_FOR = timedelta(weeks=3)


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds drafts that were not changed for three weeks."""
    for account in facts.accounts.values():
        for draft in account.drafts:
            if draft.changed_at > now - LEFT_FOR:
                continue
            yield RuleFinding(
                "old_draft",
                account.account_id,
                account.name,
                [FoundIn(draft.workflow_id, draft.name, draft.page)],
                "",
                f"The connected workflow is a draft and was last changed {(now - draft.changed_at).days} days ago.",
                "Finish and activate it, or delete it.",
                ("Open the workflow", draft.page),
                draft.changed_at,
            )
