"""Holds which tests run which lines, and finds those that cover a mutation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from mutants.mutations import Mutation
from mutants.places import ROOT, file_hash

PATIENCE = 0.25  # of the suite's time, for one mutation


@dataclass
class Covering:
    """Holds tests, what they cost, and the lines they run.

    Attributes:
        tests: the ids of those that pass; the rest of the map names them by number.
        sets: groups of tests; lines of one function mostly share one.
        lines: for each file, the number of the group of each line.
        functions: for each file, the number of the group of each outermost function, by qualified name.
        hashes: the content of each file as it was when it was recorded.
        broken: tests that failed without any mutation.
    """

    tests: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    sets: list[list[int]] = field(default_factory=list)
    lines: dict[str, dict[str, int]] = field(default_factory=dict)
    functions: dict[str, dict[str, int]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    mentions: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def cost(self) -> dict[str, float]:
        """Returns the seconds of each test."""
        return dict(zip(self.tests, self.seconds, strict=True))

    def of(self, mutation: Mutation) -> list[str]:
        """Returns the tests that run what is mutated: those of its own file and folder first, then the fastest.

        What a quarter of the suite does not notice counts as not noticed: the code below everything is run by nearly
        all of it.
        """
        found = self._of_function(mutation, mutation.function[0]) if mutation.function else self._of_import(mutation)
        place = Path(mutation.path)
        nearest = sorted(found, key=lambda one: (_apart(place, self.tests[one]), self.seconds[one]))
        spent = accumulate(self.seconds[one] for one in nearest)
        most, first = PATIENCE * sum(self.seconds), set(nearest[:50])
        return [self.tests[one] for one, cost in zip(nearest, spent, strict=True) if cost <= most or one in first]

    def _of_function(self, mutation: Mutation, name: str) -> set[int]:
        if self.hashes.get(mutation.path) == file_hash(ROOT / mutation.path):
            groups = self.lines.get(mutation.path, {})
            first, last = mutation.lines
            return self._union(groups[str(line)] for line in range(first, last + 1) if str(line) in groups)
        return self.by_name(mutation.path, name)

    def by_name(self, path: str, function: str) -> set[int]:
        """Finds the tests of a function of a file that has changed since, there or in the file it has come from."""
        here = self.functions.get(path, {})
        if function in here:
            return self._union([here[function]])
        elsewhere = [groups[function] for groups in self.functions.values() if function in groups]
        return self._union(elsewhere or here.values())

    def _of_import(self, mutation: Mutation) -> set[int]:
        """What runs at import is noticed where its name is used: the innermost name that any function mentions."""
        for name in mutation.names:
            users = self.mentions.get(name, set())
            if found := set().union(*(self.by_name(*user) for user in users if self._knows(*user))):
                return found
        return self._union(self.functions.get(mutation.path, {}).values())

    def members(self, of: dict[str, dict[str, int]], path: str, key: str) -> set[int]:
        """Returns the tests of one line or function of a file; `of` is `lines` or `functions`."""
        number = of.get(path, {}).get(key)
        return set() if number is None else set(self.sets[number])

    def _knows(self, path: str, function: str) -> bool:
        return function in self.functions.get(path, {})

    def _union(self, groups: Iterable[int]) -> set[int]:
        return {test for group in groups for test in self.sets[group]}


def _apart(place: Path, test: str) -> int:
    """How far a test is from what it covers: 0 for a file of the same name, 1 for the same folder, else 2."""
    file = Path(test.partition("::")[0])
    if place.stem in file.stem:
        return 0
    return 1 if len(place.parts) > 2 and place.parts[1] in file.parts else 2
