"""Says which alert rules replace which: the narrower one of a kind replaces the wider one for its flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.models import AlertRule

SHOWN = 20


@dataclass(frozen=True)
class RuleNeighbours:
    """Holds the enabled rules of a rule's kind and account that replace it, or that it replaces.

    Attributes:
        wider: the account's, which a flow's rule replaces for its flow.
        narrower: the flows' own, which replace the account's; the first 20.
        narrower_count: how many there are.
        beside: of the same scope: each has an alert of its own.
    """

    wider: list[AlertRule] = field(default_factory=list)
    narrower: list[AlertRule] = field(default_factory=list)
    narrower_count: int = 0
    beside: list[AlertRule] = field(default_factory=list)

    @property
    def more(self) -> int:
        """Is how many narrower ones are not shown."""
        return self.narrower_count - len(self.narrower)


def neighbours(
    kind: str,
    account_id: int,
    flow_id: int | None,
    rule_id: int | None,
    subject_key: str = "",
    is_like: Callable[[AlertRule], bool] = lambda _: True,
) -> RuleNeighbours:
    """Returns the rules that a rule of a kind and scope has to do with. One statement.

    Args:
        kind: of the rule.
        account_id: whose it is.
        flow_id: its flow; None for each flow of the account.
        rule_id: the rule itself, where it is saved already.
        subject_key: its subject, of a kind that is not about flows; empty for each of the account.
        is_like: says whether a rule of the kind looks for the same; one that does not has nothing to do with it.
    """
    rows = AlertRule.objects.filter(account=account_id, kind=kind, is_active=True, flow__gone_at=None)
    rows = rows.exclude(pk=rule_id or 0).select_related("flow").defer("flow__raw").order_by("name", "pk")
    wider, narrower, beside = [], [], []
    scope = flow_id, subject_key
    for rule in filter(is_like, rows):
        if (rule.flow_id, rule.subject_key) == scope:
            beside.append(rule)
        elif scope == (None, ""):
            narrower.append(rule)
        elif rule.flow_id is None and not rule.subject_key:
            wider.append(rule)
    return RuleNeighbours(wider, narrower[:SHOWN], len(narrower), beside)
