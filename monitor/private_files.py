"""Keeps SQLite's files to the one who runs the product: the database 0600, its folder 0700 where that is ours alone.

A folder that holds anything else is left as it is, and a line says what to do.

SQLite gives its own files beside the database (`-wal`, `-shm`, `-journal`) the database's mode when it makes them;
those that are there already are closed here.
"""

from __future__ import annotations

import logging
import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

OWN_FOLDER = "var"  # where the product's own databases lie, in its folder
BESIDE = ("", "-wal", "-shm", "-journal")
ONLY_ME, ONLY_MINE = 0o600, 0o700
OTHERS = 0o077


def close_on_connect(*, connection: Any, **kwargs: Any) -> None:
    """Closes the files of a SQLite database that has just been opened, or made.

    Args:
        connection: that was opened.
        kwargs: what else the signal `connection_created` says.
    """
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and not name.startswith("file:") and name != ":memory:":
        close(Path(name))


def close(database: Path) -> None:
    """Takes everybody else's rights to a database's files and its folder away; what is not ours is left alone."""
    for ending in BESIDE:
        _restrict(database.with_name(database.name + ending), ONLY_ME)
    if is_ours_alone(database):
        _restrict(database.parent, ONLY_MINE)
    else:
        _warn_of(database.parent.resolve())


def open_to_others(database: Path) -> list[Path]:
    """Lists a database's files that others on this machine can read all the same."""
    files = [database.with_name(database.name + ending) for ending in BESIDE]
    return [file for file in files if file.is_file() and file.stat().st_mode & OTHERS]


def is_ours_alone(database: Path) -> bool:
    """Says whether a database's folder is there for it alone.

    So is the product's own, and one that holds nothing else; not one that all may write to, a home, or the program's.
    """
    folder = database.parent.resolve()
    program, home = Path(settings.BASE_DIR).resolve(), Path.home().resolve()
    if folder.stat().st_mode & stat.S_ISVTX or folder in (home, *home.parents, program, *program.parents):
        return False
    if folder.is_relative_to(program / OWN_FOLDER):
        return True
    names = {database.name + ending for ending in BESIDE}
    return all(found.name in names for found in folder.iterdir())


@lru_cache(maxsize=16)
def _warn_of(folder: Path) -> None:
    """Says once in a process that others may look into a folder which is not ours to close."""
    if folder.stat().st_mode & OTHERS:
        logger.warning(
            "others may look into %s, which is not the database's alone and stays as it is: "
            "move the database to a folder of its own, or run `chmod 700` on this one",
            folder,
        )


def _restrict(path: Path, mode: int) -> None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if found.st_uid == os.geteuid() and found.st_mode & OTHERS:
        try:
            path.chmod(mode)
        except OSError as error:  # such as a file system that is mounted to be read only
            logger.warning("others may read %s: %s", path.name, error.strerror)
