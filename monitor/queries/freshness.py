"""Says how old and how complete the mirror is, per account: what must stand beside every number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from monitor import vault
from monitor.freshness import (
    LABELS,
    LOCKED,
    NEVER,
    SILENT,
    STALE,
    Judged,
    ReadTimes,
    facts_of,
    is_list_old,
    judge_account,
    judge_worker,
)
from monitor.job_failures import FailingJob
from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext, ngettext_noop
from monitor.models import Product, Stream, StreamState, SyncState, ZohoAccount
from monitor.models.spans import utc
from monitor.models.sync import product_of
from monitor.queries.signs import read_together
from monitor.standing.completeness import HOLE, MOVED, UNCOUNTED, UNREAD, of_accounts_flows
from monitor.standing.judge import AccountPresent, present_of

WAIT = gettext_noop("It is read within minutes once the worker runs (manage.py worker).")


@dataclass(frozen=True)
class StreamFreshness:
    """Holds one kind of thing of one account. `as_of` is the start of its newest complete read."""

    stream: str
    label: str
    state: str
    reason: str
    since: datetime | None
    as_of: datetime | None
    due_at: datetime | None = None
    quarantined: int = 0

    @property
    def is_missing(self) -> bool:
        """Returns whether something of it is not in the mirror ("not available" is Zoho's answer, nothing is missing).

        Definitions and limits are read when nothing else is due: no figure is too low while some are still to be read.
        """
        if self.stream in (Stream.DEFINITIONS, Stream.RULE_LIMITS) and self.state != StreamState.State.FAILING:
            return False
        return self.state in (StreamState.State.INCOMPLETE, StreamState.State.FAILING, StreamState.State.PENDING)


@dataclass(frozen=True)
class AccountFreshness:
    """Holds what the mirror of one account is worth now.

    `as_of` is the start of the newest sweep that missed nothing, or of the newest complete read of the list of
    flows if that is older; `swept_at` is the end of the last sweep whatever it missed. While history is read for
    the first time (`is_reading`: `unread` flows are open) `as_of` is that of the newest sweep that missed nothing
    else, and all runs since `covered_from` are mirrored (None: not known of all). `state`, `reason` and `since` are
    as `monitor.freshness.judge_account` has it: that of SyncState, or ``"stale"`` (its data is old), ``"silent"``
    (nothing is read any more), ``"locked"`` (no key for its secrets) or ``"paused"`` (a person switched it off).
    `age` is None before the first complete read. Of `flows` so many have a hole (`holes`), no counters by which missing
    runs would be noticed (`uncounted`), or counters that moved and were not read since (`moved`).
    """

    account_id: int
    name: str
    state: str
    reason: str
    since: datetime | None
    as_of: datetime | None
    swept_at: datetime | None
    due_at: datetime | None
    age: timedelta | None
    holes: int
    streams: list[StreamFreshness] = field(default_factory=list)
    flows: int = 0
    unread: int = 0
    uncounted: int = 0
    moved: int = 0
    covered_from: datetime | None = None
    is_history_paused: bool = False
    present: AccountPresent = field(default_factory=AccountPresent)
    products: frozenset[str] = frozenset()

    @property
    def is_unread(self) -> bool:
        """Returns whether nothing of it has been read completely yet."""
        return self.as_of is None

    @property
    def next_step(self) -> str:
        """Says what a person does about nothing being read yet."""
        return _(self.reason or WAIT)

    @property
    def label(self) -> str:
        """Returns the state in words."""
        return _(LABELS.get(self.state) or str(SyncState.State(self.state).label))

    @property
    def missing_streams(self) -> list[str]:
        return [_(stream.label) for stream in self.streams if stream.is_missing]

    @property
    def is_paused(self) -> bool:
        return self.state == "paused"

    @property
    def is_reading(self) -> bool:
        """Returns whether nothing is wrong but that older history is being read, or waits for a person."""
        missing = {stream.stream for stream in self.streams if stream.is_missing}
        return (
            self.state == SyncState.State.INCOMPLETE
            and self.unread > 0
            and self.as_of is not None
            and not self.holes
            and missing <= {Stream.EXECUTIONS}
        )

    @property
    def is_starting(self) -> bool:
        """Returns whether nothing is wrong but that its very first sweep has not ended yet."""
        return self.state == SyncState.State.NEVER and not self.reason and self.swept_at is None

    @property
    def read_flows(self) -> int:
        """Flows whose history is read to its end."""
        return self.flows - self.unread

    @property
    def worst_state(self) -> str:
        return self.state

    @property
    def is_current(self) -> bool:
        """Healthy and young enough to speak of the present."""
        return self.state == SyncState.State.OK

    @property
    def is_behind(self) -> bool:
        """Returns whether the time since `as_of` is unknown as a whole; where only some flows have holes it is not."""
        some_missing = self.holes or self.unread or any(stream.quarantined for stream in self.streams)
        return not self.is_current and not (self.state == SyncState.State.INCOMPLETE and some_missing and self.as_of)

    @property
    def is_complete(self) -> bool:
        gaps = self.holes or self.unread or self.uncounted or self.moved
        return self.as_of is not None and not gaps and not any(s.is_missing for s in self.streams)

    @property
    def is_trustworthy(self) -> bool:
        return self.is_current and self.is_complete


@dataclass(frozen=True)
class Mirror:
    """Holds all accounts together. `as_of` is the oldest age of the mirrored ones: no number is younger for sure.

    `locked` says why stored secrets cannot be read, here or in the worker; empty where they can. `signs` are the newest
    signs of life of the worker, by kind; `booted_at` is when it was started. `counts` are what was counted along.
    """

    accounts: list[AccountFreshness]
    worker: Judged = field(default_factory=lambda: Judged("ok"))
    locked: str = ""
    failing: list[FailingJob] = field(default_factory=list)
    signs: Mapping[str, datetime] = field(default_factory=dict)
    booted_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_silent(self) -> bool:
        """Returns whether nothing is read any more: the worker stopped."""
        return self.worker.state == SILENT

    @property
    def is_empty(self) -> bool:
        return not self.accounts

    @property
    def mirrored(self) -> list[AccountFreshness]:
        return [account for account in self.accounts if not account.is_paused]

    @property
    def troubled(self) -> list[AccountFreshness]:
        return [a for a in self.mirrored if not (a.is_trustworthy or a.is_reading or a.is_starting)]

    @property
    def starting(self) -> list[AccountFreshness]:
        """Accounts whose first sweep has not ended yet."""
        return [account for account in self.mirrored if account.is_starting]

    @property
    def reading(self) -> list[AccountFreshness]:
        """Accounts of which only older history is missing, for it is being read."""
        return [account for account in self.mirrored if account.is_reading]

    def is_read_since(self, start: datetime) -> bool:
        """Returns whether no account's first reading of history has yet to come back to `start`."""
        open_ones = [account.covered_from for account in self.mirrored if account.unread]
        return all(at is not None and at <= start for at in open_ones)

    @property
    def is_reading(self) -> bool:
        return bool(self.reading) and not any(not a.is_current for a in self.mirrored if not a.is_reading)

    @property
    def as_of(self) -> datetime | None:
        times = [account.as_of for account in self.mirrored]
        return None if not times or None in times else min(t for t in times if t)

    @property
    def worst_state(self) -> str:
        """Returns the state of the first account in trouble; "ok" where there is none."""
        behind = [account for account in self.mirrored if not account.is_current]
        behind.sort(key=lambda account: not account.is_behind)
        return behind[0].state if behind else SyncState.State.OK

    @property
    def swept_at(self) -> datetime | None:
        """Returns the end of the last sweep of the account that was swept longest ago."""
        times = [account.swept_at for account in self.mirrored]
        return None if not times or None in times else min(t for t in times if t)

    @property
    def is_current(self) -> bool:
        return all(account.is_current for account in self.mirrored)

    @property
    def is_complete(self) -> bool:
        return all(account.is_complete for account in self.mirrored)

    @property
    def is_unread(self) -> bool:
        """Returns whether nothing of any account has been read completely yet."""
        return all(account.is_unread for account in self.accounts)

    @property
    def next_step(self) -> str:
        """Says what a person does about nothing being read yet."""
        return _(next((account.reason for account in self.mirrored if account.is_unread and account.reason), WAIT))

    @property
    def presents(self) -> dict[int, AccountPresent]:
        """Returns how far the present of each account is known."""
        return {account.account_id: account.present for account in self.accounts}

    def of(self, account_id: int) -> AccountFreshness | None:
        return next((account for account in self.accounts if account.account_id == account_id), None)


_GAPS = of_accounts_flows()
# What has to be decrypted before Zoho can be asked; it is read as it is stored.
_SECRETS = ("client_secret", "token__refresh_token", "token__access_token", "digest_key__key")
_SYNC_TIMES = ("since", "next_due_at", "last_finished_at", "last_fresh_at", "last_complete_at")
_COLUMNS = (
    *("pk", "name", "is_active", "backfill_paused", "flow_url", "crm_url", *_SECRETS),
    *("sync__state", "sync__reason", *(f"sync__{name}" for name in _SYNC_TIMES)),
    *("holes", "living", "unread", "unread_known", "covered_from", "uncounted", "moved"),
)


def mirror(now: datetime, counting: Mapping[str, QuerySet[Any]] | None = None) -> Mirror:
    """Freshness of every account, by name, and of the worker. One statement.

    Args:
        now: the moment ages are counted to.
        counting: rows that are counted along, for `Mirror.counts`.
    """
    accounts = ZohoAccount.objects.order_by("name").annotate(
        holes=Count("flows", filter=_GAPS[HOLE]),
        living=Count("flows", filter=Q(flows__gone_at=None)),
        unread=Count("flows", filter=_GAPS[UNREAD]),
        unread_known=Count("flows", filter=_GAPS[UNREAD] & Q(flows__progress__covered_from__isnull=False)),
        covered_from=Max("flows__progress__covered_from", filter=_GAPS[UNREAD]),
        uncounted=Count("flows", filter=_GAPS[UNCOUNTED]),
        moved=Count("flows", filter=_GAPS[MOVED]),
    )
    read = read_together(counting or {}, accounts, _COLUMNS)
    signs = read.signs
    worker, locked = judge_worker(signs, now), vault.trouble() or signs.locked
    found = []
    for values in read.accounts:
        account = dict(zip(_COLUMNS, values, strict=True))
        found.append(_account(account, read.streams.get(account["pk"], {}), worker, locked, now))
    locked = locked or next((one.reason for one in found if one.state == LOCKED), "")
    return Mirror(found, worker, locked, signs.failing, signs, signs.booted_at, read.counts)


def _sync_of(account: Mapping[str, Any]) -> SyncState:
    if account["sync__state"] is None:  # it has no row of the kind
        return SyncState()
    return SyncState(
        state=account["sync__state"],
        reason=account["sync__reason"],
        **{name: account[f"sync__{name}"] and utc(account[f"sync__{name}"]) for name in _SYNC_TIMES},
    )


def _account(
    account: Mapping[str, Any], rows: Mapping[str, StreamState], worker: Judged, locked: str, now: datetime
) -> AccountFreshness:
    sync, unread, covered_from = _sync_of(account), account["unread"], account["covered_from"]
    locked = locked or vault.trouble([account[name] for name in _SECRETS])
    facts = facts_of(sync, rows, is_mirrored=bool(account["is_active"]), is_reading=bool(unread), locked=locked)
    judged = judge_account(facts, worker, now)
    urls = ((Product.FLOW, account["flow_url"]), (Product.CRM, account["crm_url"]))
    return AccountFreshness(
        account_id=account["pk"],
        name=account["name"],
        state=judged.state,
        reason=judged.reason,
        since=judged.since,
        as_of=facts.as_of,
        swept_at=sync.last_finished_at,
        due_at=sync.next_due_at,
        age=None if facts.as_of is None else now - facts.as_of,
        holes=account["holes"],
        streams=[_stream(row, _gaps_of(account)) for row in rows.values()],
        flows=account["living"],
        unread=unread,
        uncounted=account["uncounted"],
        moved=account["moved"],
        covered_from=utc(covered_from) if covered_from and unread == account["unread_known"] else None,
        is_history_paused=bool(account["backfill_paused"]),
        products=frozenset(product for product, url in urls if url),
        present=present_of(judged, unread=facts.unread),
    )


def _gaps_of(counted: Mapping[str, Any]) -> str:
    """Says in one line of how many flows runs may be missing; "" where of none."""
    said = (
        ngettext(*words, counted[name]) % {"n": counted[name]} for name, words in _GAP_WORDS.items() if counted[name]
    )
    return ", ".join(said)


_GAP_WORDS = {
    "holes": ngettext_noop("%(n)s flow with missing runs", "%(n)s flows with missing runs"),
    "unread": ngettext_noop("%(n)s flow not read to the end yet", "%(n)s flows not read to the end yet"),
    "uncounted": ngettext_noop(
        "%(n)s flow of which Zoho names no counters", "%(n)s flows of which Zoho names no counters"
    ),
    "moved": ngettext_noop("%(n)s flow with runs that are not read yet", "%(n)s flows with runs that are not read yet"),
}


def _stream(row: StreamState, gaps: str) -> StreamFreshness:
    if row.stream == Stream.EXECUTIONS and row.state == StreamState.State.OK and gaps:
        # It was read as far as it could be, and the runs of an account are no more complete than those of its flows.
        row.state, row.reason = StreamState.State.INCOMPLETE, gaps
    return StreamFreshness(
        stream=row.stream,
        label=row.get_stream_display(),
        state=row.state,
        reason=row.reason,
        since=row.since,
        as_of=row.last_read_at,
        due_at=row.next_due_at,
        quarantined=row.quarantined,
    )


@dataclass(frozen=True)
class PartFreshness:
    """Says how old one kind of thing is, of one account or of all, for a list that no sweep of flows keeps fresh."""

    as_of: datetime | None
    swept_at: datetime | None
    worst_state: str
    is_complete: bool
    next_step: str = ""

    @property
    def is_unread(self) -> bool:
        """Returns whether it has never been read completely, of one of its accounts at least."""
        return self.as_of is None

    @property
    def is_current(self) -> bool:
        return self.worst_state == SyncState.State.OK


def part(mirror: Mirror, name: str, now: datetime, *, account_id: int | None = None) -> PartFreshness | None:
    """Freshness of one stream; None where no mirrored account has it.

    Args:
        mirror: of all accounts.
        name: of the stream.
        now: the present.
        account_id: only of this account.
    """
    pairs = [
        (account, stream)
        for account in mirror.mirrored
        for stream in account.streams
        if stream.stream == name and account_id in (None, account.account_id)
    ]
    if not pairs:
        return None
    times = [stream.as_of for _, stream in pairs]
    sweeps = [account.swept_at for account, _ in pairs]
    states = [_part_state(account, stream, now) for account, stream in pairs]
    return PartFreshness(
        as_of=None if None in times else min(at for at in times if at),
        swept_at=None if None in sweeps else min(at for at in sweeps if at),
        worst_state=next((state for state in states if state != SyncState.State.OK), SyncState.State.OK),
        is_complete=not any(stream.is_missing for _, stream in pairs),
        next_step=next((f"{account.name}: {_(stream.reason)}" for account, stream in pairs if stream.reason), _(WAIT)),
    )


def of_list(
    mirror: Mirror, name: str, now: datetime, account_id: int | None = None
) -> PartFreshness | AccountFreshness | Mirror | None:
    """Returns the age of a list with a pace of its own, by its stream; of what is mirrored where no account is.

    What was never read is never called complete: not in an account whose first sweep did not come to it, and not where
    no account has the product at all.

    Args:
        mirror: of all accounts.
        name: of the list's stream.
        now: the present.
        account_id: the list is narrowed to this account; None: it spans all.
    """
    asked = [account for account in mirror.mirrored if account_id in (None, account.account_id)]
    if not asked:
        return mirror if account_id is None else mirror.of(account_id)
    found = part(mirror, name, now, account_id=account_id)
    product = product_of(name)
    unread = [a for a in asked if product in a.products and all(s.stream != name for s in a.streams)]
    if found is None and not unread:
        said = _("No account that is mirrored here has %(product)s: connect one that has.")
        step = said % {"product": Product(product).label}
        return PartFreshness(None, None, StreamState.State.NOT_AVAILABLE, is_complete=False, next_step=step)
    if unread:
        state = next((a.state for a in unread if not a.is_current and a.state != SyncState.State.INCOMPLETE), NEVER)
        step = _(next((a.reason for a in unread if a.state == state and a.reason), WAIT))
        return PartFreshness(None, found.swept_at if found else None, state, is_complete=False, next_step=step)
    return found


def _part_state(account: AccountFreshness, stream: StreamFreshness, now: datetime) -> str:
    if not account.is_current and account.state != SyncState.State.INCOMPLETE:
        return account.state
    if stream.state == StreamState.State.OK:
        return STALE if is_list_old(ReadTimes(stream.as_of, stream.due_at), now) else SyncState.State.OK
    return stream.state
