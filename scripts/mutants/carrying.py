"""Carries a map of covering tests on to a tree that has changed since, by the names of functions."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from mutants.coverage_map import Covering
from mutants.mutations import FUNCTIONS
from mutants.places import ROOT, file_hash


def carried(old: Covering, new: Covering, paths: list[Path], names: dict[str, list[str]]) -> Covering:
    """Puts two maps together for the present tree.

    Args:
        old: of an earlier tree.
        new: of the files with tests that are new since.
        paths: the product's files.
        names: the present tree's tests, from `test_names`.
    """
    present = _present(old, names)
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


def test_names(paths: list[Path]) -> dict[str, list[str]]:
    """For the name of each test function: the files that have one of that name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if path.parts[0] == "tests" and path.name.startswith("test_"):
            for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    found[node.name].append(str(path))
    return found


def plain_name(test: str) -> str:
    """Returns the name of the function that a test's id names."""
    return test.partition("[")[0].rpartition("::")[2]


def _present(old: Covering, names: dict[str, list[str]]) -> dict[int, str]:
    """The present ids of the tests that are still there, if in another file, by their number in the old map."""
    found = {}
    for number, test in enumerate(old.tests):
        path, _, rest = test.partition("::")
        files = names.get(plain_name(test), [])
        if path in files or len(files) == 1:
            found[number] = f"{path if path in files else files[0]}::{rest}"
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
