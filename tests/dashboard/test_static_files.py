"""Static files are collected as they are to be served: one style sheet, hashed names, compressed ahead."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.conf import settings as configured
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from dashboard import staticfiles
from dashboard.staticfiles import ALL_SHEETS, SHEETS, ForgivingManifestStorage
from standin.demo import static as of_the_demo

SOURCES = Path(configured.BASE_DIR, "static")
TEMPLATES = Path(configured.BASE_DIR, "templates")


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    """The style sheets, collected."""
    source = FileSystemStorage(location=str(SOURCES))
    plain = StaticFilesStorage(location=str(tmp_path))
    for name in SHEETS:
        with source.open(name) as file:
            plain.save(name, file)
    storage = ForgivingManifestStorage(location=str(tmp_path))
    assert all(done for _, _, done in storage.post_process({name: (source, name) for name in SHEETS}))
    return tmp_path


def made_of(collected: Path) -> Path:
    """The one sheet, by the name that pages use."""
    return collected / json.loads((collected / "staticfiles.json").read_text())["paths"][ALL_SHEETS]


def test_the_sheets_of_every_page_become_one_that_holds_them_in_order_without_comments(collected: Path) -> None:
    made = made_of(collected).read_text()
    every = "\n".join((SOURCES / name).read_text() for name in SHEETS)
    assert "/*" in every
    assert "/*" not in made
    assert "*/" not in made
    rules = [line for line in every.splitlines() if line.endswith("}") and "*/" not in line and "/*" not in line]
    assert [line for line in made.splitlines() if line in set(rules)] == rules


def test_what_is_collected_has_a_name_by_its_content_and_is_compressed_ahead(collected: Path) -> None:
    sheet = made_of(collected)
    assert re.fullmatch(r"all\.[0-9a-f]{12}\.css", sheet.name)
    assert brotli.decompress(sheet.with_name(f"{sheet.name}.br").read_bytes()) == sheet.read_bytes()
    assert gzip.decompress(sheet.with_name(f"{sheet.name}.gz").read_bytes()) == sheet.read_bytes()


def test_collecting_again_takes_what_has_changed(collected: Path) -> None:
    storage = ForgivingManifestStorage(location=str(collected))
    first = storage.url(ALL_SHEETS, force=True)
    plain = StaticFilesStorage(location=str(collected))
    for name in SHEETS:
        plain.save(name, ContentFile(f"/* of {name} */.a {{ }}" if name == SHEETS[0] else ".b { }"))
    list(storage.post_process({name: (plain, name) for name in SHEETS}))
    assert made_of(collected).read_text().startswith(".a { }\n.b { }\n")
    assert storage.url(ALL_SHEETS, force=True) != first


def test_pages_link_one_sheet_where_they_are_collected_and_each_before(
    collected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [address.removeprefix("/static/") for address in staticfiles.stylesheets()] == list(SHEETS)
    monkeypatch.setattr(staticfiles, "staticfiles_storage", ForgivingManifestStorage(location=str(collected)))
    (address,) = staticfiles.stylesheets()
    assert re.fullmatch(r"/static/css/all\.[0-9a-f]{12}\.css", address)


@pytest.mark.parametrize("why", ["debug", "a sheet more"])
def test_each_sheet_is_linked_where_what_is_collected_does_not_do(
    collected: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, why: str
) -> None:
    """With DEBUG on only sources are served; and another version may have collected fewer sheets."""
    settings.DEBUG = why == "debug"
    sheets = list(SHEETS) + (["css/new.css"] if why != "debug" else [])
    monkeypatch.setattr(staticfiles, "SHEETS", sheets)
    monkeypatch.setattr(staticfiles, "staticfiles_storage", ForgivingManifestStorage(location=str(collected)))
    assert len(staticfiles.stylesheets()) == len(sheets)


def test_no_sheet_is_forgotten_and_none_names_a_file_by_its_own_place() -> None:
    named = {name for page in TEMPLATES.rglob("*.html") for name in re.findall(r"'(css/[^']+)'", page.read_text())}
    assert {str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.css")} == named | set(SHEETS)
    assert [name for name in SHEETS if "url(" in (SOURCES / name).read_text()] == []


def test_the_demo_collects_where_nothing_is_or_a_file_has_changed(tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    assert not of_the_demo.is_collected()
    manifest = tmp_path / "staticfiles.json"
    manifest.write_text("{}")
    assert of_the_demo.is_collected()
    found = finders.find(SHEETS[0])
    assert isinstance(found, str)
    os.utime(manifest, (0, Path(found).stat().st_mtime - 1))
    assert not of_the_demo.is_collected()
