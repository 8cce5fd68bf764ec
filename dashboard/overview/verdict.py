"""Says in one sentence whether anything is wrong: numbers in, words out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from django.utils.safestring import SafeString

from dashboard import formats, paint
from monitor.freshness import NEVER
from monitor.queries.freshness import Mirror

ICONS = {"good": "circle-check", "warn": "triangle-alert", "bad": "triangle-alert", "quiet": "clock"}  # by tone
CALM = "Nothing needs anybody: no open problem, no alert, no silent flow, no broken connection"


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
        return _verdict("quiet", [VerdictPart(f"Nothing is known yet: {facts.doubt or 'nothing was read so far'}")])
    found = _counted(facts)
    if facts.doubt:
        rest = [VerdictPart("Of what is known: "), *found] if found else [VerdictPart("What is known needs nobody")]
        doubt = VerdictPart(f"Not everything is known: {facts.doubt}. ")
        return _verdict("bad" if found else "warn", [doubt, *rest])
    if not found:
        return _verdict("good", [VerdictPart(CALM)])
    return _verdict("bad" if facts.problems or facts.alerts or facts.broken else "warn", found)


def _verdict(tone: str, parts: list[VerdictPart]) -> OverviewVerdict:
    return OverviewVerdict(tone, [*parts, VerdictPart(".")])


def doubt_of(mirror: Mirror) -> str:
    """Says in words why the mirror is not to be trusted; "" where it is. The banner below says it at length."""
    troubled = mirror.troubled
    if mirror.locked:
        return "the stored secrets cannot be read, so Zoho cannot be asked"
    if mirror.is_silent:
        return f"nothing is read from Zoho, for {mirror.worker.reason}"
    if mirror.is_unread and mirror.worker.state == NEVER:
        return "the worker has not run yet"
    if mirror.is_unread:
        return mirror.next_step.rstrip(".")
    if len(troubled) > 1:
        return f"{len(troubled)} of {len(mirror.mirrored)} accounts are behind or have gaps"
    if troubled:
        one = troubled[0]
        why = f"is behind ({one.label.lower()})" if not one.is_current else "has gaps"
        return f"{one.name} {why}"
    if mirror.starting or mirror.reading:
        names = [account.name for account in (*mirror.starting, *mirror.reading)]
        return f"the history of {names[0] if len(names) == 1 else f'{len(names)} accounts'} is still being read"
    return ""


def _counted(facts: VerdictFacts) -> list[VerdictPart]:
    """Names each number that is not 0, those of problems first."""
    groups: list[list[VerdictPart]] = []
    if facts.problems:
        group = [VerdictPart(_many(facts.problems, "problem"), "problems")]
        if facts.new_today:
            group.append(VerdictPart(f"{facts.new_today:,} new today", "new"))
        if facts.without_owner:
            group.append(VerdictPart(f"{facts.without_owner:,} without an owner", "unowned"))
        groups.append(group)
    others = (
        (facts.alerts, "alert", "", "alerts"),
        (facts.silent, "silent flow", "", "silent"),
        (facts.broken, "broken connection", "", "connections"),
        (facts.doubtful, "connection", " that may not work", "doubtful"),
        (facts.changes, "change", " of unknown outcome", "changes"),
        (facts.retries, "retry", " of unknown outcome", "retries"),
        (facts.rules, "CRM rule", " failing since yesterday", "rules"),
        (facts.webhooks, "account", " with failed webhooks of no known rule", "webhooks"),
        (facts.passing, "plan", " that will not last the month", "plans"),
    )
    groups += [[VerdictPart(_many(count, one) + more, opens)] for count, one, more, opens in others if count]
    parts: list[VerdictPart] = []
    for group in groups:
        for place, part in enumerate(group):
            between = "" if not parts else ", " if place else "; "
            parts += [VerdictPart(between), part] if between else [part]
    return parts


def _many(count: int, one: str) -> str:
    many = f"{one[:-1]}ies" if one.endswith("ry") else f"{one}s"
    return f"{formats.number(count)} {one if count == 1 else many}"
