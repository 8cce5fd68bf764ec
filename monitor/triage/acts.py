"""Does what people do with problems: assign, note, resolve, archive, reopen, merge, split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from monitor.access import may
from monitor.figures import number
from monitor.languages import gettext as _
from monitor.mentioned import people_mentioned
from monitor.models import Failure, FailureGroup, Occasion, Problem, ProblemAct, User, notify_of_act
from monitor.models.hand_over import again_on_deadlock
from monitor.models.people import SYSTEM_USERNAME
from monitor.triage import crm_ledger
from monitor.triage.activity import change_state, log
from monitor.triage.judge import judge_these
from monitor.triage.seen import hold, touch

TEXT_LIMIT = 2000  # characters of a note
LONGEST_ARCHIVE = timedelta(days=365)
SAME = timedelta(minutes=1)  # within which a note in the same words is the same one
MOST_MORE = 1_000_000
NAMES_SHOWN, NAME_SHOWN = 5, 40  # of those whom a note mentions and nobody knows
State = Problem.State
Assigned = Occasion.Kind.ASSIGNED


class ActRefused(Exception):  # noqa: N818 - it says what happened
    """Says that it cannot be done, and nothing was done.

    Attributes:
        message: one line for the person.
        code: for programs: not_permitted, text_missing, text_long, changed_meanwhile, bad_time, bad_number,
            merged_away, other_account, other_source, itself, one_group, not_its_group, no_owner, already_so.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def assign(problem: Problem, owner: User | None, actor: User, now: datetime) -> None:
    """Gives a problem to a person, or to nobody.

    Raises:
        ActRefused: not permitted, merged away, or to somebody who may do nothing about it.
    """
    _check(problem, actor)
    if owner is not None and not (may(owner, "triage", problem.account) and owner.username != SYSTEM_USERNAME):
        raise ActRefused(_("%(name)s may not work on problems.") % {"name": owner.get_username()}, "no_owner")
    with transaction.atomic():
        held = _held(problem)
        before = held.owner.get_username() if held.owner is not None else None
        after = owner.get_username() if owner is not None else None
        if before == after:
            return
        Problem.objects.filter(pk=problem.pk).update(owner=owner)
        problem.owner = owner
        act = log(problem, "assigned", now=now, actor=actor, detail={"from": before, "to": after})
        notify_of_act(Assigned, [owner], act)


def add_note(problem: Problem, text: str, actor: User, now: datetime) -> list[str]:
    """Adds a note to a problem's log; its owner and whoever it mentions ("@olga") get a mail.

    Sent twice within a minute, as by a double click, it is one note and one mail.

    Returns:
        The names that are mentioned and are of nobody who may see the problem.

    Raises:
        ActRefused: not permitted, merged away, empty or too long.
    """
    _check(problem, actor)
    words = _words(text)
    with transaction.atomic():
        held = _held(problem)
        mentioned, unknown = people_mentioned(words, problem.account)
        if ProblemAct.objects.filter(problem=problem, kind="note", actor=actor, text=words, at__gt=now - SAME).exists():
            return unknown
        act = log(problem, "note", now=now, actor=actor, text=words, mentioned=mentioned)
        notify_of_act(Occasion.Kind.NOTE, [held.owner, *mentioned], act)
    return unknown


def nobody_is_called(unknown: Sequence[str]) -> str:
    """Says which of the names that a note mentions are nobody's."""
    names = ", ".join(f"@{name[:NAME_SHOWN]}" for name in unknown[:NAMES_SHOWN])
    more = len(unknown) - NAMES_SHOWN
    if more > 0:
        said = _("Nobody who may see this is called %(names)s and %(n)s more, so no mail went there.")
        return said % {"names": names, "n": number(more)}
    return _("Nobody who may see this is called %(names)s, so no mail went there.") % {"names": names}


