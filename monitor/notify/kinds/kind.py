"""Says what a kind of mail consists of, beside those of alerts: its words for the profile, and how it is written."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from monitor.models import DigestSection, Occasion
from monitor.notify.compose import Rendered, compose, whole, zone_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """Holds what a mail tells. Texts are clean and masked.

    Attributes:
        subject: one line.
        intro: what happened, in one sentence.
        rows: (label, value) each.
        page: the address to open.
        button: what opening it is called.
        quote: a person's words; empty where there are none.
        counted: (how many, what) each, under the heading `counted_title`.
        links: (what, address) each, of further pages.
        sections: further parts, with lines of their own.
        is_good: whether it is good news, by the colour of its edge.
    """

    subject: str
    intro: str
    rows: tuple[tuple[str, str], ...]
    page: str
    button: str
    quote: str = ""
    counted_title: str = ""
    counted: tuple[tuple[int, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    sections: tuple[DigestSection, ...] = ()
    is_good: bool = False


@dataclass(frozen=True, slots=True)
class MailKind:
    """Describes a kind of mail.

    Attributes:
        name: one of `Occasion.Kind`.
        topic: what readers sort it by.
        headline: what happened, without anything that came from outside.
        switch: names the person's switch on the profile page.
        why: why the person gets it, as the end of "You get this mail because".
        no_more: names what to switch off, as the end of "No more mails".
        letter: what one tells, with times of a zone.
        right: without which nobody gets one (`monitor.access`).
    """

    name: str
    topic: str
    headline: str
    switch: str
    why: str
    no_more: str
    letter: Callable[[Occasion, tzinfo], Letter]
    right: str = "view"

    def write(self, occasion: Occasion, zone: str) -> Rendered:
        """Returns the mail of an occasion; whatever is wrong with its text, one comes out.

        Args:
            occasion: with its subject.
            zone: the reader's time zone; an unknown one is UTC.
        """
        try:
            letter = self.letter(occasion, zone_of(zone))
            return compose("emails/letter", letter.subject, {"letter": letter, "kind": self})
        except Exception:
            # As with alerts: a broken template must not hold up the queue.
            logger.exception("occasion %d: its mail could not be rendered; sending the plain one", occasion.pk)
            return self.plain(occasion)

    def plain(self, occasion: Occasion) -> Rendered:
        """Returns the least that a mail must say, made without templates and anything that came from outside."""
        page = page_of(occasion)
        return Rendered(subject=self.headline, text=f"{self.headline}: {page}\n", html="")


def page_of(occasion: Occasion) -> str:
    """Returns the whole address of the page of what an occasion is about."""
    return whole(occasion.subject.get_absolute_url())
