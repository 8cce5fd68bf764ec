"""Says in one sentence whether anything is wrong: numbers in, words out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from django.utils.safestring import SafeString
from django.utils.translation import gettext_noop

from dashboard import formats, paint
from monitor.freshness import NEVER
from monitor.languages import gettext as _
from monitor.languages import ngettext, ngettext_noop
from monitor.queries.freshness import Mirror

ICONS = {"good": "circle-check", "warn": "triangle-alert", "bad": "triangle-alert", "quiet": "clock"}  # by tone
CALM = gettext_noop("Nothing needs anybody: no open problem, no alert, no silent flow, no broken connection")


@dataclass(frozen=True, slots=True)
class VerdictFacts:
    """Holds what the sentence is made of.

    Attributes:
        doubt: why the mirror is not to be trusted, in words; "" where it is.
        is_unread: nothing was read yet at all: then no number says anything.
        problems: that somebody has to look at.
        new_today: those of them that are new.
        without_owner: those of them that nobody looks after.
        alerts: open incidents.
        silent: flows that pause longer than they ever do.
        broken: connections that do not work.
        doubtful: connections of which nobody knows whether they work.
        rules: CRM rules that fail.
        webhooks: accounts whose webhooks of no known rule fail.
        passing: accounts whose plan will not last the month.
        changes: changes at Zoho whose outcome is unknown.
        retries: retries whose outcome is still unknown after a quarter of an hour.
    """

    doubt: str = ""
    is_unread: bool = False
    problems: int = 0
    new_today: int = 0
    without_owner: int = 0
    alerts: int = 0
    silent: int = 0
    broken: int = 0
    doubtful: int = 0
    rules: int = 0
    webhooks: int = 0
    passing: int = 0
    changes: int = 0
    retries: int = 0

    @property
    def is_calm(self) -> bool:
        """Returns whether nothing is known to need anybody."""
        known = (self.problems, self.alerts, self.silent, self.broken, self.doubtful)
        return not any((*known, self.rules, self.webhooks, self.passing, self.changes, self.retries))


class VerdictPart(NamedTuple):
    """Holds some of the words; `opens` names the list that a number counts, "" for none."""

    words: str
    opens: str = ""


@dataclass(frozen=True, slots=True)
class OverviewVerdict:
    """Holds the sentence in parts, and its tone: good, warn, bad or quiet."""

    tone: str
    parts: list[VerdictPart]

    @property
    def icon(self) -> str:
        """Is the name of the icon of its tone."""
        return ICONS[self.tone]

    @property
    def text(self) -> str:
        """Is the whole sentence."""
        return "".join(part.words for part in self.parts)

    def painted(self, addresses: Mapping[str, str]) -> SafeString:
        """Paints the sentence, its numbers as links.

        Args:
            addresses: of the lists, by the names of the parts; a part whose list has none is no link.
        """
        parts = []
        for words, opens in self.parts:
            href = addresses.get(opens, "")
            parts.append(f'<a href="{escape(href)}">{escape(words)}</a>' if href else escape(words))
        return paint.safe("".join(parts))


def verdict(facts: VerdictFacts) -> OverviewVerdict:
    """Says what is wrong, what cannot be known first; calmly that nothing is where all of it is known."""
    if facts.is_unread and facts.is_calm:
        why = facts.doubt or _("nothing was read so far")
        return _verdict(
            "quiet",
            [VerdictPart(_("Nothing is known yet: %(why)s") % {"why": why})],
        )
    found = _counted(facts)
    if facts.doubt:
        rest = (
            [VerdictPart(_("Of what is known: ")), *found] if found else [VerdictPart(_("What is known needs nobody"))]
        )
        doubt = VerdictPart(_("Not everything is known: %(why)s. ") % {"why": facts.doubt})
        return _verdict("bad" if found else "warn", [doubt, *rest])
    if not found:
        return _verdict("good", [VerdictPart(_(CALM))])
    return _verdict("bad" if facts.problems or facts.alerts or facts.broken else "warn", found)


def _verdict(tone: str, parts: list[VerdictPart]) -> OverviewVerdict:
    return OverviewVerdict(tone, [*parts, VerdictPart(".")])


def doubt_of(mirror: Mirror) -> str:
    """Says in words why the mirror is not to be trusted; "" where it is. The banner below says it at length."""
    troubled = mirror.troubled
    if mirror.locked:
        return _("the stored secrets cannot be read, so Zoho cannot be asked")
    if mirror.is_silent:
        return _("nothing is read from Zoho, for %(why)s") % {"why": mirror.worker.reason}
    if mirror.is_unread and mirror.worker.state == NEVER:
        return _("the worker has not run yet")
    if mirror.is_unread:
        return mirror.next_step.rstrip(".")
    if len(troubled) > 1:
        counts = {"some": len(troubled), "all": len(mirror.mirrored)}
        return _("%(some)s of %(all)s accounts are behind or have gaps") % counts
    if troubled:
        one = troubled[0]
        if one.is_current:
            return _("%(account)s has gaps") % {"account": one.name}
        return _("%(account)s is behind (%(state)s)") % {"account": one.name, "state": one.label.lower()}
    if mirror.starting or mirror.reading:
        names = [account.name for account in (*mirror.starting, *mirror.reading)]
        said = ngettext(
            "the history of %(account)s is still being read",
            "the history of %(accounts)s accounts is still being read",
            len(names),
        )
        return said % {"account": names[0], "accounts": len(names)}
    return ""


def _counted(facts: VerdictFacts) -> list[VerdictPart]:
    """Names each number that is not 0, those of problems first."""
    groups: list[list[VerdictPart]] = []
    if facts.problems:
        group = [
            VerdictPart(
                ngettext("%(n)s problem", "%(n)s problems", facts.problems) % {"n": formats.number(facts.problems)},
                "problems",
            )
        ]
        if facts.new_today:
            group.append(_of(_("%(n)s new today"), facts.new_today, "new"))
        if facts.without_owner:
            group.append(_of(_("%(n)s without an owner"), facts.without_owner, "unowned"))
        groups.append(group)
    groups += [[_of(ngettext(one, many, count), count, opens)] for opens, count, (one, many) in _others(facts) if count]
    parts: list[VerdictPart] = []
    for group in groups:
        for place, part in enumerate(group):
            between = "" if not parts else ", " if place else "; "
            parts += [VerdictPart(between), part] if between else [part]
    return parts


def _others(facts: VerdictFacts) -> Iterator[tuple[str, int, tuple[str, str]]]:
    """Yields what is counted beside problems: the list that it opens, how many, and the words for one and many."""
    yield from (
        ("alerts", facts.alerts, ngettext_noop("%(n)s alert", "%(n)s alerts")),
        ("silent", facts.silent, ngettext_noop("%(n)s silent flow", "%(n)s silent flows")),
        ("connections", facts.broken, ngettext_noop("%(n)s broken connection", "%(n)s broken connections")),
        (
            "doubtful",
            facts.doubtful,
            ngettext_noop("%(n)s connection that may not work", "%(n)s connections that may not work"),
        ),
        (
            "changes",
            facts.changes,
            ngettext_noop("%(n)s change of unknown outcome", "%(n)s changes of unknown outcome"),
        ),
        ("retries", facts.retries, ngettext_noop("%(n)s retry of unknown outcome", "%(n)s retries of unknown outcome")),
        (
            "rules",
            facts.rules,
            ngettext_noop("%(n)s CRM rule failing since yesterday", "%(n)s CRM rules failing since yesterday"),
        ),
        (
            "webhooks",
            facts.webhooks,
            ngettext_noop(
                "%(n)s account with failed webhooks of no known rule",
                "%(n)s accounts with failed webhooks of no known rule",
            ),
        ),
        (
            "plans",
            facts.passing,
            ngettext_noop("%(n)s plan that will not last the month", "%(n)s plans that will not last the month"),
        ),
    )


def _of(words: str, count: int, opens: str) -> VerdictPart:
    return VerdictPart(words % {"n": formats.number(count)}, opens)
