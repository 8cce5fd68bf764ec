"""Finds every single mutation of a file: what could be wrong in it and still run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from mutants.places import left_alone
from mutants.source import Source

SCOPE = "scope lost"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPOUND = (ast.If, ast.While, ast.For, ast.With, ast.Try, ast.Match, *FUNCTIONS, ast.ClassDef)
COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
}
# Whose rows, or which of them, a statement is about.
SELECTING = {"filter", "exclude", "get", "get_or_create", "update_or_create", "get_object_or_404"}
WRITING = {"update", "create", "get_or_create", "update_or_create"}
COUNTED = 12  # a greater number is a measure: one more or less of it is no other decision
ENDS = {"first": "last", "last": "first", "asc": "desc", "desc": "asc"}


class Change(NamedTuple):
    """Holds a new text for a part of the source; `kind` groups mutations in the summary."""

    kind: str
    node: ast.AST
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """Holds one mutation of one file.

    Attributes:
        lines: the statement's lines; a test that runs one of them covers it.
        function: qualified name and first line of the outermost function around it; None at import.
        names: what the statement defines, where it runs at import.
        site: the bytes of what is mutated; several mutations can have one site.
        start, end, text: the bytes to be replaced, and what by.
    """

    path: str
    kind: str
    line: int
    lines: tuple[int, int]
    function: tuple[str, int] | None
    names: tuple[str, ...]
    site: tuple[int, int]
    start: int
    end: int
    text: str

    def apply(self, source: bytes) -> bytes:
        """Returns the whole file as mutated."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutations(path: str, text: bytes) -> list[Mutation]:
    """Returns every mutation of a file, in the order of the text."""
    source = Source(path, text)
    skipped = left_alone(source.tree)
    found: dict[tuple[int, int, str], Mutation] = {}
    for node in ast.walk(source.tree):
        if id(node) in skipped:
            continue
        for change in _changes(source, node):
            key = (change.start, change.end, change.text)
            if text[change.start : change.end].decode() != change.text and key not in found:
                found[key] = _mutation(source, change)
    return sorted(found.values(), key=lambda one: (one.site, one.kind, one.text))


