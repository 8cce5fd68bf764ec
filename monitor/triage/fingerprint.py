"""Makes the fingerprint of a failure: failures of one cause have the same, in whatever flow they happened. Pure.

In it are the app and the type of the failed action, the error's code, and the templates of message and details; the
flow is not, so that one outage over twelve flows is one problem.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from monitor.triage.marks import readable, without_signs
from monitor.triage.remedy import remedy_of
from monitor.triage.template import LONGEST_REMEMBERED, REMEMBERED, cheap_texts, template_of

# Raise it with every change of what is a parameter: fingerprints of two versions are never equal, so that problems of
# old failures stay as they are and new ones are made for what comes later.
VERSION = 1
LENGTH = 32  # hex digits: 128 bits


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Holds what failures of one cause have in common.

    Attributes:
        fingerprint: hex digits, `LENGTH` of them; two causes with one template still differ by app, action or code.
        template: what the failures say, with `<*>` for what differs.
        remedy: the class of what to do, one of `monitor.triage.remedy.REMEDIES`.
    """

    fingerprint: str
    template: str
    remedy: str


def cause_of(
    *,
    app: str = "",
    action: str = "",
    code: str = "",
    message: Any = None,
    details: Any = None,
    trigger_data: Any = None,
) -> FailureCause:
    """Tells the cause of a failed run.

    Args:
        app: of the failed action, such as "Zoho CRM".
        action: its type, such as "Create Lead".
        code: the error's, "" where there is none.
        message: the error's, text or what JSON can hold.
        details: of the error, text or what JSON can hold.
        trigger_data: what started the run; its values are parameters where they stand in message or details.
    """
    key = (app, action, code, *cheap_texts((message, details), trigger_data))
    return _remembered(*key) if sum(map(len, key)) <= LONGEST_REMEMBERED else _made(*key)


def _made(app: str, action: str, code: str, message: str, details: str) -> FailureCause:
    told_by = _told_by if len(app) + len(action) + len(code) <= LONGEST_REMEMBERED else _told_by.__wrapped__
    return told_by(app, action, code, template_of(message), template_of(details))


@lru_cache(REMEMBERED)  # there are fewer templates than cheap forms, and each is short
def _told_by(app: str, action: str, code: str, said: str, more: str) -> FailureCause:
    app, action, code = (" ".join(without_signs(text).split()) for text in (app, action, code))
    # Apps often say the same twice: once is enough for people, and which of the two is filled is chance.
    shown, told = readable(said or more), readable(more) if said and more not in said else ""
    key = "\0".join((str(VERSION), app.casefold(), action.casefold(), code.casefold(), shown, told))
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]
    template = " | ".join(filter(None, (shown, told)))
    return FailureCause(digest, template, remedy_of(code, shown, told))


_remembered = lru_cache(REMEMBERED)(_made)
