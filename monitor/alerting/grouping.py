"""Decides which open incident an alert that fires belongs to. Pure.

From the surest to the weakest: what is wrong with the whole account; a connection that does not work; a problem that
the newest failures share; an app and a kind of error; and for alerts without failures, such as silence, that they
began within minutes. Two alerts whose problems are known and differ share an incident only where one connection
explains both. A closed incident takes nothing in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from monitor.app_names import plain_app
from monitor.error_classes import OTHER

TOGETHER = timedelta(minutes=10)  # alerts without failures that began no further apart
# Errors that a sign-in that does not work brings about: 401, 403, and words that say as much.
SIGN_IN = frozenset({"connection", "permission"})
KEY_LENGTH, APP_LENGTH = 200, 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FailureSign:
    """Holds what is known of a failed run's cause.

    Attributes:
        app: of the failed action; "" where it is not known.
        error_class: one of `monitor.error_classes`.
        problem: the key of the ledger's problem; None where the ledger does not have it yet.
    """

    app: str
    error_class: str
    problem: int | None


@dataclass(frozen=True, slots=True)
class AlertCauses:
    """Holds what is known of why an alert fires.

    Attributes:
        began_at: by Zoho's clock.
        account: what is wrong with its whole account, if that is what the alert says.
        first: which first look found it: of a new account or rule, or after a pause; "" for an alert that is news.
        connection: the app whose sign-in does not work, as names are compared; "" for none.
        problem: the problem that most of the newest failures have.
        error: app and kind of most of the newest failures, in the same way.
        app: that app, as Zoho writes it.
        has_failures: whether failed runs brought it about.
        is_cause: it is the connection's own alert, which explains those of its flows.
        is_broken: Zoho says that a connection to that app does not work.
        is_refused: most of its newest failures say that the sign-in is refused (401 and its like, not 403).
        flow: that it is about; None for another subject.
        subject: that it is about where that is no flow: its kind and key; "" for a flow or the account.
    """

    began_at: datetime
    account: str = ""
    first: str = ""
    connection: str = ""
    problem: int | None = None
    error: str = ""
    app: str = ""
    has_failures: bool = False
    is_cause: bool = False
    is_broken: bool = False
    is_refused: bool = False
    flow: int | None = None
    subject: str = ""

    def stored(self) -> dict[str, Any]:
        """Returns what is kept of it with the alert's membership."""
        known = {
            "account": self.account,
            "first": self.first,
            "connection": self.connection,
            "problem": self.problem,
            "error": self.error,
            "app": self.app,
            "has_failures": self.has_failures,
            "is_cause": self.is_cause,
            "is_broken": self.is_broken,
            "is_refused": self.is_refused,
            "flow": self.flow,
            "subject": self.subject,
        }
        return {name: value for name, value in known.items() if value}

    @classmethod
    def restored(cls, stored: dict[str, Any], began_at: datetime) -> AlertCauses:
        """Returns what was kept."""
        return cls(began_at=began_at, **stored)


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """Holds an open incident: its key, its cause, and what is known of its members' causes.

    `is_fresh`: it was opened so lately that what is found first belongs to it.
    """

    key: int
    cause: str
    cause_key: str
    members: Sequence[AlertCauses] = field(default=())
    is_fresh: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """Holds where an alert belongs: to an open incident (`joins`), or to a new one of this cause."""

    cause: str
    cause_key: str
    joins: int | None = None


def causes_of(
    began_at: datetime,
    signs: Sequence[FailureSign],
    broken_apps: Iterable[str],
    *,
    flow: int | None = None,
    subject: str = "",
    first: str = "",
) -> AlertCauses:
    """Returns what is known of why an alert fires.

    Args:
        began_at: by Zoho's clock.
        signs: the newest failures of its subject, the newest first; none for an alert without failures.
        broken_apps: apps of connections of which Zoho says that they do not work.
        flow: that the alert is about.
        subject: that it is about where that is no flow.
        first: which first look found it.
    """
    broken = {plain_app(app) for app in broken_apps} - {""}
    apps = (app for sign in signs if (app := _sign_in_app(sign, broken)))
    problems = (sign.problem for sign in signs if sign.problem is not None)
    errors = (f"{plain_app(sign.app)}: {sign.error_class}" for sign in signs if sign.app and sign.error_class != OTHER)
    connection = _of_most(apps, len(signs)) or ""
    return AlertCauses(
        began_at=began_at,
        first=first,
        connection=connection,
        is_broken=connection in broken,
        is_refused=bool(connection) and sum(sign.error_class == "connection" for sign in signs) * 2 > len(signs),
        flow=flow,
        subject=subject,
        problem=_of_most(problems, 0),
        error=(_of_most(errors, len(signs)) or "")[:KEY_LENGTH],
        app=next((" ".join(sign.app.split())[:APP_LENGTH] for sign in signs if sign.app), ""),
        has_failures=bool(signs),
    )


