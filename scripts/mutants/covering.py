"""Knows which tests run which lines, from one run of the suite with coverage."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coverage import CoverageData

from mutants.mutations import FUNCTIONS, Mutation
from mutants.places import ROOT, file_hash, is_product, tracked, tree_hash
from mutants.recorder import TARGET
from mutants.worker import copy_tree, environment

CACHE = ROOT / "var" / "mutants"
KEPT = 3  # maps of older trees


@dataclass
class Covering:
    """Tests, what they cost, and the lines they run.

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
        """Seconds by test."""
        return dict(zip(self.tests, self.seconds, strict=True))

    def of(self, mutation: Mutation) -> list[str]:
        """Returns the tests that run what is mutated, the fastest first."""
        found = self._of_function(mutation, mutation.function[0]) if mutation.function else self._of_import(mutation)
        return [self.tests[number] for number in sorted(found, key=lambda number: self.seconds[number])]

    def _of_function(self, mutation: Mutation, name: str) -> set[int]:
        if self.hashes.get(mutation.path) == file_hash(ROOT / mutation.path):
            groups = self.lines.get(mutation.path, {})
            first, last = mutation.lines
            return self._union(groups[str(line)] for line in range(first, last + 1) if str(line) in groups)
        return self._by_name(mutation.path, name)

    def _by_name(self, path: str, function: str) -> set[int]:
        """Finds the tests of a file that has changed since by the function's name, there or where it has come from."""
        here = self.functions.get(path, {})
        if function in here:
            return self._union([here[function]])
        elsewhere = [groups[function] for groups in self.functions.values() if function in groups]
        return self._union(elsewhere or here.values())

    def _of_import(self, mutation: Mutation) -> set[int]:
        """What runs at import is noticed where its name is used: the innermost name that any function mentions."""
        for name in mutation.names:
            users = self.mentions.get(name, set())
            if found := set().union(*(self._by_name(*user) for user in users if self._knows(*user))):
                return found
        return self._union(self.functions.get(mutation.path, {}).values())

    def _knows(self, path: str, function: str) -> bool:
        return function in self.functions.get(path, {})

    def _union(self, groups: Iterable[int]) -> set[int]:
        return {test for group in groups for test in self.sets[group]}


def covering(jobs: int, *, carry: bool = False) -> Covering:
    """Returns the map of the present tree, from the cache or from a run of the suite.

    Args:
        jobs: how many processes the run uses.
        carry: take the newest map there is; what has changed since is looked up by the names of functions.
    """
    paths = tracked()
    CACHE.mkdir(parents=True, exist_ok=True)
    kept = sorted(CACHE.glob("map-*.json"), key=lambda one: one.stat().st_mtime)
    file = CACHE / f"map-{tree_hash(ROOT, paths)}.json"
    if carry and kept:
        file = kept[-1]
    if not file.exists():
        _record(paths, jobs, file)
        for old in kept[: -KEPT + 1]:
            old.unlink()
    found = Covering(**json.loads(file.read_text()))
    found.mentions = _mentions(paths)
    return found


def _record(paths: list[Path], jobs: int, target: Path) -> None:
    print("running the suite once with coverage, to learn which tests run which lines", flush=True)
    with tempfile.TemporaryDirectory(prefix="mutants-map-") as folder:
        tree, record, data = Path(folder) / "tree", Path(folder) / "record.json", Path(folder) / "coverage"
        copy_tree(paths, tree)
        environ = environment(tree) | {TARGET: str(record), "COVERAGE_FILE": str(data), "HYPOTHESIS_PROFILE": "default"}
        measured = ["--cov=monitor", "--cov=dashboard", "--cov-context=test", "--cov-report="]
        plugins = ["-p", "mutants.recorder", "-p", "no:randomly", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), *plugins, *measured, "--tb=line"]
        subprocess.run(command, cwd=tree, env=environ, check=False)
        found = read(data, record, tree, [path for path in paths if is_product(path)])
    text = json.dumps({name: value for name, value in vars(found).items() if name != "mentions"})
    target.with_suffix(".part").write_text(text)
    os.replace(target.with_suffix(".part"), target)


def read(data: Path, record: Path, tree: Path, paths: list[Path]) -> Covering:
    """Makes the map of what a run has recorded.

    Args:
        data: coverage's file, with one context for each test.
        record: the recorder's file.
        tree: where the run took place.
        paths: the product's files.
    """
    tests = {name: (seconds, outcome) for name, (seconds, outcome) in json.loads(record.read_text()).items()}
    passed = [name for name, (_, outcome) in tests.items() if outcome == "passed"]
    numbers = {name: number for number, name in enumerate(passed)}
    found = Covering(
        tests=passed,
        seconds=[tests[name][0] for name in passed],
        broken=[name for name, (_, outcome) in tests.items() if outcome == "failed"],
    )
    groups: dict[tuple[int, ...], int] = {}

    def group(members: Iterable[int]) -> int:
        return groups.setdefault(tuple(sorted(members)), len(groups))

    coverage = CoverageData(str(data))
    coverage.read()
    for path in paths:
        contexts = coverage.contexts_by_lineno(str(tree / path))
        by_line = {
            line: {numbers[name] for one in names if (name := one.partition("|")[0]) in numbers}
            for line, names in contexts.items()
        }
        found.lines[str(path)] = {str(line): group(members) for line, members in by_line.items()}
        by_function: dict[str, set[int]] = defaultdict(set)
        for name, first, last in outermost(ast.parse((tree / path).read_bytes())):
            for line in range(first, last + 1):
                by_function[name] |= by_line.get(line, set())
        found.functions[str(path)] = {name: group(members) for name, members in by_function.items()}
        found.hashes[str(path)] = file_hash(tree / path)
    found.sets = [list(members) for members in groups]
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


def _mentions(paths: list[Path]) -> dict[str, set[tuple[str, str]]]:
    """For each name: the outermost functions that mention it, as (file, qualified name)."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for path in paths:
        if is_product(path):
            _collect(ast.parse((ROOT / path).read_bytes()), str(path), "", found)
    return found


def _collect(tree: ast.AST, path: str, prefix: str, found: dict[str, set[tuple[str, str]]]) -> None:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, FUNCTIONS):
            where = (path, f"{prefix}{getattr(node, 'name', '<lambda>')}")
            found[where[1].rpartition(".")[2]].add(where)  # a default of a parameter is used where it is
            for inner in ast.walk(node):
                match inner:
                    case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str() as name):
                        found[name].add(where)
        else:
            _collect(node, path, f"{prefix}{node.name}." if isinstance(node, ast.ClassDef) else prefix, found)
