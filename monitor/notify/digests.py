"""Decides the digests that are due, once for each person and period, and hands those that say something over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from django.db import IntegrityError, transaction

from monitor.access import may, who_may
from monitor.digest_facts import AliveFacts, DigestAsked, DigestFacts
from monitor.models import Digest, Occasion, User, ZohoAccount
from monitor.notify.compose import zone_of
from monitor.notify.digest_times import DigestWish, DuePeriod, due_period, is_after_boot
from monitor.notify.kinds import KINDS
from monitor.notify.kinds.digest_words import alive_sections, digest_sections, says_something
from monitor.periods import DAY

logger = logging.getLogger(__name__)

Kind = Digest.Kind
DAYS = {Kind.DAILY: 1, Kind.WEEKLY: 7, Kind.ALIVE: 1}
KEPT_IN_MIND = timedelta(days=60)  # periods decided before are none that could be due


class DigestError(Exception):
    """Says that some digests could not be written."""


@dataclass(frozen=True, slots=True)
class DigestReaders:
    """Holds what reads the facts: another stage's, which this one does not know.

    Attributes:
        digest: what there is to say of some accounts.
        alive: what the worker says of itself, of some accounts, since when it runs, and at the present.
    """

    digest: Callable[[DigestAsked], DigestFacts]
    alive: Callable[[list[int], datetime, datetime], AliveFacts]


def write_digests(now: datetime, readers: DigestReaders, booted_at: datetime | None) -> int:
    """Decides whatever is due: writes down what is to be said and adds its occasion, or that there is nothing to say.

    A fault of ours with one keeps no other waiting.

    Args:
        now: the time of the run.
        readers: what reads the facts.
        booted_at: when the worker was started; None where that is not known.

    Returns:
        How many mails there are to be.

    Raises:
        DigestError: some could not be written; they are due the next time.
    """
    written = failed = 0
    for person, kind, period, last in _due(now, booted_at):
        try:
            written += _write(person, kind, period, last, now, readers, booted_at or now)
        except Exception:
            logger.exception("the %s of person %d could not be written", kind, person.pk)
            failed += 1
    if failed:
        raise DigestError(f"{failed} could not be written")
    return written


def _due(now: datetime, booted_at: datetime | None) -> Iterable[tuple[User, Digest.Kind, DuePeriod, Digest | None]]:
    """Yields whose mail of which period is due, with the one before. Two statements."""
    people = User.objects.filter(who_may("view")).exclude(email="").order_by("pk")
    rows = Digest.objects.filter(until__gte=now - KEPT_IN_MIND).defer("content").order_by("person_id", "kind", "due_at")
    decided = {key: list(found) for key, found in groupby(rows, key=lambda row: (row.person_id, row.kind))}
    for person in people:
        for kind in Kind:
            if kind in person.unwanted_mails or not may(person, KINDS[kind].right):
                continue
            if kind is Kind.ALIVE and not is_after_boot(booted_at, now):
                continue
            done = decided.get((person.pk, kind), [])
            if (period := due_period(_wish(person, kind, done), now)) is not None:
                yield person, kind, period, done[-1] if done else None


def _wish(person: User, kind: Digest.Kind, done: list[Digest]) -> DigestWish:
    return DigestWish(
        zone=zone_of(person.timezone),
        hour=person.digest_hour,
        asked_at=person.digests_from or person.date_joined,
        weekday=person.digest_weekday if kind is Kind.WEEKLY else None,
        done=frozenset[date](row.period for row in done),
        last_due_at=max((row.due_at for row in done), default=None),
        last_sent_at=max((row.until for row in done if not row.is_empty), default=None),
    )


def _write(
    person: User,
    kind: Digest.Kind,
    period: DuePeriod,
    last: Digest | None,
    now: datetime,
    readers: DigestReaders,
    booted_at: datetime,
) -> bool:
    """Returns whether a mail is to be, decided by this process and no other."""
    length = DAYS[kind] * DAY
    since = max(last.until, now - 3 * length) if last is not None else now - length
    accounts = [row.pk for row in ZohoAccount.objects.order_by("pk") if may(person, "view", row)]
    told: list[int] = []
    if kind is Kind.ALIVE:
        sections, is_empty = alive_sections(readers.alive(accounts, booted_at, now), zone_of(person.timezone)), False
    else:
        asked = DigestAsked(accounts, since, now, DAYS[kind], last.told if last is not None else None)
        facts = readers.digest(asked)
        sections = digest_sections(facts, zone_of(person.timezone))
        told = [one.key for one in facts.problems]
        is_empty = not says_something(sections) and not person.wants_empty_digests
    try:
        with transaction.atomic():
            row = Digest.objects.create(
                person=person,
                kind=kind,
                period=period.name,
                due_at=period.due_at,
                since=since,
                until=now,
                accounts=accounts,
                content=Digest.stored(sections),
                told=told,
                is_empty=is_empty,
            )
            if not is_empty:
                Occasion.objects.create(kind=kind.value, at=now, recipient=person, digest=row)
    except IntegrityError:
        return False  # another process was faster
    return not is_empty
