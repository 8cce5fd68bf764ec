"""Puts what needs somebody into words: what the template prints of each line, finished. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import NamedTuple

from django.utils.safestring import SafeString

from dashboard import formats, paint
from monitor.languages import gettext as _
from monitor.languages import pgettext
from monitor.models.addresses import address_of, address_of_list
from monitor.queries.needs import Need
from monitor.triage.remedy import REMEDIES

OWNED = ("problem", "incident", "flow", "rule")  # what a person can look after


class Rights(NamedTuple):
    """Says which of the acts a person may do."""

    acknowledge: bool
    triage: bool
    retry: bool


class Act(NamedTuple):
    """Holds what can be done at once: a link, or a form that posts `problem` where that is not 0."""

    label: str
    url: str
    is_post: bool = False
    problem: int = 0


@dataclass(frozen=True, slots=True)
class NeedLine:
    """Holds what the list shows of a need.

    Attributes:
        id: of the line's elements, so that the keyboard's focus is still there when the list was read anew.
        url: of the page that tells more.
        title: its name.
        pills: its state, and that an alert about it fires.
        about: why, and where.
        since: when it began; empty where that is not known.
        owner: who looks after it, _("nobody yet"), or "" where nobody can.
        is_owned: whether somebody does.
        acts: what helps, the surest first.
    """

    id: str
    url: str
    title: str
    pills: SafeString
    about: str
    since: SafeString
    owner: str
    is_owned: bool
    acts: list[Act]


def lines(
    needs: Iterable[Need], now: datetime, zone: tzinfo, rights: Rights, *, with_account: bool = True
) -> list[NeedLine]:
    """Puts needs into words.

    Args:
        needs: worst first.
        now: the page's time.
        zone: the viewer's.
        rights: of who looks.
        with_account: whether each line names its account: where there is one alone, it goes without saying.
    """
    return [
        NeedLine(
            id=f"need-{need.thing.kind}-{need.thing.key}",
            url=need.url,
            title=need.title,
            pills=_pills(need),
            about=" · ".join(filter(None, (_cause(need), _account(need) if with_account else ""))),
            since=paint.ago(need.since, now, zone) if need.since is not None else SafeString(""),
            owner=need.owner or (_("nobody yet") if need.thing.kind in OWNED or need.alert is not None else ""),
            is_owned=bool(need.owner),
            acts=acts_of(need, rights),
        )
        for need in needs
    ]


def acts_of(need: Need, rights: Rights) -> list[Act]:
    """Names what a person can do about a need at once. Pure.

    Args:
        need: which.
        rights: of who looks.
    """
    kind, key = need.thing
    acts = []
    if need.alert is not None and not need.alert.is_acknowledged and rights.acknowledge:
        acts.append(Act(_("Acknowledge"), address_of("incident_acknowledge", need.alert.key), is_post=True))
    if kind == "problem":
        if not need.owner and rights.triage:
            acts.append(Act(_("Take"), address_of("problem_take", key), is_post=True))
        if need.open_failures and rights.retry:
            label = _("Retry %(failures)s…") % {"failures": formats.number(need.open_failures)}
            acts.append(Act(label, address_of_list("batch_preview"), is_post=True, problem=key))
    elif kind == "flow":
        acts.append(Act(_("Its runs"), f"{address_of_list('executions')}?flow={key}"))
    elif kind == "rule":
        acts.append(Act(_("Its webhooks"), f"{address_of_list('webhook_failures')}?rule={key}"))
    elif kind in ("edit", "retries"):
        acts.append(Act(_("What became of it"), need.url))
    elif kind == "account":
        acts.append(Act(_("Its state"), need.url))
    return acts or [Act(pgettext("act", "Open"), need.url)]


def _pills(need: Need) -> SafeString:
    is_zohos = need.thing.kind == "connection"
    state = paint.zohos_pill("connection", need.state) if is_zohos else paint.pill(need.state)
    if need.alert is None or need.thing.kind == "incident":
        return state
    return paint.safe(f"{state} {paint.pill('acknowledged' if need.alert.is_acknowledged else 'firing')}")


def _account(need: Need) -> str:
    return "" if need.account == need.title else need.account


def _cause(need: Need) -> str:
    if need.thing.kind != "problem":
        return need.cause
    what = (
        (_(REMEDIES[need.remedy]) if need.remedy in REMEDIES else "").partition(". ")[0].partition(": ")[0].rstrip(".")
    )
    waiting = _("none open")
    if need.open_failures:
        waiting = _("%(failures)s open") % {"failures": formats.number(need.open_failures)}
    return " · ".join(filter(None, (waiting, what)))