def resolve(
    problem: Problem, actor: User, now: datetime, *, by_change_at: datetime | None = None, text: str = ""
) -> None:
    """Says that a problem is solved; it comes back when a run that begins from then on fails with it.

    Args:
        problem: as it was read.
        actor: who says so.
        now: the present.
        by_change_at: when what solved it was changed: runs that began earlier do not bring it back.
        text: how, in the person's words.

    Raises:
        ActRefused: not permitted, merged away, resolved already, changed meanwhile, or a change in the future.
    """
    _check(problem, actor)
    if by_change_at is not None and by_change_at > now:
        raise ActRefused(_("The change cannot lie in the future."), "bad_time")
    if problem.state == State.RESOLVED:
        raise ActRefused(_("It is resolved."), "already_so")
    _change(problem, State.RESOLVED, actor, now, text, resolved_before=by_change_at or now)


def archive(
    problem: Problem,
    actor: User,
    now: datetime,
    *,
    until: datetime | None = None,
    after_more: int | None = None,
    text: str = "",
) -> None:
    """Puts a problem away: until a time, until so many more failures, or else until it escalates.

    Raises:
        ActRefused: not permitted, merged away, changed meanwhile, both a time and a number, a time that is past or
            more than a year ahead, or a number below 1.
    """
    _check(problem, actor)
    if until is not None and after_more is not None:
        raise ActRefused(_("Choose a time or a number of failures, not both."), "bad_number")
    if until is not None and not now < until <= now + LONGEST_ARCHIVE:
        raise ActRefused(_("The time must lie ahead, a year at most."), "bad_time")
    if after_more is not None and not 1 <= after_more <= MOST_MORE:
        raise ActRefused(_("The number of failures is 1 to %(n)s.") % {"n": number(MOST_MORE)}, "bad_number")
    with transaction.atomic():
        _held(problem)  # a merge counts on: it must not come between the count and the change
        present = _failures_of([problem.pk]) if after_more is not None else 0
        after = present + after_more if after_more is not None else None
        _change(problem, State.ARCHIVED, actor, now, text, archived_until=until, archived_after=after)


def reopen(problem: Problem, actor: User, now: datetime, *, text: str = "") -> None:
    """Takes a problem out of the archive, or says that it is not solved.

    Raises:
        ActRefused: not permitted, merged away, open already, or changed meanwhile.
    """
    _check(problem, actor)
    if problem.is_unresolved:
        raise ActRefused(_("It is open."), "already_so")
    _change(problem, State.ONGOING, actor, now, text)


def merge(problems: Collection[Problem], into: Problem, actor: User, now: datetime) -> None:
    """Makes several problems one; what fails with their words later belongs to it as well.

    Raises:
        ActRefused: not permitted, of another account, one of them itself, or merged away.
    """
    _check(into, actor)
    for problem in problems:
        _check(problem, actor)
        if problem.pk == into.pk:
            raise ActRefused(_("A problem cannot be merged into itself."), "itself")
        if problem.account_id != into.account_id:
            raise ActRefused(_("Problems of two accounts cannot be merged."), "other_account")
        if problem.source != into.source:
            raise ActRefused(_("A problem of runs and one of Zoho CRM cannot be merged."), "other_source")
    again_on_deadlock(partial(_merge, sorted({problem.pk for problem in problems}), into, actor, now))


