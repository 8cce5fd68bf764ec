"""Finds connected workflows that stay drafts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.languages import gettext as _
from monitor.rule_audit.facts import AuditFacts
from monitor.rule_audit.finding import FoundIn, RuleFinding

LEFT_FOR = timedelta(weeks=3)


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds drafts that were not changed for three weeks before they were last read."""
    for account in facts.accounts.values():
        at = account.workflows_read.by(now)
        for draft in account.drafts:
            if at is None or draft.changed_at > at - LEFT_FOR:
                continue
            yield RuleFinding(
                "old_draft",
                account.account_id,
                account.name,
                [FoundIn(draft.workflow_id, draft.name, draft.page)],
                "",
                _("The connected workflow is a draft and was last changed %(days)s days ago.")
                % {"days": (at - draft.changed_at).days},
                _("Finish and activate it, or delete it."),
                (_("Open the workflow"), draft.page),
                draft.changed_at,
            )
