"""The catalogue of German texts is complete, says of each text what the English says, and is the one that is read."""

from __future__ import annotations

import sys

import pytest
from babel.messages.catalog import Catalog

from tests.realprocess import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

import messages


@pytest.fixture(scope="module")
def stored() -> Catalog:
    return messages.read()


def test_it_holds_what_is_marked_and_nothing_else(stored: Catalog) -> None:
    """Reading all code takes a few seconds; nothing less tells that `make messages` was run."""
    assert messages.as_text(messages.merged(stored)) == messages.PO.read_text()


def test_texts_of_calls_are_found_in_f_strings_too() -> None:
    code = b"""f"{_('one')} {pgettext('act', 'two')}"; ngettext("a" "b", "c", n); _(words); gettext_lazy("d")"""
    assert set(messages._called(code)) == {(("ab", "c"), None), ("d", None), ("one", None), ("two", "act")}


def test_every_text_has_a_german_one(stored: Catalog) -> None:
    assert messages.untranslated(stored) == []


def test_values_and_markup_are_those_of_the_english_text(stored: Catalog) -> None:
    assert messages.different_parts(stored) == []


def test_what_django_reads_is_compiled_from_it(stored: Catalog) -> None:
    assert messages.compiled(stored) == messages.MO.read_bytes()


@pytest.mark.parametrize(
    ("english", "german", "is_the_same"),
    [
        ("%(n)s runs", "%(n)s Ausführungen", True),
        ("%(n)s runs", "%(m)s Ausführungen", False),
        ("%(n)s runs", "Ausführungen", False),
        ('in <a href="%(url)s">it</a>', 'darin <a href="%(url)s">es</a>', True),
        ('in <a href="%(url)s">it</a>', "darin %(url)s", False),
        (("one run", "%(n)s runs"), ("eine Ausführung", "%(n)s Ausführungen"), True),
        (("%(n)s run", "%(n)s runs"), ("%(n)s Ausführung", "Ausführungen"), False),
    ],
)
def test_a_value_or_markup_that_is_another_is_found(
    english: str | tuple[str, str], german: str | tuple[str, str], is_the_same: bool
) -> None:
    catalogue = Catalog(locale="de")
    catalogue.add(english, german)
    assert (not messages.different_parts(catalogue)) is is_the_same


def test_a_text_without_german_is_named() -> None:
    catalogue = Catalog(locale="de")
    catalogue.add("Runs", "Ausführungen")
    catalogue.add("Flows")
    catalogue.add(("a run", "runs"), ("eine", ""))
    assert messages.untranslated(catalogue) == ["Flows", "('a run', 'runs')"]
