"""Collects the demo's static files, so that they are served as in production: hashed and compressed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.utils.module_loading import import_string

MANIFEST = "staticfiles.json"


def is_collected() -> bool:
    """Says whether what lies in STATIC_ROOT was made of the files that there are now."""
    manifest = Path(settings.STATIC_ROOT) / MANIFEST
    return manifest.is_file() and manifest.stat().st_mtime >= max(path.stat().st_mtime for path in _sources())


def collect() -> None:
    """Collects the files. Takes some seconds, most of them for compressing plotly.js."""
    call_command("collectstatic", interactive=False, verbosity=0)


def _sources() -> Iterator[Path]:
    """All files that are collected, and the code that does it."""
    yield Path(inspect.getfile(import_string(settings.STORAGES["staticfiles"]["BACKEND"])))
    for finder in get_finders():
        for name, storage in finder.list([]):
            yield Path(storage.path(name))
