"""Lists the files whose decisions are mutated, and the parts of them that are left alone."""

from __future__ import annotations

import ast
import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("monitor", "dashboard")
# Doubles of Zoho, the demo around them and migrations are no decisions of the product.
LEFT_OUT_FOLDERS = {"migrations", "standin", "demo"}
# Configuration, and entry points that only pass on: what they hold is shown by the checks of Django and of CI.
LEFT_OUT_FILES = {"settings.py", "urls.py", "asgi.py", "wsgi.py", "apps.py", "demo.py", "standin.py"}
# What is written for people or for a debugger.
TEXT_FUNCTIONS = {"__str__", "__repr__", "add_arguments"}
# Of fields, classes and printing: what the schema or a reader of the code sees, and no decision.
NO_DECISIONS = {"max_length", "db_index", "help_text", "verbose_name", "editable", "db_default", "choices"}
# The schema of the tests' database comes from the migrations: `makemigrations --check` holds fields against them.
NO_DECISIONS |= {"null", "blank", "unique", "primary_key"}
NO_DECISIONS |= {"frozen", "slots", "repr", "stacklevel", "indent", "disable"}
# Whose calls decide nothing: log lines, and random names, of which half the length is still never met twice.
UNDECIDED = {"log", "logger", "logging", "_log", "LOG", "secrets"}


def tracked(root: Path = ROOT) -> list[Path]:
    """Returns the files of the tree as Git sees it, also those not added yet, relative to `root`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git there is
        cwd=root,
        check=True,
        capture_output=True,
    )
    paths = sorted({Path(name) for name in listed.stdout.decode().split("\0") if name})
    return [path for path in paths if (root / path).is_file()]


def is_product(path: Path) -> bool:
    """Returns whether a file belongs to the product's own code, mutated or not."""
    return path.suffix == ".py" and path.parts[0] in PACKAGES and "migrations" not in path.parts


def is_mutated(path: Path) -> bool:
    """Returns whether the decisions in a file are mutated."""
    return is_product(path) and not LEFT_OUT_FOLDERS & set(path.parts) and path.name not in LEFT_OUT_FILES


def tree_hash(root: Path, paths: list[Path]) -> str:
    """Names the content of a tree: the same files give the same name."""
    digest = hashlib.sha256()
    for path in paths:
        if path.suffix in {".py", ".html", ".txt", ".toml", ".json"}:
            digest.update(f"{path}\0{file_hash(root / path)}\n".encode())
    return digest.hexdigest()[:16]


def file_hash(path: Path) -> str:
    """Names the content of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def left_alone(tree: ast.AST) -> set[int]:
    """Returns the ids of the nodes under which nothing is mutated: annotations, texts, class options and the like."""
    return {id(inner) for node in ast.walk(tree) for skipped in _skipped(node) for inner in ast.walk(skipped)}


def _skipped(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from node.decorator_list
            if node.returns is not None:
                yield node.returns
            if node.name in TEXT_FUNCTIONS:
                yield node
        case ast.ClassDef():
            yield from node.decorator_list
            if node.name == "Meta":
                yield node
        case ast.arg(annotation=ast.AST() as annotation) | ast.AnnAssign(annotation=annotation):
            yield annotation
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.JoinedStr():
            yield node
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in UNDECIDED:
            yield node
        case ast.Call(func=ast.Name(id="isinstance" | "TypeVar" | "cast")):
            yield node
        case ast.keyword(arg=name) if name in NO_DECISIONS:
            yield node
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            yield node
