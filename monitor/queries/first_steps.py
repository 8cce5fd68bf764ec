"""Says how far a new installation has come with an account: what is done, and what a person does next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from monitor import figures
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.models import AlertRule, MailServer, ZohoAccount
from monitor.models.asking import Asking, ask_count, ask_first, in_step
from monitor.queries.backfill import History
from monitor.queries.freshness import AccountFreshness

SHOWN_FOR = timedelta(days=14)  # who has not sent a test mail by then does without


@dataclass(frozen=True)
class StepFacts:
    """Holds what the steps go by.

    Attributes:
        is_proved: Zoho took the sign-in.
        is_read: everything that is listed was read completely once.
        flows_done, flows_all: of how many flows the history is read to its end.
        is_history_open: whether older runs are still to be read.
        rules: alert rules that are switched on for it.
        mail_state: of the mail server.
        was_tested: whether somebody asked for a test mail.
    """

    is_proved: bool
    is_read: bool
    flows_done: int
    flows_all: int
    is_history_open: bool
    rules: int
    mail_state: str
    was_tested: bool


@dataclass(frozen=True)
class FirstStep:
    """Holds one step. `url` and `label` lead to where it is done, where a person can do something about it."""

    words: str
    is_done: bool
    note: str = ""
    url: str = ""
    label: str = ""


def steps_of(facts: StepFacts) -> list[FirstStep]:
    """Puts the steps into words, in their order. Pure."""
    mails = facts.mail_state == MailServer.State.ACCEPTS
    counted = {"n": figures.number(facts.flows_done), "all": figures.number(facts.flows_all)}
    history = _("%(n)s of %(all)s flows") % counted if facts.flows_all else ""
    rules = ngettext("%(n)s rule watches it", "%(n)s rules watch it", facts.rules) % {"n": figures.number(facts.rules)}
    return [
        FirstStep(_("Sign in at Zoho"), facts.is_proved, "" if facts.is_proved else _("reconnect the account")),
        FirstStep(
            _("Read what there is: flows, newest runs, rules"),
            facts.is_read,
            "" if facts.is_read else _("within minutes"),
        ),
        FirstStep(_("Read the history that Zoho still has"), facts.is_read and not facts.is_history_open, history),
        FirstStep(
            _("Decide what alerts go by"),
            facts.rules > 0,
            rules if facts.rules else _("no rule watches it"),
            reverse("alert_coverage"),
            _("Who would hear of what"),
        ),
        FirstStep(
            _("Send yourself a test mail"),
            mails and facts.was_tested,
            _of_mails(facts),
            "" if mails and facts.was_tested else reverse("mails"),
            _("Mails"),
        ),
    ]


@dataclass(frozen=True)
class OfNewAccount:
    """Holds what is asked for the steps of a new account alone: the mail server, and how many rules watch it."""

    server: MailServer | None
    rules: int


def ask_new_account(account: ZohoAccount, now: datetime) -> Asking[OfNewAccount | None]:
    """Asks for what the steps of an account need; returns None where it is new no longer."""
    if now - account.created_at > SHOWN_FOR:
        return None
    watching = AlertRule.objects.filter(account=account, is_active=True)
    server, rules = yield from in_step(ask_first(MailServer.objects.order_by("pk")), ask_count(watching))
    return OfNewAccount(server, rules)


def left(
    known: OfNewAccount | None, freshness: AccountFreshness | None, history: History, token: str
) -> list[FirstStep]:
    """Returns the steps of a new account, done ones too, while something is left to do; else none. Pure.

    Args:
        known: of the account, as `ask_new_account` found it.
        freshness: of it.
        history: of its first reading.
        token: the state of its sign-in.
    """
    if known is None:
        return []
    server = known.server
    steps = steps_of(
        StepFacts(
            is_proved=token not in ("refused", "none"),
            is_read=freshness is not None and not freshness.is_unread,
            flows_done=history.flows_done,
            flows_all=history.flows_all,
            is_history_open=history.is_open,
            rules=known.rules,
            mail_state=server.state if server else MailServer.State.UNKNOWN,
            was_tested=bool(server and server.probed_at),
        )
    )
    return [] if all(step.is_done for step in steps) else steps


def _of_mails(facts: StepFacts) -> str:
    if facts.mail_state == MailServer.State.ACCEPTS:
        return "" if facts.was_tested else _("the mail server takes mails; nobody has tried whether they arrive")
    return _(str(MailServer.State(facts.mail_state).label)).lower()
