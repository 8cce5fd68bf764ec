"""Decides the digests that are due, once for each person and period, and hands those that say something over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from django.db import IntegrityError, transaction
from django.db.models import Q

from monitor.access import may, who_may
from monitor.digest_facts import AliveFacts, DigestAsked, DigestFacts
from monitor.models import Channel, Digest, Occasion, User, ZohoAccount
from monitor.notify.channels.of_digest import asks_for, message_of_digest
from monitor.notify.compose import zone_of
from monitor.notify.digest_times import DigestWish, DuePeriod, due_period, is_after_boot
from monitor.notify.kinds import KINDS
from monitor.notify.kinds.digest_words import alive_sections, digest_sections, says_something
from monitor.periods import DAY

logger = logging.getLogger(__name__)

Kind = Digest.Kind
DAYS = {Kind.DAILY: 1, Kind.WEEKLY: 7, Kind.ALIVE: 1}
MONDAY = 0
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


@dataclass(frozen=True, slots=True)
class DigestReader:
    """Holds who gets mails of the clock, or the channel that gets messages.

    Attributes:
        to: the person or the channel.
        kinds: that are asked for.
        zone: by whose clock.
        hour: of the day; `weekday` of the weekly one, 0 for Monday.
        asked_at: what was due before is not sent.
        wants_empty: whether one comes also where there is nothing to say.
    """

    to: User | Channel
    kinds: Collection[Digest.Kind]
    zone: tzinfo
    hour: int
    weekday: int
    asked_at: datetime
    wants_empty: bool = False

    @property
    def columns(self) -> dict[str, User | Channel]:
        """Is the reader as a digest names it."""
        return {"person" if isinstance(self.to, User) else "channel": self.to}

    def accounts(self) -> list[int]:
        """Returns the keys of the accounts that it may read of."""
        rows = ZohoAccount.objects.order_by("pk")
        if isinstance(self.to, User):
            return [row.pk for row in rows if may(self.to, "view", row)]
        return [row.pk for row in rows if self.to.account_id in (None, row.pk)]


def write_digests(now: datetime, readers: DigestReaders, booted_at: datetime | None) -> int:
    """Decides whatever is due: writes down what is to be said and adds its occasion, or that there is nothing to say.

    A fault of ours with one keeps no other waiting.

    Args:
        now: the time of the run.
        readers: what reads the facts.
        booted_at: when the worker was started; None where that is not known.

    Returns:
        How many mails and messages there are to be.

    Raises:
        DigestError: some could not be written; they are due the next time.
    """
    written = failed = 0
    for reader, kind, period, last in _due(now, booted_at):
        try:
            written += _write(reader, kind, period, last, now, readers, booted_at or now)
        except Exception:
            logger.exception("the %s of %s could not be written", kind, reader.columns)
            failed += 1
    if failed:
        raise DigestError(f"{failed} could not be written")
    return written


def _due(now: datetime, booted_at: datetime | None) -> Iterable[tuple[DigestReader, Kind, DuePeriod, Digest | None]]:
    """Yields whose digest of which period is due, with the one before. Three statements."""
    rows = Digest.objects.filter(until__gte=now - KEPT_IN_MIND).defer("content").order_by("due_at")
    decided: dict[tuple[int | None, int | None, str], list[Digest]] = {}
    for row in rows:
        decided.setdefault((row.person_id, row.channel_id, row.kind), []).append(row)
    for reader in [*_people(), *_channels()]:
        person, channel = (reader.to.pk, None) if isinstance(reader.to, User) else (None, reader.to.pk)
        for kind in reader.kinds:
            if kind is Kind.ALIVE and not is_after_boot(booted_at, now):
                continue
            done = decided.get((person, channel, kind), [])
            if (period := due_period(_wish(reader, kind, done), now)) is not None:
                yield reader, kind, period, done[-1] if done else None


def _people() -> Iterable[DigestReader]:
    for person in User.objects.filter(who_may("view")).exclude(email="").order_by("pk"):
        yield DigestReader(
            to=person,
            kinds=[kind for kind in Kind if kind not in person.unwanted_mails and may(person, KINDS[kind].right)],
            zone=zone_of(person.timezone),
            hour=person.digest_hour,
            weekday=person.digest_weekday,
            asked_at=person.digests_from or person.date_joined,
            wants_empty=person.wants_empty_digests,
        )


def _channels() -> Iterable[DigestReader]:
    """Yields the channels that ask for something; they have no clock of their own: theirs is UTC."""
    asks = ~Q(digest=Channel.Digests.NONE) | Q(wants_alive=True)
    for channel in Channel.objects.filter(asks, is_active=True).defer("address", "secrets").order_by("pk"):
        yield DigestReader(
            to=channel,
            kinds=[kind for kind in Kind if asks_for(channel, kind)],
            zone=UTC,
            hour=channel.digest_hour,
            weekday=MONDAY,
            asked_at=channel.digests_from or channel.added_at,
        )


def _wish(reader: DigestReader, kind: Digest.Kind, done: list[Digest]) -> DigestWish:
    return DigestWish(
        zone=reader.zone,
        hour=reader.hour,
        asked_at=reader.asked_at,
        weekday=reader.weekday if kind is Kind.WEEKLY else None,
        done=frozenset[date](row.period for row in done),
        last_due_at=max((row.due_at for row in done), default=None),
        last_sent_at=max((row.until for row in done if not row.is_empty), default=None),
    )


def _write(
    reader: DigestReader,
    kind: Digest.Kind,
    period: DuePeriod,
    last: Digest | None,
    now: datetime,
    readers: DigestReaders,
    booted_at: datetime,
) -> bool:
    """Returns whether one is to be sent, decided by this process and no other."""
    length = DAYS[kind] * DAY
    since = max(last.until, now - 3 * length) if last is not None else now - length
    accounts = reader.accounts()
    told: list[int] = []
    if kind is Kind.ALIVE:
        sections, is_empty = alive_sections(readers.alive(accounts, booted_at, now), reader.zone), False
    else:
        asked = DigestAsked(accounts, since, now, DAYS[kind], last.told if last is not None else None)
        facts = readers.digest(asked)
        sections = digest_sections(facts, reader.zone)
        told = [one.key for one in facts.problems]
        is_empty = not says_something(sections) and not reader.wants_empty
    try:
        with transaction.atomic():
            row = Digest.objects.create(
                **reader.columns,
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
            if not is_empty and isinstance(reader.to, User):
                Occasion.objects.create(kind=kind.value, at=now, recipient=reader.to, digest=row)
            elif not is_empty:
                message_of_digest(row, now).save(force_insert=True)
    except IntegrityError:
        return False  # another process was faster
    return not is_empty
