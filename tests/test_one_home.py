"""Each fact has one home: what only one module may do, no other module does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("monitor", "dashboard")
WRITES = {"create", "acreate", "bulk_create", "abulk_create", "get_or_create", "update_or_create", "update", "delete"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the product with its path from the root; migrations write no rows of the trail."""
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/" not in name:
                yield name, ast.parse(path.read_text())


def writes_of(tree: ast.AST, model: str) -> list[int]:
    """Lines that make a row of a model or write to its table: `Model(...)`, `Model.objects....create(...)`."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        names = {inner.id for inner in ast.walk(node.func) if isinstance(inner, ast.Name)}
        is_made = isinstance(node.func, ast.Name) and node.func.id == model
        is_written = isinstance(node.func, ast.Attribute) and node.func.attr in WRITES and model in names
        if is_made or is_written:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "code",
    [
        "AuditEntry(action='x').save()",
        "AuditEntry.objects.create(action='x')",
        "AuditEntry.objects.bulk_create([])",
        "AuditEntry.objects.filter(pk=1).update(action='y')",
    ],
)
def test_a_write_to_a_table_is_seen_in_the_code(code: str) -> None:
    assert writes_of(ast.parse(code), "AuditEntry")
    assert not writes_of(ast.parse("AuditEntry.objects.filter(pk=1).first()"), "AuditEntry")


def test_only_the_audit_module_writes_the_audit_trail() -> None:
    writers = {name for name, tree in modules() if writes_of(tree, "AuditEntry")}

    assert writers == {"monitor/audit.py"}
