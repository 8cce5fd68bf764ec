"""Serves static files from installed packages, and lets pages work before collectstatic has run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

PLOTLY_NAME = "vendor/plotly.min.js"


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

    def stored_name(self, name: str) -> str:
        try:
            return super().stored_name(name)
        except ValueError:
            return name

    def url(self, name: str, force: bool = False) -> str:
        if not self.hashed_files:
            return FileSystemStorage.url(self, name)
        return super().url(name, force)
