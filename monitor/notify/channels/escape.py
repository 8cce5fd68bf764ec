"""Makes text that came from outside harmless for a chat: no link, no mention, no heading is made of it. Pure."""

from __future__ import annotations

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")
_NO_BREAK = "\u2060"  # is not seen, and ends what a chat would take for a name
_MENTION = re.compile(r"@(?=[\w/])")


def harmless(text: str) -> str:
    """Returns a line in which no chat finds a person to call, nor a link with another text than its address.

    Slack, Telegram and others escape the rest themselves; these two are read out of plain text by some.
    """
    return _MENTION.sub(f"@{_NO_BREAK}", text.replace("](", "] (").replace("{@", "{ @"))


def markdown(text: str) -> str:
    """Returns a line that reads the same where it is taken for Markdown."""
    return _MARKDOWN.sub(r"\\\1", text)
