"""Finds webhooks whose address leads to nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from monitor.figures import number
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.rule_audit.facts import AccountFacts, AuditedRule, AuditFacts, WebhookTrouble
from monitor.rule_audit.finding import FoundIn, NotChecked, RuleFinding, in_source, subject

LEAST_FAILED = 3  # in the days that the failures are of
# Zoho's words for an address behind which there is nothing (docs/reference/zoho-crm.md, "Webhook failures"): of the
# host, and of the page.
NO_HOST = ("unknown_host", "unknownhost", "host_not_found", "no_such_host", "refused", "dns")
NO_PAGE = ("page_notfound", "notfound", "not_found")


def look(facts: AuditFacts, now: datetime, quiet_days: int) -> Iterator[RuleFinding]:
    """Finds hosts, or webhooks where the host is not known, all of whose failures say that there is nothing.

    A webhook whose calls all failed in its rule's usage report counts too, whatever the reason. One of which a report
    says that calls came through does not, however many failed.
    """
    rules = {rule.key: rule for rule in facts.rules}
    for account in facts.accounts.values():
        calls = _calls(facts.of_account(account.account_id))
        by_host: dict[str, list[WebhookTrouble]] = defaultdict(list)
        for trouble in account.failures:
            by_host[_host(account, trouble.webhook_id)].append(trouble)
        answering = {_host(account, webhook) for webhook, call in calls.items() if call.done}
        for host, troubles in sorted(by_host.items()):
            if sum(one.failed for one in troubles) < LEAST_FAILED:
                continue
            whys = {_why_dead(one, calls, rules, has_host=host in answering) for one in troubles}
            if "" not in whys:
                yield _finding(account, host, troubles, rules, partial(_seen, whys, troubles, calls))


def _host(account: AccountFacts, webhook_id: str) -> str:
    return (account.hosts or {}).get(webhook_id, "") or f"webhook {webhook_id}"


@dataclass(slots=True)
class _Calls:
    """Counts the calls of a webhook in the usage reports of all rules that use it."""

    done: int = 0
    failed: int = 0


def _calls(rules: list[AuditedRule]) -> dict[str, _Calls]:
    found: dict[str, _Calls] = defaultdict(_Calls)
    for rule in rules:
        for use in rule.uses:
            if use.type == "webhooks" and use.id:
                found[use.id].done += use.done
                found[use.id].failed += use.failed
    return dict(found)


def _why_dead(
    trouble: WebhookTrouble, calls: dict[str, _Calls], rules: dict[int, AuditedRule], *, has_host: bool
) -> str:
    """Says in words why nothing is there; "" where there may be something."""
    counted = calls.get(trouble.webhook_id)
    rule = rules.get(trouble.rule_key or 0)
    # A report does not always say which webhook it counts: then it may be this one that came through.
    unnamed = [use for use in rule.uses if use.type == "webhooks" and not use.id and use.done] if rule else []
    if unnamed or (counted is not None and counted.done):
        return ""
    kinds = {_kind(reason) for reason in trouble.reasons}
    if kinds == {"page"}:
        return gettext_noop("the page is not there")
    if kinds == {"host"} and not has_host:
        return gettext_noop("nobody answers there")
    if kinds == {"page", "host"} and not has_host:
        return gettext_noop("there is nothing")
    return gettext_noop("none came through") if counted is not None and counted.failed else ""


def _kind(reason: str) -> str:
    words = reason.lower().replace(" ", "_")
    if any(word in words for word in NO_HOST):
        return "host"
    return "page" if any(word in words for word in NO_PAGE) else ""


def _seen(whys: set[str], troubles: list[WebhookTrouble], calls: dict[str, _Calls]) -> str:
    is_counted = all(one.webhook_id in calls for one in troubles)
    unknown = "" if is_counted else _("; of calls that came through nothing is known")
    return f"{', '.join(_(why) for why in sorted(whys))}{unknown}"


def _finding(
    account: AccountFacts,
    host: str,
    troubles: list[WebhookTrouble],
    rules: dict[int, AuditedRule],
    seen: Callable[[], str],
) -> RuleFinding:
    failed = sum(one.failed for one in troubles)
    names = sorted({one.name or one.webhook_id for one in troubles})
    mine = {one.rule_key: rules[one.rule_key] for one in troubles if one.rule_key in rules}
    whom = host if not host.startswith("webhook ") else _("its address")
    return RuleFinding(
        "dead_webhook",
        account.account_id,
        account.name,
        [FoundIn(host, whom if whom == host else names[0], "/webhook-failures/"), *map(subject, mine.values())],
        next((rule.module for rule in mine.values()), ""),
        _("%(n)s calls of %(webhooks)s to %(whom)s failed in the last days: %(seen)s.")
        % {"n": number(failed), "webhooks": ", ".join(names), "whom": whom, "seen": seen()},
        _("Correct the webhook's address in Zoho CRM, or take the action out of the rule."),
        (_("Open the failures"), "/webhook-failures/"),
        [
            host,
            sorted({one.webhook_id for one in troubles}),
            sorted({reason for one in troubles for reason in one.reasons}),
            in_source(seen),
            failed.bit_length(),
        ],
    )


def gaps(facts: AuditFacts) -> Iterator[NotChecked]:
    """Says where webhooks are known by their names alone."""
    for account in facts.accounts.values():
        if account.hosts is None and account.failures:
            why = account.unread.get("webhooks", _("the list of webhooks was not read yet"))
            yield NotChecked(account.account_id, account.name, _("hosts of webhooks"), _(why))