@transaction.atomic
def _merge(keys: Collection[int], into: Problem, actor: User, now: datetime) -> None:
    # In one order, so that two people who merge each other's never wait for each other.
    held = hold({*keys, into.pk})
    if len(held) != len(keys) + 1 or any(one.merged_into_id is not None for one in held.values()):
        raise ActRefused(_("One of them was merged meanwhile; load the page again."), "changed_meanwhile")
    target = held.pop(into.pk)
    if not keys:
        return
    taken_in = _failures_of(keys)
    FailureGroup.objects.filter(problem__in=keys).update(problem=into)
    # Who has read one of them before now acts on what is no longer so.
    Problem.objects.filter(pk__in=keys).update(merged_into=into, version=F("version") + 1)
    owner = target.owner or next((held[key].owner for key in keys if held[key].owner is not None), None)
    more = F("archived_after") + taken_in  # so many more failures, not those that were there already
    Problem.objects.filter(pk=into.pk).update(owner=owner, archived_after=more, version=F("version") + 1)
    for key in keys:
        log(held[key], "merged", now=now, actor=actor, detail={"into": into.pk})
        log(into, "took_in", now=now, actor=actor, detail={"problem": key})
    if owner is not None and owner != target.owner:
        act = log(into, "assigned", now=now, actor=actor, detail={"from": None, "to": owner.get_username()})
        notify_of_act(Assigned, [owner], act)
    touch([into.pk])
    judge_these([into.pk], now, by=actor)


def split(problem: Problem, group: FailureGroup, actor: User, now: datetime) -> Problem:
    """Gives one group of a merged problem a problem of its own again; returns that.

    Raises:
        ActRefused: not permitted, merged away, not one of its groups, or its only one.
    """
    _check(problem, actor)
    return again_on_deadlock(partial(_split, problem, group, actor, now))


@transaction.atomic
def _split(problem: Problem, group: FailureGroup, actor: User, now: datetime) -> Problem:
    held = _held(problem)
    groups = {one.pk: one for one in FailureGroup.objects.filter(problem=problem)}
    if group.pk not in groups:
        raise ActRefused(_("These failures do not belong to the problem."), "not_its_group")
    if len(groups) == 1:
        raise ActRefused(_("These are all of its failures."), "one_group")
    own = Problem.objects.create(
        account_id=problem.account_id,
        source=problem.source,
        title=group.template[: Problem._meta.get_field("title").max_length],
        app=group.app,
        remedy=group.remedy,
        first_seen_at=group.first_seen_at,
        last_seen_at=group.first_seen_at,
        state=State.ONGOING,
        state_since=now,
        owner=held.owner,
    )
    FailureGroup.objects.filter(pk=group.pk).update(problem=own)
    log(problem, "gave_away", now=now, actor=actor, detail={"problem": own.pk})
    act = log(own, "split", now=now, actor=actor, detail={"from": problem.pk})
    notify_of_act(Assigned, [held.owner], act)
    touch([problem.pk, own.pk])
    judge_these([problem.pk, own.pk], now, by=actor)
    own.refresh_from_db()
    return own


def _failures_of(problems: Collection[int]) -> int:
    runs = Failure.objects.filter(group__problem__in=problems).count()
    return runs + crm_ledger.total(Q(group__problem__in=problems))


def _check(problem: Problem, actor: User) -> None:
    if not may(actor, "triage", problem.account):
        raise ActRefused(_("You may not work on problems."), "not_permitted")
    if problem.merged_into_id is not None:
        raise ActRefused(_("It was merged into another problem."), "merged_away")


def _held(problem: Problem) -> Problem:
    """Locks a problem, and returns it as it is now.

    Raises:
        ActRefused: it was merged away meanwhile.
    """
    held = hold([problem.pk]).get(problem.pk)
    if held is None or held.merged_into_id is not None:
        raise ActRefused(_("It was merged into another problem."), "merged_away")
    return held


def _change(problem: Problem, to: str, actor: User, now: datetime, text: str, **changes: Any) -> None:
    words = _words(text) if text.strip() else ""
    if not change_state(problem, to, now=now, actor=actor, text=words, **changes):
        raise ActRefused(_("Somebody has changed it meanwhile; load the page again."), "changed_meanwhile")


def _words(text: str) -> str:
    text = text.replace("\0", "").strip()
    if not text:
        raise ActRefused(_("Write something."), "text_missing")
    if len(text) > TEXT_LIMIT:
        raise ActRefused(_("That is longer than %(n)s characters.") % {"n": number(TEXT_LIMIT)}, "text_long")
    return text
