"""Keeps definitions as files in a folder: one a flow, rule or connected workflow, by account and kind.

A list beside the accounts' folders (`definitions.json`) says which files are ours: only those are replaced or removed.
Each file is written beside its place and renamed; a run that is ended midway leaves whole files, all of them listed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from monitor.definition_compare import CONNECTED, FLOW, RULE, Defined, DefinitionSet

INDEX = "definitions.json"
FOLDERS = {FLOW: "flows", RULE: "rules", CONNECTED: "connected-workflows"}
FORMATS = ("json", "yaml")
LONGEST_SLUG = 60  # characters of a file's name that say how the thing is called
_PART = ".part"
_KIND_OF = {folder: kind for kind, folder in FOLDERS.items()}
_SAFE_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_OURS = re.compile(r"[a-z0-9_-]{1,140}/(?:flows|rules|connected-workflows)/[A-Za-z0-9_-]{1,140}\.(?:json|yaml)")


class FolderError(Exception):
    """Says in one line why a folder cannot be written or read."""


@dataclass(frozen=True, slots=True)
class Written:
    """Counts what became of the files of a folder."""

    new: int
    changed: int
    removed: int
    same: int


def account_folder(name: str, key: int) -> str:
    """Names the folder of an account."""
    return f"{slugify(name)[:LONGEST_SLUG].strip('-') or 'account'}-{key}"


def file_name(thing: Defined, form: str) -> str:
    """Names the file of a thing: by its id, so that it stays, and for people by its name."""
    identity = thing.zoho_id
    if not _SAFE_ID.fullmatch(identity):
        identity = "x" + hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:20]
    slug = slugify(thing.name)[:LONGEST_SLUG].strip("-_")
    return f"{identity}-{slug}.{form}" if slug else f"{identity}.{form}"


def texts_of(things: DefinitionSet, folder: str, form: str) -> dict[str, bytes]:
    """Writes the files of an account, by their place in the folder of all. Pure."""
    found: dict[str, bytes] = {}
    for thing in things.things:
        record = {
            "account": things.account,
            "kind": thing.kind,
            "id": thing.zoho_id,
            "name": thing.name,
            "definition": thing.content,
        }
        found[f"{folder}/{FOLDERS[thing.kind]}/{file_name(thing, form)}"] = _text(record, form)
    return found


def _text(record: Mapping[str, Any], form: str) -> bytes:
    if form == "yaml":
        text = _as_yaml(record)
    else:
        text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _as_yaml(record: Mapping[str, Any]) -> str:
    import yaml  # few want it, and it takes memory

    class Dumper(yaml.SafeDumper):
        """Writes each value where it stands, also one that stands twice."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump(record, Dumper=Dumper, sort_keys=True, allow_unicode=True, default_flow_style=False, width=10**6)


def _from_yaml(text: str) -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads days and times as the texts that they are in Zoho's JSON."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, form) for tag, form in some if not tag.endswith(":timestamp")]
        for first, some in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a loader of plain values
    except yaml.YAMLError:
        raise ValueError from None


