"""Finds what is to be evaluated of the kinds whose subjects are no flows: each kind's `load` names and loads them.

They are few and what they are about changes without any run, so they are evaluated each time; what came out as before
is not written again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from monitor.alerting.kinds import loader_of
from monitor.alerting.kinds.crm.condition import CrmRuleTrouble
from monitor.alerting.kinds.subjects import CRM_RULE, SubjectMaterial
from monitor.alerting.load import Case, ReadRule, why_over
from monitor.alerting.marks import are_needed, marks_of_workflow_rules, why_left, why_replaced
from monitor.alerting.scope import Coverage, RuleScope, RuleSubject, SubjectMarks, cover
from monitor.alerting.state_machine import Decision
from monitor.models import AlertState, ZohoAccount

logger = logging.getLogger(__name__)
CRM = CrmRuleTrouble.kind  # whose subjects have tags, owners and modules


class SubjectKey(NamedTuple):
    """Names a subject: what it is, and which."""

    kind: str
    key: str


@dataclass(slots=True)
class SubjectWork:
    """Holds what is to be done about the subjects of an account that are no flows.

    Attributes:
        resting: what is not evaluated, each with the reason.
        failed: what could not be loaded, by a fault of ours.
        due: what is to be evaluated.
    """

    resting: list[Case] = field(default_factory=list)
    failed: list[Case] = field(default_factory=list)
    due: list[Case] = field(default_factory=list)


def subject_work(account: ZohoAccount, rules: dict[int, ReadRule], now: datetime, stale: str) -> SubjectWork:
    """Returns what is to be evaluated at an account by the kinds that have subjects of their own.

    Args:
        account: whose.
        rules: its rules, by key.
        now: the time of the evaluation.
        stale: why its mirror is too old to go by; empty while it is not.
    """
    by_kind: dict[str, dict[int, ReadRule]] = {}
    for key, rule in rules.items():
        if loader_of(rule.row.kind) is not None:
            by_kind.setdefault(rule.row.kind, {})[key] = rule
    found = SubjectWork()
    if not by_kind:
        return found
    known: dict[str, dict[RuleSubject[SubjectKey], AlertState]] = {kind: {} for kind in by_kind}
    for row in AlertState.objects.filter(rule__account=account, flow=None):
        place = RuleSubject(row.rule_id, SubjectKey(row.subject_kind, row.subject_key))
        known[rules[row.rule_id].row.kind][place] = row
    for kind, of_kind in sorted(by_kind.items()):
        _add_kind(found, account, kind, of_kind, known[kind], now, stale)
    return found


def has_moved(case: Case, decision: Decision) -> bool:
    """Returns whether an evaluation came out otherwise than what is stored."""
    row, after = case.row, decision.after
    standing = after.place.standing
    before = case.standing.place
    return (
        decision.edge is not None
        or row.version == 0
        or row.is_resting
        or (row.state, row.reason, row.rule_mark) != (str(after.stage), decision.reason[:300], case.rule.mark)
        or (before.leaving_since, before.standing.learned) != (after.place.leaving_since, standing.learned)
        or (row.again_at, row.anchor) != (decision.again_at, standing.anchor)
        or (case.subject is not None and row.subject_name != case.subject.subject.name[:200])
    )


def _add_kind(
    found: SubjectWork,
    account: ZohoAccount,
    kind: str,
    rules: dict[int, ReadRule],
    rows: dict[RuleSubject[SubjectKey], AlertState],
    now: datetime,
    stale: str,
) -> None:
    enabled = {key: rule for key, rule in rules.items() if rule.is_on and account.is_active}
    subjects: dict[SubjectKey, SubjectMaterial] = {}
    if enabled:
        try:
            subjects = _load(account, kind, enabled, now, stale)
        except Exception:
            logger.exception("subjects of alerts of kind %s could not be loaded for account %d", kind, account.pk)
            found.failed += [Case(row, rules[place.rule]) for place, row in sorted(rows.items())]
            return
    covered = _covered(account, kind, enabled, subjects)
    unknown = {place: _begun(place, subjects[place.flow], now) for place in covered.wanted - rows.keys()}
    ready = {place: row for place, row in unknown.items() if not subjects[place.flow].unread}
    looked_at = {place.rule for place in rows}
    for place, row in sorted((rows | ready).items()):
        rule, subject = rules[place.rule], subjects.get(place.flow)
        if place.rule in enabled and rule.condition is None:
            found.due.append(Case(row, rule))
        elif place not in covered.wanted or subject is None:
            ended = _why_ended(account, rule, subject, covered.replaced.get(place), rules)
            if row.is_open or not row.is_resting or row.reason != ended:
                found.resting.append(Case(row, rule, ended=ended))
        elif subject.unread:
            if not row.is_resting or row.reason != subject.unread[:300]:
                found.resting.append(Case(row, rule, stale=subject.unread, subject=subject))
        else:
            found.due.append(Case(row, rule, subject=subject, is_news=row.pk is None and place.rule in looked_at))


def _load(
    account: ZohoAccount, kind: str, rules: dict[int, ReadRule], now: datetime, stale: str
) -> dict[SubjectKey, SubjectMaterial]:
    load = loader_of(kind)
    conditions = [rule.condition for rule in rules.values() if rule.condition is not None]
    if load is None or not conditions:
        return {}
    found = load(account, conditions, now, stale)
    return {SubjectKey(one.subject.kind, one.subject.key): one for one in found}


def _covered(
    account: ZohoAccount, kind: str, rules: dict[int, ReadRule], subjects: dict[SubjectKey, SubjectMaterial]
) -> Coverage[SubjectKey]:
    """Returns which rules are evaluated for which subjects; one whose aspect is another replaces none."""
    by_key = {subject.key: subject for subject in subjects}
    scopes: list[RuleScope[SubjectKey]] = []
    for key, rule in rules.items():
        row, aspect = rule.row, getattr(rule.condition, "aspect", "")
        if row.subject_key == "":
            scopes.append(RuleScope(key, aspect, None, row.tag_id, row.owner_id, row.module))
        elif row.subject_key in by_key:
            scopes.append(RuleScope(key, aspect, by_key[row.subject_key]))
    marks: dict[SubjectKey, SubjectMarks] = {}
    if kind == CRM and are_needed(scopes):
        marks = {SubjectKey(CRM_RULE, str(pk)): one for pk, one in marks_of_workflow_rules(account.pk).items()}
    return cover(scopes, subjects, marks)


def _begun(place: RuleSubject[SubjectKey], material: SubjectMaterial, now: datetime) -> AlertState:
    """Returns a row, not saved yet, for what was never evaluated."""
    return AlertState(
        rule_id=place.rule,
        subject_kind=material.subject.kind,
        subject_key=material.subject.key,
        subject_name=material.subject.name[:200],
        state=AlertState.State.NO_DATA,
        reason="not evaluated yet",
        since=now,
        evaluated_at=now,
    )


def _why_ended(
    account: ZohoAccount,
    rule: ReadRule,
    subject: SubjectMaterial | None,
    narrower: int | None,
    rules: dict[int, ReadRule],
) -> str:
    if over := why_over(account, rule.row):
        return over
    if narrower is not None:
        return why_replaced(rules[narrower].row, "its")[:300]
    return "it is not there any more" if subject is None else why_left(rule.row, "it")[:300]