def compiles(text: bytes) -> bool:
    """Returns whether a mutated file is still Python."""
    try:
        compile(text, "mutated", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _mutation(source: Source, change: Change) -> Mutation:
    around = [change.node, *source.around(change.node)]
    statement = next(node for node in around if isinstance(node, ast.stmt))
    last = statement.end_lineno or statement.lineno
    if isinstance(statement, COMPOUND):
        last = max(statement.lineno, change.node.end_lineno or 0)  # type: ignore[attr-defined]
    outer = _outermost_function(around)
    return Mutation(
        path=source.path,
        kind=change.kind,
        line=source.line_at(change.start),
        lines=(statement.lineno, last),
        function=(_qualified(source, outer), _first_line(outer)) if outer is not None else None,
        names=() if outer is not None else tuple(_defined(source, change.node)),
        site=source.span(change.node),
        start=change.start,
        end=change.end,
        text=change.text,
    )


def _outermost_function(around: list[ast.AST]) -> ast.AST | None:
    """The function around a node whose body runs it; a default of a parameter runs at import, with what is around."""
    found = None
    for inner, outer in pairwise(around):
        if isinstance(outer, FUNCTIONS) and not isinstance(inner, ast.arguments):
            found = outer
    return found


def _first_line(function: ast.AST) -> int:
    decorators = getattr(function, "decorator_list", [])
    return min([function.lineno, *(one.lineno for one in decorators)])  # type: ignore[attr-defined]


def _qualified(source: Source, function: ast.AST) -> str:
    names = [getattr(function, "name", "<lambda>")]
    names += [node.name for node in source.around(function) if isinstance(node, ast.ClassDef)]
    return ".".join(reversed(names))


def _defined(source: Source, node: ast.AST) -> Iterator[str]:
    """Yields the names that stand for what is computed at import: of a constant, an attribute, a function, a class."""
    for outer in (node, *source.around(node)):
        match outer:
            case ast.Assign(targets=targets):
                for target in targets:
                    yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.NamedExpr(target=ast.Name(id=name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def _changes(source: Source, node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare():
            yield from _compare(source, node)
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            yield from _logic(source, node)
        case ast.BinOp() | ast.AugAssign():
            yield from _arithmetic(source, node)
        case ast.Constant() if not source.is_docstring(node):
            yield from _constant(source, node)
        case ast.Call():
            yield from _call(source, node)
        case ast.Return(value=ast.expr()):
            yield from _return(source, node)
        case ast.If() | ast.IfExp():
            yield Change("if always", node.test, *source.span(node.test), "True")
            yield Change("if never", node.test, *source.span(node.test), "False")
        case ast.While():
            yield Change("if never", node.test, *source.span(node.test), "False")
        case ast.comprehension():
            for test in node.ifs:
                yield Change("if always", test, *source.span(test), "True")
    if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.Continue | ast.Break | ast.Raise):
        yield from _deleted(source, node)


def _compare(source: Source, node: ast.Compare) -> Iterator[Change]:
    lefts = [node.left, *node.comparators]
    for left, operator, right in zip(lefts, node.ops, node.comparators, strict=False):
        old, new = COMPARISONS[type(operator)]
        start, end = source.span(left)[1], source.span(right)[0]
        between = source.text[start:end].decode()
        pattern = r"\s+".join(map(re.escape, old.split()))
        pattern = rf"\b{pattern}\b" if old.isidentifier() or " " in old else pattern
        yield Change("comparison", node, start, end, re.sub(pattern, new, between, count=1))
        for side in (left, right):
            if isinstance(side, ast.Constant) and isinstance(side.value, str):
                yield Change("constant", side, *source.span(side), '"mutated"' if side.value == "" else '""')


def _logic(source: Source, node: ast.BoolOp | ast.UnaryOp) -> Iterator[Change]:
    if isinstance(node, ast.UnaryOp):
        yield Change("not dropped", node, *source.span(node), f"bool({source.said(node.operand)})")
        return
    word = "or" if isinstance(node.op, ast.And) else "and"
    parts = f" {word} ".join(f"({source.said(value)})" for value in node.values)
    yield Change("and/or", node, *source.span(node), f"({parts})")


def _arithmetic(source: Source, node: ast.BinOp | ast.AugAssign) -> Iterator[Change]:
    if isinstance(node, ast.AugAssign):
        left, right = node.target, node.value
        if type(node.op) not in (ast.Add, ast.Sub) or _is_text(right):
            return
        old, new = ("+=", "-=") if isinstance(node.op, ast.Add) else ("-=", "+=")
    else:
        left, right = node.left, node.right
        if _is_condition(left) and isinstance(node.op, ast.BitOr | ast.BitAnd):
            old, new = ("|", "&") if isinstance(node.op, ast.BitOr) else ("&", "|")
            joined = f"({source.said(left)}) {new} ({source.said(right)})"
            yield Change("and/or", node, *source.span(node), f"({joined})")
            return
        if type(node.op) not in ARITHMETIC or _is_text(left) or _is_text(right):
            return
        old, new = ARITHMETIC[type(node.op)]
    start, end = source.span(left)[1], source.span(right)[0]
    yield Change("arithmetic", node, start, end, source.text[start:end].decode().replace(old, new, 1))


def _is_text(node: ast.AST) -> bool:
    """Returns whether an operand is plainly no number: text or a list joined to another is no arithmetic."""
    match node:
        case ast.Constant(value=str() | bytes()) | ast.JoinedStr() | ast.List() | ast.Tuple() | ast.ListComp():
            return True
        case ast.BinOp(left=left, right=right):
            return _is_text(left) or _is_text(right)
        case ast.IfExp(body=body, orelse=orelse):
            return _is_text(body) or _is_text(orelse)
        case ast.Call(func=ast.Attribute(attr="join" | "rstrip" | "strip" | "format")):
            return True
    return False


def _is_condition(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="Q" | "Exists")):
            return True
        case ast.BinOp(left=left):
            return _is_condition(left)
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return _is_condition(operand)
    return False


def _constant(source: Source, node: ast.Constant) -> Iterator[Change]:
    value = node.value
    inside = next(source.around(node), None)
    kind = "timedelta" if _in_timedelta(source, node) else "constant"
    if isinstance(value, bool):
        yield Change(kind, node, *source.span(node), str(not value))
    elif isinstance(value, int | float) and not isinstance(inside, ast.UnaryOp):
        for other in _other_numbers(value, is_measure=kind == "timedelta" or abs(value) > COUNTED):
            yield Change(kind, node, *source.span(node), str(other))


def _other_numbers(value: float, *, is_measure: bool) -> tuple[int | float, int | float]:
    """Gives the numbers beside a small one; a measure (a wait, a limit of texts or rows) is doubled and halved."""
    if not is_measure:
        return value + 1, value - 1
    return value * 2, value / 2 if isinstance(value, float) else value // 2


def _in_timedelta(source: Source, node: ast.AST) -> bool:
    around = list(source.around(node))[:4]
    return any(isinstance(one, ast.Call) and _called(one) == "timedelta" for one in around)


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _call(source: Source, node: ast.Call) -> Iterator[Change]:
    name = _called(node)
    if name in SELECTING:
        yield from _selecting(source, node, name)
    is_write = name in WRITING and isinstance(node.func, ast.Attribute)
    for keyword in node.keywords:
        if is_write and (keyword.arg == "defaults" or name in ("update", "create")):
            yield _without(source, node, keyword, "written column dropped")
        if keyword.arg == "filter":
            yield _without(source, node, keyword, "condition dropped")
    for part in [*node.args, *node.keywords] if name == "Q" else ():
        yield _without(source, node, part, "condition dropped")
    if name in ("min", "max") and isinstance(node.func, ast.Name):
        yield Change("min/max", node, *source.span(node.func), "max" if name == "min" else "min")
    if name == "timedelta":
        for part in (*node.args, *(keyword.value for keyword in node.keywords)):
            if not isinstance(part, ast.Constant):
                yield Change("timedelta", node, *source.span(part), f"({source.said(part)}) + 1")
    yield from _order(source, node, name)


def _selecting(source: Source, node: ast.Call, name: str) -> Iterator[Change]:
    """Yields each condition dropped alone, and all of them: rows of others come in."""
    parts: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    if name == "get_object_or_404":
        parts = parts[1:]
    is_rows = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) not in ("register", "Library")
    if not parts or (name == "get" and node.args) or (name == "filter" and not is_rows):
        return
    parts = [part for part in parts if getattr(part, "arg", "") not in ("defaults", "create_defaults")]
    if name in ("filter", "exclude") and isinstance(node.func, ast.Attribute):
        everything = f"{source.said(node.func.value)}.all()"
        yield Change(SCOPE, node, *source.span(node), everything)
    if len(parts) > 1 or name not in ("filter", "exclude"):
        for part in parts:
            if name not in ("get_or_create", "update_or_create") or len(parts) > 1:
                yield _without(source, node, part, SCOPE)


def _without(source: Source, node: ast.Call, part: ast.AST, kind: str) -> Change:
    kept = ", ".join(source.said(one) for one in (*node.args, *node.keywords) if one is not part)
    return Change(kind, node, *source.span(node), f"{source.said(node.func)}({kept})")


def _order(source: Source, node: ast.Call, name: str) -> Iterator[Change]:
    if name == "order_by":
        for part in node.args:
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value != "?":
                other = part.value[1:] if part.value.startswith("-") else f"-{part.value}"
                yield Change("order", node, *source.span(part), f'"{other}"')
    elif name in ENDS and isinstance(node.func, ast.Attribute) and not node.args:
        start, end = source.span(node.func)
        yield Change("order", node, start, end, f"{source.said(node.func.value)}.{ENDS[name]}")
    elif name in ("sorted", "sort") and not any(keyword.arg == "reverse" for keyword in node.keywords):
        end = source.span(node)[1] - 1
        comma = ", " if node.args or node.keywords else ""
        body = source.said(node)[:-1].rstrip().rstrip(",")
        generator = len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp) and not node.keywords
        if not generator:
            yield Change("order", node, source.span(node)[0], end + 1, f"{body}{comma}reverse=True)")


def _return(source: Source, node: ast.Return) -> Iterator[Change]:
    value = node.value
    match value:
        case ast.Constant(value=None | bool()):
            return
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            yield Change("return", node, *source.span(node), f"return not ({source.said(value)})")
        case ast.expr():
            yield Change("return", node, *source.span(node), "return None")


def _deleted(source: Source, node: ast.stmt) -> Iterator[Change]:
    match node:
        case ast.Expr(value=ast.Call()) | ast.Expr(value=ast.Yield()) | ast.AugAssign():
            pass
        case ast.Continue() | ast.Break() | ast.Raise():
            pass
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            pass
        case _:
            return
    inside = any(isinstance(one, FUNCTIONS) for one in source.around(node))
    if inside:
        yield Change("statement deleted", node, *source.span(node), "pass")
