"""Nobody else on the machine can read SQLite's files: new ones, old ones, and those beside them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from monitor.private_files import close, is_ours_alone


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


def test_files_that_were_open_to_others_are_closed(tmp_path: Path) -> None:
    names = [f"monitor.sqlite3{ending}" for ending in ("", "-wal", "-shm", "-journal")]
    for name in [*names, "another"]:
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    close(tmp_path / names[0])
    assert {mode(tmp_path / name) for name in names} == {0o600}
    assert mode(tmp_path / "another") == 0o644
    assert mode(tmp_path) == 0o700


def test_a_folder_that_is_there_for_more_is_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, home = tmp_path / "shared", tmp_path / "home" / "jo"
    shared.mkdir()
    home.mkdir(parents=True)
    shared.chmod(0o1777)
    monkeypatch.setenv("HOME", str(home))
    assert not any(map(is_ours_alone, (shared, home, home.parent, Path("/"), Path(settings.BASE_DIR))))
    assert is_ours_alone(home / "..") is False
    close(shared / "monitor.sqlite3")
    assert mode(shared) == 0o1777
