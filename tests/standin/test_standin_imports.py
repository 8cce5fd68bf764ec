"""How the stand-in hangs together: no circle, nothing of the product but in its demo, not loaded by the product."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.realprocess import ROOT

FOLDER = ROOT / "standin"


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in FOLDER.rglob("*.py")}


def imported(tree: ast.AST) -> set[str]:
    """Every module that is named by an import, also inside a function or for the type checker only."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found |= {
                f"{module}.{alias.name}" if f"{module}.{alias.name}" in MODULES else module for alias in node.names
            }
    return found


GRAPH = {name: imported(ast.parse(path.read_text())) for name, path in MODULES.items()}


def test_the_stand_in_has_no_circle_of_imports():
    order = [*TopologicalSorter({name: found & {*MODULES} for name, found in GRAPH.items()}).static_order()]
    assert order.index("standin.journaled") < order.index("standin.world") < order.index("standin.build")


def test_a_circle_would_be_found():
    with pytest.raises(CycleError):
        [*TopologicalSorter({"standin.world": ["standin.build"], "standin.build": ["standin.world"]}).static_order()]


def test_only_the_demo_and_its_command_know_the_product_and_django():
    outer = {"monitor", "dashboard", "django"}
    knowing = {name for name, found in GRAPH.items() if {one.partition(".")[0] for one in found} & outer}
    assert {name for name in knowing if not name.startswith(("standin.demo.", "standin.management."))} == set()
    assert not any(one.startswith("monitor.zoho") for found in GRAPH.values() for one in found)


def test_a_process_of_the_product_does_not_load_the_stand_in():
    look = (
        "import django, sys; django.setup(); import dashboard.wsgi, monitor.tasks, monitor.pipeline;"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] == 'standin'))"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "dashboard.settings", "DEBUG": "1"}
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['standin']"
