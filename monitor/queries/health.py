"""Says whether the installation works, for load balancers and watchdogs: without names and without secrets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import Error
from django.db.models import Max, Min, Q
from django.db.models.functions import Coalesce, Greatest

from monitor.freshness import OK, problems
from monitor.job_failures import FailingJob
from monitor.models import (
    ChannelMessage,
    Delivery,
    Notice,
    Occasion,
    StageRun,
    Transition,
    ZohoAccount,
)
from monitor.models.asking import Asking, answered, in_step, over_all
from monitor.queries.channels import ChannelCounts, ask_channel_counts, channel_problems
from monitor.queries.freshness import Mirror, mirror
from monitor.queries.mails import MailServerFacts, ask_mail_server, mail_problems
from monitor.schema import differences

JUDGE = "judge"  # the job, and what begins its name for one account
ALERTER_DEAD_AFTER = timedelta(minutes=5)
UNSENT_FOR_LONG = timedelta(minutes=15)  # of a burst of mails each waits for those before it
ALERTING, DELIVERY = "alerting", "delivery"
STANDS_STILL = {ALERTING: "no alert was evaluated", DELIVERY: "nothing looked for mails to send"}


@dataclass(frozen=True)
class Readiness:
    """`problems` in plain words, empty when all is well; `report` is the whole answer as JSON.

    `parts` are the same problems by what they are of: database, worker, alerts or mail.

    `worker`, `mail` and `channels` are for machines; the last two hold servers' own words, which `report` leaves out.
    """

    parts: dict[str, list[str]] = field(default_factory=dict)
    worker: dict[str, Any] = field(default_factory=dict)
    mail: dict[str, Any] = field(default_factory=dict)
    channels: ChannelCounts | None = None
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        return [problem for part in self.parts.values() for problem in part]

    @property
    def is_ready(self) -> bool:
        return not self.problems


def readiness(now: datetime, fresh: Mirror | None = None) -> Readiness:
    """Checks the database, the migrations, the keys, the worker's heart and the mirror's age. It never raises.

    What makes it unready: the database cannot be reached, migrations are missing, stored secrets cannot be read, the
    worker is silent or has never run (docs/reference/faults.md, F42), alerts cannot be evaluated or mails cannot be
    written or sent for long, also where nothing fails and nothing is done, the mail server refuses us or is away for
    long.
    An account whose mirror is stale, throttled or revoked does not: taking the pages away would only hide what they
    have to say about it, and about the other accounts.

    Args:
        now: the moment ages are counted to.
        fresh: the mirror's freshness, where it is known already.
    """
    try:
        schema = differences()
        if schema.problem:
            found = [schema.problem]
            return Readiness(
                {"database": found}, report=_report(found, database=True, migrations_missing=schema.missing)
            )
        fresh = fresh or mirror(now)
        mail, channels = answered(in_step(ask_mail_server(), ask_channel_counts(now)))
        alerts = _alerter(fresh.failing, now)
        parts = {"worker": problems(fresh.worker, now, locked=fresh.locked), "alerts": alerts, "mail": []}
        if fresh.worker.state == OK:  # else that says it all
            ends, waiting = answered(in_step(ask_stage_ends(), ask_waiting_since(now)))
            leave_out = {ALERTING} if alerts else ()
            parts["alerts"] = alerts + standing_still(ends, fresh.booted_at, now, leave_out=leave_out)
            parts["mail"] = unsent(waiting, mail, now)
        parts["mail"] += mail_problems(mail, now)
        worker = worker_report(fresh)
        ages = {name: _seconds(fresh.signs.get(name), now) for name in ("supervisor", "canary")}
        report = _report(
            Readiness(parts).problems,
            database=True,
            migrations_missing=0,
            worker=worker,
            worker_age_seconds=ages,
            mirror=_mirror(fresh),
            mail=mail_report(mail),
            channels=channel_report(channels),
        )
        return Readiness(parts, worker, mail_report(mail) | {"reason": mail.reason}, channels, report)
    except Error:
        found = ["the database cannot be reached"]
        return Readiness({"database": found}, report=_report(found, database=False))


def _alerter(failing: Sequence[FailingJob], now: datetime) -> list[str]:
    """Says that alerts cannot be evaluated, of all accounts or of some: no alert would tell of it.

    Without names, and without the errors, which may hold some.
    """
    jobs = [job for job in failing if job.name.partition(":")[0] == JUDGE and now - job.since >= ALERTER_DEAD_AFTER]
    if not jobs:
        return []
    since = min(job.since for job in jobs)
    whose = "" if any(job.name == JUDGE for job in jobs) else f" of {len(jobs)} account{'s' * (len(jobs) > 1)}"
    return [f"alerts{whose} could not be evaluated since {since:%Y-%m-%d %H:%M} UTC"]


@dataclass(frozen=True)
class WaitingMails:
    """Holds since when the first of what is to become mail, and is due, has waited; None where nothing does.

    Attributes:
        unwritten: notices of incidents, and occasions of people's acts, of which no mail is written yet.
        unsent: written mails that no process has handed over, or given back.
        unsent_to_channels: the same of messages to channels that are tried at all.
    """

    unwritten: datetime | None = None
    unsent: datetime | None = None
    unsent_to_channels: datetime | None = None


def stage_ends() -> dict[str, datetime | None]:
    """Returns when alerts were evaluated and mails were looked for last, without a failure. One statement.

    Of the accounts that were evaluated it is the one whose turn was longest ago; without an account nothing is
    evaluated, and the stage is left out.
    """
    return answered(ask_stage_ends())


def ask_stage_ends() -> Asking[dict[str, datetime | None]]:
    """Asks for what `stage_ends` returns."""
    rows = StageRun.objects.filter(stage__in=STANDS_STILL, outcome=StageRun.Outcome.OK).order_by()
    rows = rows.exclude(account=None, stage=ALERTING)
    newest = rows.values("stage", "account").annotate(newest=Max("finished_at")).values_list("stage", "newest")
    found: dict[str, datetime | None] = dict.fromkeys(STANDS_STILL)
    read, accounts = yield [newest, ZohoAccount.objects.order_by().values_list("pk")[:1]]
    for stage, at in read:
        known = found[stage]
        found[stage] = at if known is None else min(known, at)
    if not accounts:
        del found[ALERTING]
    return found


def waiting_since(now: datetime) -> WaitingMails:
    """Reads how long mails, and messages to channels, have been due. One statement."""
    return answered(ask_waiting_since(now))


def ask_waiting_since(now: datetime) -> Asking[WaitingMails]:
    """Asks for what `waiting_since` returns."""
    # What is put off has a later time, and a reason: a silence, working hours, nobody to write to.
    notices = over_all(Notice.objects.in_turn().filter(why_silent=""), first=Min("due_at"))
    occasions = over_all(Occasion.objects.filter(dispatch_state=Transition.Dispatch.NEW), first=Min("at"))
    queued = Q(state=Delivery.State.QUEUED)
    sending = Q(state=Delivery.State.SENDING)
    since = {"queued": Min("next_try_at", filter=queued), "sending": Min("lease_until", filter=sending)}
    mails = over_all(Delivery.objects.in_turn(), **since)
    # What keeps its place while its channel is away is due when the channel's pause ends.
    # And what waited while it was, from when it takes messages again.
    standing = [Coalesce(f"channel__standing__{name}", "next_try_at") for name in ("next_try_at", "since")]
    since["queued"] = Min(Greatest("next_try_at", *standing), filter=queued)
    found = yield [notices, occasions, mails, over_all(ChannelMessage.objects.in_turn(now), **since)]
    unwritten, unsent, to_channels = [*found[0], *found[1]], found[2], found[3]
    return WaitingMails(*[_first_of(rows) for rows in (unwritten, unsent, to_channels)])


def _first_of(rows: Sequence[tuple[datetime | None, ...]]) -> datetime | None:
    return min((at for row in rows for at in row if at is not None), default=None)


def standing_still(
    ends: Mapping[str, datetime | None], booted_at: datetime | None, now: datetime, *, leave_out: Collection[str] = ()
) -> list[str]:
    """Names what the worker should do every few seconds and has not done for long, though it lives. Pure.

    Args:
        ends: when each stage last came to its end; None where that is not stored.
        booted_at: when the worker was started; None where that is not known.
        now: the present.
        leave_out: stages of which worse is known.
    """
    found = []
    for stage, last in ends.items():
        known = [at for at in (last, booted_at) if at is not None]
        if stage in leave_out or not known or now - max(known) < ALERTER_DEAD_AFTER:
            continue
        since = f"since {last:%Y-%m-%d %H:%M} UTC" if last is not None else "since the worker was started"
        found.append(f"{STANDS_STILL[stage]} {since}")
    return found


def unsent(waiting: WaitingMails, server: MailServerFacts, now: datetime) -> list[str]:
    """Names mails that were due long ago and are not on their way, though the sender works. Pure.

    Args:
        waiting: since when the first waits.
        server: whether the mail server takes mails: where it does not, that is what keeps them.
        now: the present.
    """
    found = []
    if waiting.unwritten is not None and now - waiting.unwritten >= ALERTER_DEAD_AFTER:
        found.append(f"mails that were due since {waiting.unwritten:%Y-%m-%d %H:%M} UTC cannot be written")
    is_kept = server.is_refusing or server.is_unreachable
    # What waited while the server was away is due from when it takes mails again.
    due = None if waiting.unsent is None else max(waiting.unsent, server.since or waiting.unsent)
    if not is_kept and due is not None and now - due >= UNSENT_FOR_LONG:
        found.append(f"mails that were due since {due:%Y-%m-%d %H:%M} UTC are not sent")
    if waiting.unsent_to_channels is not None and now - waiting.unsent_to_channels >= UNSENT_FOR_LONG:
        since = f"{waiting.unsent_to_channels:%Y-%m-%d %H:%M} UTC"
        found.append(f"messages to channels that were due since {since} are not sent")
    return found


def worker_report(fresh: Mirror) -> dict[str, Any]:
    """Returns the poller's state, reason and since, for machines."""
    worker = fresh.worker
    return {"state": worker.state, "reason": worker.reason, "since": stamp(worker.since)}