def bring_up_to_date(
    root: Path, files: Mapping[str, bytes], unread: Mapping[str, int], is_replaced: Callable[[str], bool]
) -> Written:
    """Makes a folder hold these files, and of ours no others.

    Args:
        root: the folder; it is made where it is missing.
        files: by their place in it, as `texts_of` makes them.
        unread: by the folder of an account, how many of its definitions are not known.
        is_replaced: says of a place in it whether this export is the one that decides on it.

    Raises:
        FolderError: something is in the way, and nothing was written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        listed = read_index(root)
        ours = set(listed["files"])
        _refuse_foreign(root, files, ours)
        stale = {place for place in ours - set(files) if is_replaced(place)}
        missing = {folder: number for folder, number in listed["unread"].items() if not is_replaced(f"{folder}/")}
        missing |= {folder: number for folder, number in unread.items() if number}
        _put_index(root, ours | set(files), missing)
        counted = _put_files(root, files)
        for place in sorted(stale):
            (root / place).unlink(missing_ok=True)
            _remove_empty(root, place)
        _put_index(root, (ours | set(files)) - stale, missing)
    except OSError as error:
        raise FolderError(f"{error.filename or root}: {error.strerror or error}") from None
    return Written(counted["new"], counted["changed"], len(stale), counted["same"])


def _put_files(root: Path, files: Mapping[str, bytes]) -> dict[str, int]:
    counted = {"new": 0, "changed": 0, "same": 0}
    for place, text in sorted(files.items()):
        target = root / place
        before = target.read_bytes() if target.is_file() else None
        counted["same" if before == text else "new" if before is None else "changed"] += 1
        if before != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            _put(target, text)
    return counted


def _refuse_foreign(root: Path, files: Mapping[str, bytes], ours: set[str]) -> None:
    """Refuses to write over what is not ours, and through links, which may lead anywhere."""
    for place, text in sorted(files.items()):
        target = root / place
        for folder in (target.parent, target.parent.parent):
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                raise FolderError(f"{folder} is in the way: it is no folder")
        if target.is_symlink() or target.is_dir():
            raise FolderError(f"{target} is in the way: it is no file of an export")
        if place not in ours and target.exists() and target.read_bytes() != text:
            raise FolderError(f"{target} is in the way: {INDEX} does not list it as ours")


def _put(target: Path, text: bytes) -> None:
    """Writes a file beside its place and renames it: there is never a half of it."""
    part = target.with_name(f".{target.name}{_PART}")
    part.unlink(missing_ok=True)
    try:
        with part.open("xb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _put_index(root: Path, files: Iterable[str], unread: Mapping[str, int]) -> None:
    content = {"files": sorted(files), "unread": dict(sorted(unread.items())), "version": 1}
    text = (json.dumps(content, indent=2) + "\n").encode()
    target = root / INDEX
    if target.is_symlink() or not target.is_file() or target.read_bytes() != text:
        _put(target, text)


def _remove_empty(root: Path, place: str) -> None:
    for folder in ((root / place).parent, (root / place).parent.parent):
        if not any(folder.iterdir()):
            folder.rmdir()


def read_index(root: Path) -> dict[str, Any]:
    """Reads which files of a folder are ours.

    Raises:
        FolderError: the list is there and cannot be read as one of ours.
    """
    target = root / INDEX
    if not target.exists():
        return {"files": [], "unread": {}}
    try:
        content = json.loads(target.read_bytes())
        files, unread = content["files"], content["unread"]
        is_ours = all(isinstance(place, str) and _OURS.fullmatch(place) for place in files)
        if not is_ours or not all(isinstance(number, int) for number in unread.values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FolderError(f"{target} is no list of exported definitions") from None
    return {"files": files, "unread": unread}


def read_folder(path: Path) -> DefinitionSet:
    """Reads an exported folder: that of one account, or one that holds only one account's.

    Raises:
        FolderError: there is none, it holds several accounts, or a file in it cannot be read.
    """
    try:
        own = _account_of(path)
        things, accounts = [], set()
        for kind_folder in sorted(own.iterdir()):
            kind = _KIND_OF.get(kind_folder.name)
            for file in sorted(kind_folder.iterdir()) if kind is not None and kind_folder.is_dir() else ():
                if file.suffix in (".json", ".yaml") and not file.name.startswith("."):
                    account, thing = _read(file, kind)
                    accounts.add(account)
                    things.append(thing)
        if len(accounts) > 1:
            raise FolderError(f"{own} holds files of several accounts")
        missing = read_index(own.parent)["unread"].get(own.name, 0)
    except OSError as error:
        raise FolderError(f"{error.filename or path}: {error.strerror or error}") from None
    unread = [("definition", "that its export did not know")] * missing
    return DefinitionSet(next(iter(accounts), own.name), things, is_masked=True, unread=unread)


def _account_of(path: Path) -> Path:
    if not path.is_dir():
        raise FolderError(f"{path} is no folder")
    if _holds_kinds(path):
        return path.resolve()
    found = sorted(folder for folder in path.iterdir() if folder.is_dir() and _holds_kinds(folder))
    if len(found) > 1:
        raise FolderError(f"{path} holds {len(found)} accounts: name one, such as {found[0]}")
    if not found:
        raise FolderError(f"{path} holds no exported definitions")
    return found[0].resolve()


def _holds_kinds(path: Path) -> bool:
    return any((path / folder).is_dir() for folder in FOLDERS.values())


def _read(file: Path, kind: str | None) -> tuple[str, Defined]:
    try:
        text = file.read_bytes().decode()
        record = _from_yaml(text) if file.suffix == ".yaml" else json.loads(text)
        account, zoho_id, name, content = (record[key] for key in ("account", "id", "name", "definition"))
        is_ours = all(isinstance(one, str) for one in (account, zoho_id, name)) and isinstance(content, dict)
        if not is_ours or record["kind"] != kind:
            raise ValueError
        json.dumps(content, sort_keys=True)  # YAML holds more than JSON can say: sets, bytes, what holds itself
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FolderError(f"{file} is no exported definition") from None
    return account, Defined(kind or "", zoho_id, name, content)
