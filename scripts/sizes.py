"""Fails where a file, a function or a template's line has outgrown what can be read in one go (CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

FILE_LINES = 500
FUNCTION_LINES = 60
TEMPLATE_LINES = 200
TEMPLATE_LINE = 160
FOLDERS = ("dashboard", "monitor", "standin", "scripts", "templates", "static", "tests")
SUFFIXES = {".py", ".html", ".css", ".js", ".txt"}
EXEMPT = ("migrations", "samples")


def too_long(path: Path) -> list[str]:
    """Finds what is too long in one file, a line each."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n") + 1
    limit = TEMPLATE_LINES if path.suffix == ".html" else FILE_LINES
    found = [f"{path}: {lines} lines, {limit} are allowed"] if lines > limit else []
    if "templates" in path.parts:
        for number, line in enumerate(text.splitlines(), start=1):
            if len(line) > TEMPLATE_LINE:
                found.append(f"{path}:{number}: {len(line)} characters, {TEMPLATE_LINE} are allowed")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > FUNCTION_LINES:
                    found.append(f"{path}:{node.lineno}: {node.name} has {size} lines, {FUNCTION_LINES} are allowed")
    return found


def main() -> int:
    paths = (path for folder in FOLDERS for path in sorted(Path(folder).rglob("*")) if path.suffix in SUFFIXES)
    found = [line for path in paths if not set(EXEMPT) & set(path.parts) for line in too_long(path)]
    print("\n".join(found) if found else "sizes: all within the limits")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
