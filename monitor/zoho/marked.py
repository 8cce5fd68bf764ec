"""Marks this package's texts for translation, without Django, which the package does without (docs/translating.md)."""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """Marks the text of a table; whoever shows it says it in the reader's language."""
    return text
