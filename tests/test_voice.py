"""Names and docstrings keep one voice: unique class names, plain first lines, one form."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.realprocess import ROOT

TREES = ("monitor", "dashboard", "standin", "scripts")
# Commands are all called `Command`, shapes bear Zoho's names, and the stand-in is a program of its own.
NAMESAKES = ("monitor/management/", "monitor/zoho/shapes/", "standin/", "dashboard/migrations/", "monitor/migrations/")

LONGEST = 117  # characters: 120 less the quotes
# A first line that begins like this names a thing or asks a riddle; a verb says what is done.
NO_VERB = re.compile(
    r"(?:What|Whether|How|Why|When|Where|Which|Who|Whose|Until|If|The|A|An|One|All|Every|Each|Those|Some|Our|Here|This"
    r"|These|That|It|There|More|Less|Like|As|At|By|In|Of|On|From|To|With|About|Not|No|Nothing|Only)\b"
)
WORDS = re.compile(
    r"""
      \bjudged\b | \blooked\ after\b | \bc[ao]mes?\ into\ being\b | \bconnect(?:ed)?\ anew\b
    | \bown\ addresses\b | \bmend(?:s|ed|ing)?\b | \btold\b | \bWhat\ comes\b | \bpt\b | \bnought\b
    """,
    re.VERBOSE,
)
OLD_FORM = re.compile(
    r"^\s*(?:Parameters|Errors|Attributes of|Yields nothing):|\b(?:Parameters|Errors): `", re.MULTILINE
)


@dataclass(frozen=True)
class Doc:
    """A docstring with the place it stands at."""

    path: str
    name: str
    text: str

    @property
    def first(self) -> str:
        """Returns its first line."""
        return self.text.splitlines()[0]

    @property
    def place(self) -> str:
        """Returns where it stands and how it begins, for messages."""
        return f"{self.path}: {self.name}: {self.first}"


def sources() -> Iterator[tuple[str, ast.Module]]:
    for tree in TREES:
        for path in sorted((ROOT / tree).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def documented(path: str, tree: ast.Module) -> Iterator[Doc]:
    """Yields the docstrings of a module, of its public classes, and of public functions and methods."""

    def below(node: ast.AST, prefix: str) -> Iterator[Doc]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
                if text := ast.get_docstring(child):
                    yield Doc(path, prefix + child.name, text)
                if isinstance(child, ast.ClassDef):
                    yield from below(child, f"{child.name}.")

    if text := ast.get_docstring(tree):
        yield Doc(path, Path(path).stem, text)
    yield from below(tree, "")


def faults_of(doc: Doc) -> list[str]:
    """Says what is wrong with a docstring."""
    found = []
    if not re.match(r"[A-Z0-9`\"]", doc.first):
        found.append("does not begin with a capital")
    if not doc.first.endswith((".", ".)", ":")):
        found.append("first line is no whole sentence")
    if len(doc.first) > LONGEST:
        found.append("first line is too long")
    if NO_VERB.match(doc.first):
        found.append("does not begin with what it does")
    if WORDS.search(doc.first):
        found.append("uses a word of the list")
    if OLD_FORM.search(doc.text):
        found.append("is not in the form Args, Returns, Raises")
    return found


DOCS = [doc for path, tree in sources() for doc in documented(path, tree)]


def test_every_docstring_begins_with_a_plain_line_that_says_what_is_done():
    wrong = [f"{doc.place} [{'; '.join(faults)}]" for doc in DOCS if (faults := faults_of(doc))]
    assert wrong == []


def test_thousands_of_docstrings_are_looked_at():
    assert len(DOCS) > 1_500


def test_every_module_with_code_says_what_it_does():
    assert [
        path for path, tree in sources() if tree.body and ast.get_docstring(tree) is None and "/migrations/" not in path
    ] == []


def test_a_class_name_occurs_once_in_the_tree():
    places = defaultdict(list)
    for path, tree in sources():
        if not path.startswith(NAMESAKES):
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    places[node.name].append(path)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize(
    "text",
    [
        "What an error of the POST proves.",
        "Whether a person may.",
        "The one door for every change.",
        "One thing that cannot be read must not keep the others from being read.",
        "returns nothing.",
        "Counts the rows",
        "Counts the rows of\nan hour.",
        "Connects an account that has to be connected anew.",
        "Lists the flows that are not judged.",
        "Counts the rows.\n\nParameters: `rows` to count.",
        "Counts the rows.\n\nErrors: `ValueError`.",
    ],
)
def test_a_riddle_or_another_form_would_be_found(text):
    assert faults_of(Doc("x.py", "x", text)) != []


@pytest.mark.parametrize(
    "text",
    ["Counts the rows of one hour.", "Returns whether a person may.", "Holds one row.\n\nArgs:\n    row: the row."],
)
def test_a_plain_line_passes(text):
    assert faults_of(Doc("x.py", "x", text)) == []