def choose(alert: AlertCauses, opened: Sequence[OpenIncident]) -> Choice:
    """Returns which incident an alert belongs to.

    Args:
        alert: what is known of its cause.
        opened: the open incidents of its account, the oldest first.
    """
    if alert.account:
        return _joined("account", "", (one for one in opened if one.cause == "account"))
    # Before all else that it may be: a subject that another rule takes over is nothing new, and somebody may be on it.
    if (mine := _of_same_subject(alert, opened)) is not None:
        return Choice(mine.cause, mine.cause_key, mine.key)
    if alert.first:
        same = (one for one in opened if (one.cause, one.cause_key) == ("first", alert.first) and one.is_fresh)
        return _joined("first", alert.first, same)
    news = [one for one in opened if one.cause not in ("account", "first")]
    if alert.connection:
        found = _joined("connection", alert.app or alert.connection, _sharing(news, "connection", alert.connection))
        return found if found.joins is not None else _by_problem(alert, news, found)
    if alert.problem is not None or alert.error:
        return _by_problem(alert, news, None)
    if not alert.has_failures:
        near = (one for one in news if _began_together(alert, one))
        return _joined("time", "", near)
    return Choice("alone", "")


def _of_same_subject(alert: AlertCauses, opened: Sequence[OpenIncident]) -> OpenIncident | None:
    """Returns the incident that what the alert is about is in already, by another rule; not one of another problem."""
    mine = (alert.flow, alert.subject)
    if mine == (None, ""):
        return None
    theirs = (one for one in opened if any((member.flow, member.subject) == mine for member in one.members))
    return next((one for one in theirs if not _problems_differ(alert, one)), None)


def _by_problem(alert: AlertCauses, news: Sequence[OpenIncident], otherwise: Choice | None) -> Choice:
    """Returns the incident of the alert's problem, or of its app and kind of error where no problems differ."""
    if alert.problem is not None:
        found = _joined("problem", str(alert.problem), _sharing(news, "problem", alert.problem))
        if found.joins is not None:
            return found
        otherwise = otherwise or found
    if alert.error:
        alike = (one for one in _sharing(news, "error", alert.error) if not _problems_differ(alert, one))
        _, _, kind = alert.error.rpartition(": ")
        found = _joined("error", f"{alert.app}: {kind}", alike)
        if found.joins is not None:
            return found
        otherwise = otherwise or found
    return otherwise or Choice("alone", "")


def _joined(cause: str, key: str, fitting: Iterable[OpenIncident]) -> Choice:
    return Choice(cause, key, next((one.key for one in fitting), None))


def _sharing(opened: Sequence[OpenIncident], name: str, value: object) -> list[OpenIncident]:
    """Returns the incidents of which a member has this cause."""
    return [one for one in opened if any(getattr(member, name) == value for member in one.members)]


def _problems_differ(alert: AlertCauses, one: OpenIncident) -> bool:
    known = {member.problem for member in one.members} - {None}
    return alert.problem is not None and bool(known - {alert.problem})


def _began_together(alert: AlertCauses, one: OpenIncident) -> bool:
    quiet = [member.began_at for member in one.members if not member.has_failures]
    return bool(quiet) and len(quiet) == len(one.members) and any(abs(at - alert.began_at) <= TOGETHER for at in quiet)


def _sign_in_app(sign: FailureSign, broken: set[str]) -> str:
    """Returns the app whose sign-in is to blame for a failure; "" where it is not.

    An action may fail for its data while a connection of its app is broken: then another one serves the flow.
    """
    app = plain_app(sign.app)
    if sign.error_class in SIGN_IN:
        return app
    return app if app in broken and sign.error_class == OTHER else ""


def _of_most(values: Iterable[T], among: int) -> T | None:
    """Returns the value that occurs most often, the first of equals; None where it is not more than half of `among`."""
    found = Counter(values).most_common(1)
    return found[0][0] if found and found[0][1] * 2 > among else None
