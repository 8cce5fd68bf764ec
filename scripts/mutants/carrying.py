"""Carries a map of covering tests on to a tree that has changed since, by the names of functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from mutants.coverage_map import Covering
from mutants.mutations import FUNCTIONS
from mutants.places import ROOT, file_hash


def carried(old: Covering, new: Covering, paths: list[Path], moved: dict[str, str]) -> Covering:
    """Puts two maps together for the present tree.

    Args:
        old: of an earlier tree.
        new: of the tests that are new or changed since.
        paths: the product's files.
        moved: where files of tests are now, by their content.
    """
    present = _present_names(old, moved)
    seconds = {name: old.seconds[number] for number, name in present.items()} | new.cost()
    found = Covering(tests=list(seconds), seconds=list(seconds.values()), broken=new.broken)
    numbers = {name: number for number, name in enumerate(found.tests)}
    groups: dict[frozenset[int], int] = {}

    def group(before: set[int], after: set[int]) -> int:
        names = {present[one] for one in before if one in present} | {new.tests[one] for one in after}
        return groups.setdefault(frozenset(numbers[name] for name in names), len(groups))

    for path in map(str, paths):
        found.hashes[path] = file_hash(ROOT / path)
        is_same = old.hashes.get(path) == found.hashes[path]
        functions, lines = found.functions.setdefault(path, {}), found.lines.setdefault(path, {})
        for name, first, last in outermost(ast.parse((ROOT / path).read_bytes())):
            by_name = old.by_name(path, name)
            functions[name] = group(by_name, new.members(new.functions, path, name))
            for line in map(str, range(first, last + 1)):
                before = old.members(old.lines, path, line) if is_same else by_name
                lines[line] = group(before, new.members(new.lines, path, line))
    found.sets = [sorted(members) for members in groups]
    return found


def _present_names(old: Covering, moved: dict[str, str]) -> dict[int, str]:
    """The tests of files whose content is as it was, wherever they are now, by their number in the old map."""
    found = {}
    for number, test in enumerate(old.tests):
        path, _, rest = test.partition("::")
        there = moved.get(old.hashes.get(path, ""))
        if there is not None:
            found[number] = f"{there}::{rest}"
    return found


def outermost(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int, int]]:
    """Functions and methods with the lines of their bodies."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, FUNCTIONS):
            body = node.body if isinstance(node.body, list) else [node.body]
            name = getattr(node, "name", "<lambda>")
            yield f"{prefix}{name}", body[0].lineno, node.end_lineno or body[0].lineno
        else:
            inner = f"{prefix}{node.name}." if isinstance(node, ast.ClassDef) else prefix
            yield from outermost(node, inner)
