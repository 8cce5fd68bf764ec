"""Walks along a sentence about a rule: takes words, quoted texts and numbers from where it stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ENDS = {"n": "\n", "r": "\r"}


class SentenceError(ValueError):
    """Says that a text is no sentence about a rule, and at which place that shows."""

    def __init__(self, text: str, at: int) -> None:
        """Makes the message.

        Args:
            text: the whole text.
            at: where it can no longer be read.
        """
        self.at = at
        super().__init__(f"this cannot be read from its character {at + 1} on: {text[at : at + 40]!r}")


class Scanner:
    """Stands at a place of a text and takes what follows there."""

    def __init__(self, text: str) -> None:
        """Stands at the beginning.

        Args:
            text: the sentence.
        """
        self.text = text
        self.at = 0

    def take(self, literal: str) -> bool:
        """Takes a text if it follows.

        Args:
            literal: the text.
        """
        if not self.text.startswith(literal, self.at):
            return False
        self.at += len(literal)
        return True

    def need(self, literal: str) -> None:
        """Takes a text that must follow.

        Args:
            literal: the text.

        Raises:
            SentenceError: it does not follow.
        """
        if not self.take(literal):
            raise self.error()

    def sees(self, literal: str) -> bool:
        """Says whether a text follows.

        Args:
            literal: the text.
        """
        return self.text.startswith(literal, self.at)

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Takes what a pattern matches.

        Args:
            pattern: anchored where the scanner stands.
        """
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def quoted(self) -> str | None:
        """Takes a text in single quotes, as `names.quote` writes it; None where none follows."""
        found = self.match(_QUOTED)
        return None if found is None else _ESCAPED.sub(lambda m: _ENDS.get(m[1], m[1]), found[1])

    def need_quoted(self) -> str:
        """Takes a text in single quotes that must follow.

        Raises:
            SentenceError: none follows.
        """
        found = self.quoted()
        if found is None:
            raise self.error()
        return found

    def one_of(self, table: Mapping[str, str], boundary: str = "") -> str | None:
        """Takes the longest text of a table that follows, with what it stands for.

        Args:
            table: what each text stands for.
            boundary: characters of which one must follow, or the end; "" for any.
        """
        for literal in longest_first(table):
            end = self.at + len(literal)
            if self.sees(literal) and (not boundary or end == len(self.text) or self.text[end] in boundary):
                self.at = end
                return table[literal]
        return None

    @property
    def is_done(self) -> bool:
        """Says whether the text is at its end."""
        return self.at == len(self.text)

    def error(self) -> SentenceError:
        """Makes the error of this place."""
        return SentenceError(self.text, self.at)


def longest_first(texts: Iterable[str]) -> list[str]:
    """Sorts texts so that none comes after one that it begins with."""
    return sorted(texts, key=len, reverse=True)
