"""The wire knows neither Django nor anything else of the product but what lies below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import monitor.zoho

FOLDER = Path(monitor.zoho.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))
BELOW = {"monitor.privacy", "monitor.exact_numbers", "monitor.public_addresses"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_file_of_the_wire_imports_nothing_above_it(path):
    names = imports(path)
    assert not any(name.split(".")[0] == "django" for name in names)
    ours = {name for name in names if name.split(".")[0] == "monitor"}
    assert all(name.startswith("monitor.zoho") or name in BELOW for name in ours)


def test_only_the_transport_imports_httpx():
    assert [path.name for path in FILES if "httpx" in imports(path)] == ["transport.py"]
    assert {path.name for path in FILES if "httpcore" in imports(path)} == {"transport.py", "deadline_sockets.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_public_class_and_function_says_what_it_is_for(path):
    tree = ast.parse(path.read_text())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    nodes_public = [node for node in nodes if not node.name.startswith("_")]
    assert all(ast.get_docstring(node) for node in nodes_public)
    for node in nodes_public:
        methods = [item for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")]
        if "Client" in node.name or node.name.startswith(("Flow", "Crm")):
            assert all(ast.get_docstring(item) for item in methods), node.name
