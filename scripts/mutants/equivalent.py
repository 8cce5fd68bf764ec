"""Reads the list of mutations that change nothing anybody could notice, each with the reason (equivalent.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mutants.mutations import Mutation

FILE = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Holds one entry: a line of a file, what it becomes, and why that is the same."""

    path: str
    line: str
    becomes: str
    reason: str

    def is_of(self, mutation: Mutation, source: bytes) -> bool:
        """Returns whether a mutation is the one of the entry; lines are compared without their indent."""
        if mutation.path != self.path:
            return False
        before, after = source.splitlines(), mutation.apply(source).splitlines()
        number = mutation.line - 1
        return before[number].decode().strip() == self.line and after[number].decode().strip() == self.becomes


def known(file: Path = FILE) -> list[Equivalent]:
    """Returns all entries.

    Raises:
        ValueError: one gives no reason.
    """
    found = [Equivalent(**entry) for entry in tomllib.loads(file.read_text()).get("mutation", [])]
    for entry in found:
        if len(entry.reason.split()) < 4:
            raise ValueError(f"say why this is the same: {entry.path}: {entry.becomes}")
    return found
