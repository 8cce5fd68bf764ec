"""A mail server on loopback that keeps what it gets and misbehaves as told."""

from __future__ import annotations

import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

DROP = "drop"


@dataclass
class Sink:
    """`at_rcpt` and `at_data` hold the answers to come, in order; then every answer is 250.

    `DROP` as an answer to DATA closes the connection after the mail was taken. `by_address` answers RCPT for
    one address always, `to_html` each message with a part of HTML.
    """

    at_rcpt: list[str] = field(default_factory=list)
    at_data: list[str] = field(default_factory=list)
    by_address: dict[str, str] = field(default_factory=dict)
    to_html: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[list[str]] = field(default_factory=list)
    connections: int = 0

    async def handle_EHLO(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.by_address:
            return self.by_address[address]
        if self.at_rcpt and not (answer := self.at_rcpt.pop(0)).startswith("250"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.at_data.pop(0) if self.at_data else "250 OK"
        if self.to_html and b"text/html" in envelope.content:
            answer = self.to_html
        if answer == DROP or answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            self.envelopes.append(list(envelope.rcpt_tos))
        if answer == DROP:
            server.transport.abort()
        return answer


@contextmanager
def listening(sink: Sink, port: int) -> Iterator[None]:
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
