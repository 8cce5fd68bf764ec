"""Keeps SQLite's files to the one who runs the product: the database 0600, its folder 0700 where that is ours alone.

SQLite gives its own files beside the database (`-wal`, `-shm`, `-journal`) the database's mode when it makes them;
those that are there already are closed here.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

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
    if is_ours_alone(database.parent):
        _restrict(database.parent, ONLY_MINE)


def is_ours_alone(folder: Path) -> bool:
    """Says whether a folder is there for the database: no shared one, no home, none that holds the program."""
    folder = folder.resolve()
    program, home = Path(settings.BASE_DIR).resolve(), Path.home().resolve()
    is_shared = bool(folder.stat().st_mode & stat.S_ISVTX)
    return not is_shared and folder not in (home, *home.parents) and folder not in (program, *program.parents)


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
