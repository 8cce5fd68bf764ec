"""Finds webhooks that nobody answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from monitor.rule_audit.facts import AccountFacts, AuditedRule, AuditFacts, WebhookTrouble
from monitor.rule_audit.finding import FoundIn, NotChecked, RuleFinding, subject

LEAST_FAILED = 3  # in the days that the failures are of
# Zoho's words for an address behind which there is nothing (docs/reference/zoho-crm.md, "Webhook failures").
NOBODY_THERE = ("page_notfound", "notfound", "not_found", "unknown_host", "unknownhost", "host", "refused", "dns")


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds hosts, or webhooks where the host is not known, all of whose failures say that nobody is there.

    A webhook whose calls all failed in its rule's usage report counts too, whatever the reason.
    """
    rules = {rule.key: rule for rule in facts.rules}
    for account in facts.accounts.values():
        by_host: dict[str, list[WebhookTrouble]] = defaultdict(list)
        for trouble in account.failures:
            by_host[(account.hosts or {}).get(trouble.webhook_id, "") or f"webhook {trouble.webhook_id}"].append(
                trouble
            )
        for host, troubles in sorted(by_host.items()):
            if sum(one.failed for one in troubles) >= LEAST_FAILED and all(_is_dead(one, rules) for one in troubles):
                yield _finding(account, host, troubles, rules)


def _is_dead(trouble: WebhookTrouble, rules: dict[int, AuditedRule]) -> bool:
    if trouble.reasons and all(_says_nobody(reason) for reason in trouble.reasons):
        return True
    rule = rules.get(trouble.rule_key or 0)
    uses = [use for use in rule.uses if use.id == trouble.webhook_id] if rule is not None else []
    return bool(uses) and all(use.failed and not use.done for use in uses)


def _says_nobody(reason: str) -> bool:
    words = reason.lower().replace(" ", "_")
    return any(word in words for word in NOBODY_THERE)


def _finding(
    account: AccountFacts, host: str, troubles: list[WebhookTrouble], rules: dict[int, AuditedRule]
) -> RuleFinding:
    failed = sum(one.failed for one in troubles)
    names = sorted({one.name or one.webhook_id for one in troubles})
    mine = {one.rule_key: rules[one.rule_key] for one in troubles if one.rule_key in rules}
    whom = host if not host.startswith("webhook ") else "its address"
    return RuleFinding(
        "dead_webhook",
        account.account_id,
        account.name,
        [FoundIn(host, whom if whom == host else names[0], "/webhook-failures/"), *map(subject, mine.values())],
        next((rule.module for rule in mine.values()), ""),
        f"{failed:,} calls of {', '.join(names)} failed in the last days, and none found anybody at {whom}.",
        "Correct the webhook's address in Zoho CRM, or take the action out of the rule.",
        ("Open the failures", "/webhook-failures/"),
        [host, sorted(reason for one in troubles for reason in one.reasons), failed.bit_length()],
    )


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says where webhooks are known by their names alone."""
    for account in facts.accounts.values():
        if account.hosts is None and account.failures:
            why = account.unread.get("webhooks", "the list of webhooks was not read yet")
            yield NotChecked(account.account_id, account.name, "hosts of webhooks", why)
