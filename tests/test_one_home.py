"""Each fact has one home: what only one module may do, no other module does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("monitor", "dashboard")
WRITES = {"create", "acreate", "bulk_create", "abulk_create", "get_or_create", "update_or_create", "update", "delete"}


def modules(*words: str) -> Iterator[tuple[str, ast.Module]]:
    """Modules of the product in whose text one of the words stands, with their paths from the root.

    Migrations write no rows of the trail. To parse what cannot hold what is looked for would take seconds.
    """
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            text = path.read_text()
            if "/migrations/" not in name and any(word in text for word in words):
                yield name, ast.parse(text)


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
    writers = {name for name, tree in modules("AuditEntry") if writes_of(tree, "AuditEntry")}

    assert writers == {"monitor/audit.py"}


def is_made_by_hand(node: ast.AST) -> bool:
    """Whether code lays a time on an hour or a day: `at.replace(minute=0)`, `datetime.combine(...)`, `// 60`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
        return any(isinstance(part, ast.Attribute) and part.attr == "timestamp" for part in ast.walk(node.left))
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    fields = {word.arg for word in node.keywords}
    return node.func.attr == "combine" or (node.func.attr == "replace" and bool(fields & {"hour", "minute", "second"}))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("now.replace(minute=0, second=0)", True),
        ("now.replace(hour=0)", True),
        ("datetime.combine(day, time.min, zone)", True),
        ("now.replace(second=0)", True),
        ("int(now.timestamp() // 3600)", True),
        ("text.replace('a', 'b')", False),
    ],
)
def test_a_window_made_by_hand_is_seen_in_the_code(code: str, expected: bool) -> None:
    assert any(is_made_by_hand(node) for node in ast.walk(ast.parse(code))) is expected


def test_only_the_periods_module_lays_times_on_hours_and_days() -> None:
    found = modules("replace", "combine", "timestamp")
    makers = {name for name, tree in found if any(is_made_by_hand(node) for node in ast.walk(tree))}

    assert makers == {"monitor/periods.py"}


MARKS = ("[hidden]", "[secret", "[e-mail]", "[IP address]", "[phone]", "[card]", "[number]", "[removed]", "[token]")


def test_only_the_privacy_module_hides_anything() -> None:
    """A second masking would write a mark of its own."""
    maskers = {
        name
        for name, tree in modules(*MARKS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(MARKS)
    }

    assert maskers == {"monitor/privacy.py", "monitor/privacy_numbers.py", "monitor/privacy_secrets.py"}


def test_what_a_role_may_do_is_asked_of_may_and_not_of_the_role() -> None:
    askers = {
        path.relative_to(ROOT).as_posix()
        for folder, kind in (("monitor", "*.py"), ("dashboard", "*.py"), ("templates", "*.html"))
        for path in (ROOT / folder).rglob(kind)
        if re.search(r"\bis_(admin|operator|viewer)\b|\brole\b *(==|!=) *[\"'R]", path.read_text())
    }

    assert askers == set()
