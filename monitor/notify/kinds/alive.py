"""Says once a day that the monitor lives, by the way that alerts go: where it does not come, something is dead."""

from __future__ import annotations

from datetime import tzinfo

from django.utils.translation import gettext_noop

from monitor.models import Occasion
from monitor.notify.kinds.kind import Letter, MailKind
from monitor.notify.kinds.of_digest import digest_letter
from monitor.notify.recipients import ALIVE_RIGHT


def _letter(occasion: Occasion, zone: tzinfo) -> Letter:
    intro = (
        "The worker runs and mails go out. If this mail does not come one day, look at /healthz/ready and the worker."
    )
    return digest_letter(occasion, zone, "I am alive", intro)


KIND = MailKind(
    name=Occasion.Kind.ALIVE,
    topic="watchdog",
    headline="The monitor is alive",
    switch=gettext_noop("Send me a mail every day that says that the monitor is alive"),
    why="your profile asks for a mail every day that says that the monitor is alive",
    no_more=gettext_noop("that say that the monitor is alive"),
    letter=_letter,
    right=ALIVE_RIGHT,
)
