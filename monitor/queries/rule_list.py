"""Reads the list of workflow rules: narrowed, sorted, with what a page of it shows and their usage over a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import BooleanField, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery, Sum

from monitor.languages import gettext_noop
from monitor.models import Ownership, UsageSnapshot, WorkflowRule, ZohoAccount
from monitor.models.crm import ADDED, does_action, kinds_in
from monitor.periods import day_of, first_of_days
from monitor.privacy import mask_name
from monitor.queries.together import together

USUAL_DAYS = 30
SORTS = ("name", "last", "failures")
STATES = {
    "active": gettext_noop("Active"),
    "inactive": gettext_noop("Inactive"),
    "never": gettext_noop("Active, never fired"),
    "failing": gettext_noop("Active, failing"),
    "gone": gettext_noop("Deleted in Zoho"),
}
_LIVING = Q(gone_at=None)
_STATE_FITS = {
    "active": _LIVING & Q(active=True),
    "inactive": _LIVING & Q(active=False),
    "never": _LIVING & Q(active=True, last_executed_time=None),
    "failing": _LIVING & Q(active=True, failure_count__gt=0),
    "gone": Q(gone_at__isnull=False),
}
NOT_SINCE = "not-"
# To make what a row does not show takes a tenth of the page: of a rule, and of its account all but the name.
_NOT_SHOWN = (
    *("raw", "description", "created_time", "modified_time", "modified_by", "trigger_count", "success_count"),
    *("usage_reset_time", "usage_read_at", "usage_executed_time", "usage_tries", "usage_retry_at", "usage_problem"),
    *("first_seen_at", "seen_at"),
    *(f"account__{one.name}" for one in ZohoAccount._meta.concrete_fields if one.name not in ("id", "name")),
)


@dataclass(frozen=True)
class RuleFilter:
    """Holds what a person looks for; empty values do not narrow.

    Attributes:
        text: a part of the name as it is shown, or the whole of Zoho's id.
        trigger: a kind of trigger, as Zoho spells it.
        action: a kind of action that the rule does, as Zoho spells it.
        state: a key of `STATES`.
        active: "yes", "no" or "".
        executed: "never" for rules that never ran; "30d" for those that ran within 30 days; "not-30d" for those that
            did not; or "".
        failed: "yes" for rules of which an action failed in the time of their usage report, or "".
        owner_id: 0 for those that nobody looks after.
        order: one of `SORTS`.
    """

    text: str = ""
    module: str = ""
    trigger: str = ""
    action: str = ""
    state: str = ""
    active: str = ""
    executed: str = ""
    failed: str = ""
    account_id: int | None = None
    order: str = "name"
    owner_id: int | None = None
    tag: str = ""


class RuleUse(NamedTuple):
    """Adds up what a rule did in a period, beside the period before, as far as it is known.

    Attributes:
        triggered: how often it ran; None where no reading says.
        done: how many of its actions were done.
        failed: how many failed.
        done_before: in as many days before; None where these were not read in full.
        failed_before: likewise.
        first_day: of the first reading of the rule: what was before is unknown. None: never read.
        begins: the first day of the period.
    """

    triggered: int | None
    done: int | None
    failed: int | None
    done_before: int | None
    failed_before: int | None
    first_day: date | None
    begins: date

    @property
    def known_from(self) -> date | None:
        """Returns the first day that is known, where the period begins earlier; None where all of it is known."""
        is_late = self.first_day is not None and self.first_day >= self.begins
        return self.first_day if is_late else None


def search(wanted: RuleFilter, now: datetime) -> QuerySet[WorkflowRule]:
    """Selects the rules that fit, but for the text of their names; those deleted in Zoho stand among them.

    Args:
        wanted: what they are narrowed to.
        now: the present.
    """
    rows = WorkflowRule.objects.all()
    if wanted.module:
        rows = rows.filter(module=wanted.module)
    if wanted.trigger:
        rows = rows.filter(execute_when=wanted.trigger)
    if wanted.action:
        rows = rows.filter(does_action(wanted.action))
    if wanted.state:
        rows = rows.filter(_STATE_FITS[wanted.state])
    if wanted.active:
        rows = rows.filter(active=wanted.active == "yes", gone_at=None)
    if wanted.executed:
        rows = rows.filter(_ran(wanted.executed, now))
    if wanted.failed == "yes":
        rows = rows.filter(failure_count__gt=0)
    if wanted.owner_id is not None:
        rows = rows.filter(ownership__owner=wanted.owner_id or None)
    if wanted.tag:
        rows = rows.filter(ownership__tags__name=wanted.tag)
    if wanted.account_id is not None:
        rows = rows.filter(account_id=wanted.account_id)
    return rows


def in_order(wanted: RuleFilter, now: datetime) -> list[int]:
    """Finds all rules that a list is narrowed to, in its order, by their primary keys. One statement.

    Names are searched and sorted as they are shown: those in which something is hidden come first, in the order in
    which they came to be known. What a page shows is read by `rows`.

    Args:
        wanted: what it is narrowed to, and its order.
        now: the present.
    """
    columns = ("pk", "rule_id", "name", "last_executed_time", "failure_count")
    found = []
    sought = wanted.text.casefold()
    for pk, rule_id, name, last, failures in search(wanted, now).order_by().values_list(*columns):
        shown = mask_name(name)
        if sought and sought not in shown.casefold() and rule_id != wanted.text:
            continue
        place = (name, pk) if shown == name else ("", pk)
        found.append((_before(wanted.order, last, failures), *place))
    return [pk for *_, pk in sorted(found)]


def _before(order: str, last: datetime | None, failures: int | None) -> float:
    """Says what comes before the name: the newest or the most first, what is not known last."""
    if order == "last":
        return -last.timestamp() if last is not None else 0.0
    if order == "failures":
        return -float(failures) if failures is not None else 1.0
    return 0.0


def _ran(executed: str, now: datetime) -> Q:
    if executed == "never":
        return Q(last_executed_time=None)
    since = now - timedelta(days=int(executed.removeprefix(NOT_SINCE).removesuffix("d")))
    has = Q(last_executed_time__gte=since)
    return ~has | Q(last_executed_time=None) if executed.startswith(NOT_SINCE) else has


def rows(keys: Sequence[int]) -> list[WorkflowRule]:
    """Reads rules with all that a list shows of them but their usage, in the order of their keys. Two statements.

    Args:
        keys: primary keys; one that is there no longer is left out.
    """
    joined = WorkflowRule.objects.select_related("account", "ownership__owner").prefetch_related("ownership__tags")
    found = joined.defer(*_NOT_SHOWN).in_bulk(keys)
    return [found[key] for key in keys if key in found]


def use_of(keys: Sequence[int], now: datetime, days: int) -> dict[int, RuleUse]:
    """Adds up what rules did in the last days, and in as many before; by the rule's key. One statement.

    Args:
        keys: primary keys of rules.
        now: the present.
        days: how many, today included.
    """
    begins = first_of_days(day_of(now), days)
    start = first_of_days(begins, days + 1)
    of_rules = UsageSnapshot.objects.filter(rule__id__among=list(keys), day__gte=start).order_by()
    first = UsageSnapshot.objects.filter(rule=OuterRef("pk")).order_by("day").values("day")[:1]
    is_now = ExpressionWrapper(Q(day__gte=begins), output_field=BooleanField())
    found = together(
        {
            "sums": of_rules.values_list("rule", is_now).annotate(**{f"{name}_sum": Sum(name) for name in ADDED}),
            "first": WorkflowRule.objects.filter(pk__among=list(keys))
            .order_by()
            .annotate(first_day=Subquery(first))
            .values_list("pk", "first_day"),
        }
    )
    sums = {(key, bool(now)): values for key, now, *values in found["sums"]}
    nothing = [None] * len(ADDED)
    return {
        key: _use(sums.get((key, True), nothing), sums.get((key, False), nothing), first_day, begins, start)
        for key, first_day in found["first"]
    }


def _use(
    now: Sequence[int | None], before: Sequence[int | None], first_day: date | None, begins: date, start: date
) -> RuleUse:
    triggered, done, failed = now
    _, done_before, failed_before = before
    has_before = first_day is not None and first_day < start
    return RuleUse(
        triggered,
        done,
        failed,
        # A day without a reading adds nothing by itself: the next reading holds what it added.
        (done_before or 0) if has_before else None,
        (failed_before or 0) if has_before else None,
        first_day,
        begins,
    )


class RuleChoices(NamedTuple):
    """Holds what the list can be narrowed by.

    Attributes:
        modules: of mirrored rules, by API name.
        triggers: kinds of them, as Zoho spells them.
        actions: kinds of them, likewise.
        owned: who looks after rules, and their tags: key and name of an owner, a tag; each may be None.
    """

    modules: list[str]
    triggers: list[str]
    actions: list[str]
    owned: set[tuple[int | None, str | None, str | None]]


def choices() -> RuleChoices:
    """Reads what rules can be narrowed by. One statement."""
    owned = Ownership.objects.exclude(rule=None).order_by().values_list("owner", "owner__username", "tags__name")
    rules = WorkflowRule.objects.order_by().values_list("module", "execute_when", "action_kinds")
    found = together({"owned": owned.distinct(), "rules": rules.distinct()})
    return RuleChoices(
        sorted({module for module, *_ in found["rules"]} - {""}),
        sorted({trigger for _, trigger, _ in found["rules"]} - {""}),
        sorted({kind for *_, kinds in found["rules"] for kind in kinds_in(kinds)}),
        {(owner, name, tag) for owner, name, tag in found["owned"]},
    )
