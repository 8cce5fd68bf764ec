"""Knows which tests run which lines, from one run of the suite with coverage."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from coverage import CoverageData

from mutants.carrying import carried, outermost, plain_name, test_names
from mutants.coverage_map import Covering
from mutants.mutations import FUNCTIONS
from mutants.places import ROOT, file_hash, is_product, tracked, tree_hash
from mutants.recorder import TARGET
from mutants.worker import copy_tree, environment

CACHE = ROOT / "var" / "mutants"
KEPT = 3  # maps of older trees


def covering(jobs: int, *, carry: bool = False) -> Covering:
    """Returns the map of the present tree, from the cache or from a run of the suite.

    Args:
        jobs: how many processes the run uses.
        carry: go on from the newest map there is: only files with new tests are run, and what has changed in the
            product is looked up by the names of functions.
    """
    paths = tracked()
    CACHE.mkdir(parents=True, exist_ok=True)
    kept = sorted(CACHE.glob("map-*.json"), key=lambda one: one.stat().st_mtime)
    name = tree_hash(ROOT, paths)
    file = CACHE / f"map-{name}.json"
    if carry and kept and not file.exists():
        file = CACHE / f"map-carried-{name}.json"
        if not file.exists():
            _save(_carried(Covering(**json.loads(kept[-1].read_text())), paths, jobs), file)
    elif not file.exists():
        print("running the suite once with coverage, to learn which tests run which lines", flush=True)
        _save(_record(paths, jobs, []), file)
    for old in [one for one in kept if one != file][: -KEPT + 1]:
        old.unlink()
    found = Covering(**json.loads(file.read_text()))
    found.mentions = _mentions(paths)
    return found


def _carried(old: Covering, paths: list[Path], jobs: int) -> Covering:
    """An older map with what has changed since: files with tests that it does not know are run with coverage."""
    present = test_names(paths)
    known = {plain_name(test) for test in old.tests}
    changed = sorted({path for name, files in present.items() if name not in known for path in files})
    print(f"running {len(changed)} files with new tests with coverage", flush=True)
    new = _record(paths, jobs, changed) if changed else Covering()
    return carried(old, new, [path for path in paths if is_product(path)], present)


def _save(found: Covering, target: Path) -> None:
    text = json.dumps({name: value for name, value in vars(found).items() if name != "mentions"})
    target.with_suffix(".part").write_text(text)
    os.replace(target.with_suffix(".part"), target)


def _record(paths: list[Path], jobs: int, files: list[str]) -> Covering:
    """Runs tests with coverage in a copy of the tree.

    Args:
        paths: the files of the tree.
        jobs: how many processes.
        files: of tests; none given: all.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-map-") as folder:
        tree, record, data = Path(folder) / "tree", Path(folder) / "record.json", Path(folder) / "coverage"
        copy_tree(paths, tree)
        environ = environment(tree) | {TARGET: str(record), "COVERAGE_FILE": str(data)}
        measured = ["--cov=monitor", "--cov=dashboard", "--cov-context=test", "--cov-report="]
        plugins = ["-p", "mutants.recorder", "-p", "no:randomly", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), *plugins, *measured, "--tb=line", *files]
        subprocess.run(command, cwd=tree, env=environ, check=False)
        return read(data, record, tree, [path for path in paths if is_product(path)])


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
