"""Serves static files from installed packages, and lets pages work before collectstatic has run.

`manage.py collectstatic` makes one style sheet of those that every page needs, gives each file a name by its content,
by which browsers keep it for ever, and compresses it (brotli and gzip), so that no request waits for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

PLOTLY_NAME = "vendor/plotly.min.js"
# The style sheets of every page in the order in which they hold, and the one that is made of them.
SHEETS = (
    "css/tokens.css",
    "css/base.css",
    "css/parts/nav.css",
    "css/parts/header.css",
    "css/parts/button.css",
    "css/parts/card.css",
    "css/parts/table.css",
    "css/parts/pill.css",
    "css/parts/banner.css",
    "css/parts/form.css",
    "css/parts/chips.css",
    "css/parts/pagination.css",
    "css/parts/dialog.css",
    "css/parts/palette.css",
    "css/parts/chart.css",
    "css/parts/detail.css",
    "css/parts/overview.css",
    "css/parts/print.css",
)
ALL_SHEETS = "css/all.css"
_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)


def plotly_bundle() -> Path:
    """Finds plotly.js in the installed plotly package, so that no Node is needed anywhere.

    Raises:
        FileNotFoundError: the package is not there, so the installation is broken.
    """
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the plotly package is not installed")
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


class PlotlyFinder(BaseFinder):
    """Offers plotly.js under `vendor/plotly.min.js`, so that no third-party file lies in the repository."""

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        bundle = plotly_bundle()
        if path.replace("\\", "/") != PLOTLY_NAME or not bundle.is_file():
            return []
        return [str(bundle)] if find_all else str(bundle)

    def list(self, ignore_patterns: Any) -> Any:
        bundle = plotly_bundle()
        storage = FileSystemStorage(location=str(bundle.parent))
        storage.prefix = None  # type: ignore[attr-defined]

        class _Renamed(FileSystemStorage):
            def open(self, name: str, mode: str = "rb") -> Any:
                return storage.open(bundle.name, mode)

            def path(self, name: str) -> str:
                return str(bundle)

        yield PLOTLY_NAME, _Renamed(location=str(bundle.parent))

    def check(self, **kwargs: Any) -> Any:
        return []


class ForgivingManifestStorage(CompressedManifestStaticFilesStorage):
    """Gives hashed names after collectstatic, and plain names before it instead of an error on every page."""

    manifest_strict = False

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        if not dry_run and set(SHEETS) <= set(paths):
            self.delete(ALL_SHEETS)
            self.save(ALL_SHEETS, ContentFile(b"\n".join(_without_comments(_content(*paths[name])) for name in SHEETS)))
            paths = {**paths, ALL_SHEETS: (self, ALL_SHEETS)}
        yield from super().post_process(paths, dry_run, **options)

    def stored_name(self, name: str) -> str:
        try:
            return super().stored_name(name)
        except ValueError:
            return name

    def url(self, name: str, force: bool = False) -> str:
        if not self.hashed_files:
            return FileSystemStorage.url(self, name)
        return super().url(name, force)


def _content(storage: Any, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())


def _without_comments(sheet: bytes) -> bytes:
    """Leaves the comments of a style sheet to those who read its source. No string of ours holds the signs of one."""
    return _COMMENT.sub(b"", sheet)


def stylesheets() -> list[str]:
    """Returns the addresses of the style sheets of every page: of one where they are collected, else of each."""
    hashed = getattr(staticfiles_storage, "hashed_files", ())
    # With DEBUG on files go by their plain names, by which only sources are found; and what was collected by another
    # version may lack a sheet.
    is_collected = not settings.DEBUG and all(name in hashed for name in (ALL_SHEETS, *SHEETS))
    return [staticfiles_storage.url(name) for name in ([ALL_SHEETS] if is_collected else SHEETS)]
