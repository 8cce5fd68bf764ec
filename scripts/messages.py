"""Keeps the catalogue of German texts: takes up what is marked, keeps what is translated, compiles it.

    make messages          # writes locale/de/LC_MESSAGES/django.po and .mo, and names what has no German text yet

Places and dates are not written: the file changes only where texts do, and two people's changes meet in few lines.
"""

from __future__ import annotations

import ast
import io
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGE = "de"
PO = ROOT / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
CODE = ("dashboard", "monitor")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_noop"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    "npgettext": ((1, "c"), 2, 3),
}
NEVER = datetime(2026, 1, 1, tzinfo=UTC)  # a date in the files would change with each run
HEAD = """\
# German texts. Made by `make messages`: write what stands behind msgstr alone. How: docs/translating.md.
msgid ""
msgstr ""
"Language: de\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
# What has to stand in a translation as in the English text: values, marks of entities, markup.
_PARTS = re.compile(r"%\(\w+\)[sd]|%%|\{\w*(?::[^{}]*)?\}|</?[a-z]+[^>]*>|&[a-z]+;")

Key = str | tuple[str, str]


def marked() -> Iterator[tuple[Key, str | None]]:
    """Yields each text that is marked in code and templates (one and many of a plural), with its context."""
    from django.utils.translation.template import templatize

    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            code = path.read_bytes()
            if b"gettext" in code:  # most files have no text, and to read one takes milliseconds
                yield from _called(code)
    for path in sorted((ROOT / "templates").rglob("*.html")):
        # What Django makes of a template is code but for its indentation, which says nothing.
        lines = templatize(path.read_text(), origin=str(path.relative_to(ROOT))).splitlines()
        code = "\n".join(line.strip() for line in lines)
        for _, text, _, context in extract("python", io.BytesIO(code.encode()), keywords=KEYWORDS):
            yield _key(text), context


def _called(code: bytes) -> Iterator[tuple[Key, str | None]]:
    """Yields the texts of calls; Babel does not look into f-strings."""
    for node in ast.walk(ast.parse(code)):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or name not in KEYWORDS:
            continue
        texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        context = texts.pop(0) if "pgettext" in name and texts else None
        wanted = 2 if name.startswith("n") else 1
        if len(texts) >= wanted:
            yield (texts[0], texts[1]) if wanted == 2 else texts[0], context


def _key(text: str | tuple[str, ...]) -> Key:
    return text if isinstance(text, str) else (text[0], text[1])


def read() -> Catalog:
    """Reads the catalogue as it is stored; an empty one where there is none."""
    if not PO.exists():
        return Catalog(locale=LANGUAGE)
    with PO.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def merged(before: Catalog) -> Catalog:
    """Makes a catalogue of what is marked now, with the German of what was marked before.

    Args:
        before: the catalogue as it was.
    """

    found = Catalog(locale=LANGUAGE, creation_date=NEVER, revision_date=NEVER)
    for key, context in marked():
        known = before.get(key[0] if isinstance(key, tuple) else key, context)
        kept = known.string if known is not None and known.pluralizable == isinstance(key, tuple) else None
        found.add(key, kept or (("", "") if isinstance(key, tuple) else ""), context=context)
    return found


def as_text(catalogue: Catalog) -> str:
    """Writes a catalogue as the text of its .po file."""
    written = io.BytesIO()
    write_po(written, catalogue, omit_header=True, no_location=True, sort_output=True, width=10_000)
    return HEAD + re.sub(r"^#, python-[a-z-]+\n", "", written.getvalue().decode().lstrip("\n"), flags=re.MULTILINE)


def compiled(catalogue: Catalog) -> bytes:
    """Compiles a catalogue, as Django reads it."""
    catalogue.creation_date = catalogue.revision_date = NEVER
    written = io.BytesIO()
    write_mo(written, catalogue)
    return written.getvalue()


def untranslated(catalogue: Catalog) -> list[str]:
    """Names the texts that have no German."""
    return [
        str(one.id)
        for one in catalogue
        if one.id and not all(one.string if isinstance(one.string, tuple | list) else (one.string,))
    ]


def different_parts(catalogue: Catalog) -> list[str]:
    """Names the texts whose German has other values or other markup than the English."""
    found = []
    for one in catalogue:
        if not one.id:
            continue
        english = one.id if isinstance(one.id, tuple | list) else (one.id,)
        german = one.string if isinstance(one.string, tuple | list) else (one.string,)
        wanted = {part for text in english for part in _PARTS.findall(text)}
        # "one flow" may leave its number out, in either language.
        if set(_PARTS.findall(german[-1])) != set(_PARTS.findall(english[-1])) or any(
            not set(_PARTS.findall(text)) <= wanted for text in german
        ):
            found.append(str(one.id))
    return found


def main() -> int:
    """Writes both files and names what is left to do."""
    import django

    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DEBUG", "1")
    os.environ.setdefault("DATABASE_URL", "sqlite:///var/messages.sqlite3")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    django.setup()
    catalogue = merged(read())
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_text(as_text(catalogue))
    MO.write_bytes(compiled(read()))
    left, differing = untranslated(catalogue), different_parts(catalogue)
    for text in left:
        print(f"no German text: {text}")
    for text in differing:
        if text not in left:
            print(f"other values or markup than in English: {text}")
    print(f"{len(catalogue)} texts, {len(left)} without German")
    return 0


if __name__ == "__main__":
    sys.exit(main())
