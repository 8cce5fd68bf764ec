"""Holds a file's text beside its tree: where each node stands, and what is around it."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate


class Source:
    """Holds one file: its text, its tree, and where each node stands."""

    def __init__(self, path: str, text: bytes) -> None:
        self.path = path
        self.text = text
        self.tree = ast.parse(text)
        self._starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
        self._parents = {id(child): node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self._docstrings = {id(found) for node in ast.walk(self.tree) if (found := _docstring(node)) is not None}

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Returns the bytes of a node."""
        return (
            self._starts[node.lineno - 1] + node.col_offset,  # type: ignore[attr-defined]
            self._starts[node.end_lineno - 1] + node.end_col_offset,  # type: ignore[attr-defined]
        )

    def said(self, node: ast.AST) -> str:
        """Returns the text of a node."""
        start, end = self.span(node)
        return self.text[start:end].decode()

    def line_at(self, offset: int) -> int:
        """Returns the line of a byte."""
        return bisect_right(self._starts, offset)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yields the nodes that hold a node, from the inside."""
        while (node := self._parents.get(id(node))) is not None:  # type: ignore[assignment]
            yield node

    def is_docstring(self, node: ast.AST) -> bool:
        return id(node) in self._docstrings


def _docstring(node: ast.AST) -> ast.AST | None:
    match node:
        case ast.Expr(value=ast.Constant(value=str())):
            return node.value
    return None
