"""Knows where the request came from that this thread answers: its client's address and its id. Knows no Django.

Who answers a request says so at its beginning and its end; the audit trail and the log lines read it. Outside of a
request, in a command or a task, both are empty.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=-]{7,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Origin:
    """Holds where a request came from; both are "" outside of one.

    Attributes:
        address: of the client, as `dashboard.client_address` finds it.
        request_id: what stands in the answer's `X-Request-ID`, 8 to 64 characters that are safe everywhere.
    """

    address: str = ""
    request_id: str = ""


_present: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 - frozen


def present() -> Origin:
    """Returns where the request came from that is being answered."""
    return _present.get()


def begin(origin: Origin) -> None:
    """Says where the request came from that this thread answers from now on."""
    _present.set(origin)


def end() -> None:
    """Says that the answer is given, to its last byte."""
    _present.set(Origin())


def request_id(given: str = "") -> str:
    """Returns the id that a trusted proxy gave, where it is well-formed, else a new one."""
    return given if _WELL_FORMED.fullmatch(given) else secrets.token_hex(16)
