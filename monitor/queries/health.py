"""Says whether the installation works, for load balancers and watchdogs: without names and without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import Error

from monitor.freshness import problems
from monitor.job_failures import FailingJob
from monitor.queries.freshness import Mirror, mirror
from monitor.queries.mails import MailServerFacts, mail_problems, mail_server
from monitor.schema import differences

JUDGE = "judge"  # the job, and what begins its name for one account
ALERTER_DEAD_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class Readiness:
    """`problems` in plain words, empty when all is well; `report` is the whole answer as JSON.

    `worker` and `mail` are for machines; `mail` is with the mail server's own words, which `report` leaves out.
    """

    problems: list[str] = field(default_factory=list)
    worker: dict[str, Any] = field(default_factory=dict)
    mail: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        return not self.problems


def readiness(now: datetime, fresh: Mirror | None = None) -> Readiness:
    """Checks the database, the migrations, the keys, the worker's heart and the mirror's age. It never raises.

    What makes it unready: the database cannot be reached, migrations are missing, stored secrets cannot be read, the
    worker is silent or has never run (docs/reference/faults.md, F42), alerts cannot be evaluated for long, the mail
    server refuses us or is away for long.
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
            return Readiness(found, report=_report(found, database=True, migrations_missing=schema.missing))
        fresh = fresh or mirror(now)
        mail = mail_server()
        found = [*problems(fresh.worker, now, locked=fresh.locked), *_alerter(fresh.failing, now)]
        found += mail_problems(mail, now)
        worker = worker_report(fresh)
        ages = {name: _seconds(fresh.signs.get(name), now) for name in ("supervisor", "canary")}
        report = _report(
            found,
            database=True,
            migrations_missing=0,
            worker=worker,
            worker_age_seconds=ages,
            mirror=_mirror(fresh),
            mail=mail_report(mail),
        )
        return Readiness(found, worker, mail_report(mail) | {"reason": mail.reason}, report)
    except Error:
        found = ["the database cannot be reached"]
        return Readiness(found, report=_report(found, database=False))


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
