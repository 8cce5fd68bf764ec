"""Holds one message on its way to a channel, and what the server answered. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Parcel:
    """Holds one message, ready to be handed over. What is secret of it is not in its repr.

    Attributes:
        service: one of `Channel.Service`.
        fields: what the service's form was filled in with.
        signing: the secrets of a signed webhook.
        message_id: the same on each repeat.
        title: one line.
        lines: the text.
        link: the whole address of the incident's page.
        tone: failure, warning or success.
        key: of the incident, where the service has incidents of its own.
        source: who sends it: the host of our address.
        payload: the same for programs.
    """

    service: str
    fields: dict[str, str] = field(repr=False)
    message_id: str = ""
    title: str = ""
    lines: list[str] = field(default_factory=list)
    link: str = ""
    tone: str = "failure"
    key: str = ""
    source: str = ""
    signing: list[str] = field(default_factory=list, repr=False)
    payload: dict[str, Any] = field(default_factory=dict, repr=False)

    def dumps(self, **more: Any) -> str:
        """Writes it as JSON, with what else the reader needs."""
        return json.dumps(asdict(self) | more)


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """Holds what came of one attempt.

    Attributes:
        is_taken: whether the service took the message.
        status: the HTTP status; None where there was no answer.
        words: the server's, without secrets.
        retry_after: the header of this name; "" without one.
        fault: names what went wrong where there was no answer.
        may_have_arrived: whether the message may have been taken although there was no answer.
    """

    is_taken: bool
    status: int | None = None
    words: str = ""
    retry_after: str = ""
    fault: str = ""
    may_have_arrived: bool = False

    @classmethod
    def loads(cls, text: str) -> Self:
        """Reads what `dumps` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            return cls(**json.loads(text))
        except TypeError:
            raise ValueError("no answer of a channel") from None

    def dumps(self) -> str:
        """Writes it as JSON."""
        return json.dumps(asdict(self))