def mail_report(server: MailServerFacts) -> dict[str, Any]:
    """Returns whether the mail server takes our mails, for machines; without its words, which strangers may read."""
    return {
        "state": server.state,
        "since": stamp(server.since),
        "code": server.code,
        "next_try_at": stamp(server.next_try_at),
        "accepted_at": stamp(server.accepted_at),
        "waiting": server.waiting,
        "oldest_waiting": stamp(server.oldest),
    }


def channel_report(counts: ChannelCounts) -> dict[str, Any]:
    """Returns how channels stand, for machines and without names.

    One broken channel does not make the installation unready: that would take the pages away, which say so.
    """
    return {
        "on": counts.on,
        "refusing": counts.refusing,
        "troubled": counts.troubled,
        "waiting": counts.waiting,
        "problems": channel_problems(counts.broken),
    }


def stamp(at: datetime | None) -> str | None:
    """Returns a time for machines: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None


def _mirror(fresh: Mirror) -> dict[str, Any]:
    """Returns how many accounts are current and complete, the greatest age, and each one's state.

    Without names; and without reasons, which may hold the name of a flow.
    """
    ages = [account.age.total_seconds() for account in fresh.mirrored if account.age is not None]
    return {
        "accounts": len(fresh.accounts),
        "paused": len(fresh.accounts) - len(fresh.mirrored),
        "current": sum(account.is_current for account in fresh.mirrored),
        "complete": sum(account.is_complete for account in fresh.mirrored),
        "never_read": sum(account.as_of is None for account in fresh.mirrored),
        "oldest_age_seconds": int(max(ages)) if ages else None,
        "states": [{"state": account.state, "since": stamp(account.since)} for account in fresh.accounts],
    }


def _report(problems: list[str], **facts: Any) -> dict[str, Any]:
    return {"status": "unavailable" if problems else "ok", "problems": problems, **facts}


def _seconds(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else int((now - at).total_seconds())
