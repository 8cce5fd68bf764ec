"""Nobody else on the machine can read SQLite's files: new ones, old ones, and those beside them."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from monitor.private_files import _warn_of, close, is_ours_alone


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.django_db
def test_a_new_database_its_folder_and_its_log_are_closed(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    path = folder / "monitor.sqlite3"
    values = connections["default"].settings_dict | {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
    wrapper = DatabaseWrapper(values | {"OPTIONS": {"init_command": "PRAGMA journal_mode=WAL"}}, "another")
    with wrapper.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a)")
        assert mode(folder) == 0o700
        assert {mode(found) for found in folder.iterdir()} == {0o600}
        assert {found.name for found in folder.iterdir()} >= {path.name, f"{path.name}-wal"}
    wrapper.close()


NAMES = [f"monitor.sqlite3{ending}" for ending in ("", "-wal", "-shm", "-journal")]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a database, open to all."""
    _warn_of.cache_clear()
    found = tmp_path / "data"
    found.mkdir()
    found.chmod(0o755)
    for name in NAMES:
        (found / name).touch()
        (found / name).chmod(0o644)
    yield found
    _warn_of.cache_clear()


def test_files_that_were_open_to_others_are_closed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    close(folder / NAMES[0])
    assert {mode(folder / name) for name in NAMES} == {0o600}
    assert mode(folder) == 0o700
    assert not caplog.records


@pytest.mark.parametrize(
    "other", ["report.csv", "monitor.sqlite3.bak", "other.sqlite3", ".htaccess", "monitor.sqlite3-walx", "sub/"]
)
def test_a_folder_that_holds_anything_else_is_left_as_it_is_and_a_line_says_what_to_do(
    other: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    beside = folder / other
    beside.mkdir() if other.endswith("/") else beside.touch()
    beside.chmod(0o755)
    for _ in range(2):
        close(folder / NAMES[0])
    assert {mode(folder / name) for name in NAMES} == {0o600}
    assert (mode(folder), mode(beside)) == (0o755, 0o755)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        f"others may look into {folder}, which is not the database's alone and stays as it is: "
        "move the database to a folder of its own, or run `chmod 700` on this one"
    )


def test_a_folder_that_others_cannot_look_into_needs_no_line(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "another").touch()
    folder.chmod(0o700)
    close(folder / NAMES[0])
    assert not caplog.records


def test_the_products_own_folder_is_closed_whatever_else_lies_there(
    folder: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BASE_DIR = folder.parent
    var = folder.rename(folder.parent / "var")
    (var / "demo.lock").touch()
    close(var / NAMES[0])
    assert mode(var) == 0o700
    assert not caplog.records


def test_a_folder_that_is_there_for_more_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    shared, home = tmp_path / "shared", tmp_path / "home" / "jo"
    shared.mkdir()
    home.mkdir(parents=True)
    shared.chmod(0o1777)
    monkeypatch.setenv("HOME", str(home))
    folders = (shared, home, home.parent, Path("/"), Path(settings.BASE_DIR), home / "..")
    assert not any(is_ours_alone(folder / "monitor.sqlite3") for folder in folders)
    close(shared / "monitor.sqlite3")
    assert mode(shared) == 0o1777
