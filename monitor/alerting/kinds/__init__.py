"""Holds the kinds of alert conditions, a folder each; `interface` says what a kind is given and what it answers.

A kind is found by its folder: `condition` there names its class as `CONDITION`, and `words` says what it finds. One
whose subject is not a flow's runs has a `load` beside them (`subjects`).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from monitor.alerting.kinds.interface import Condition
    from monitor.alerting.kinds.subjects import SubjectLoader


@cache
def condition_kinds() -> Mapping[str, type[Condition]]:
    """Returns the class of each kind's condition by the kind's name, which is that of its folder."""
    names = sorted(found.name for found in iter_modules(__path__) if found.ispkg)
    return MappingProxyType({name: import_module(f"{__name__}.{name}.condition").CONDITION for name in names})


def run_kinds() -> Mapping[str, type[Condition]]:
    """Returns the kinds over a flow's runs: those that a file of runs can be replayed by."""
    return {name: condition for name, condition in condition_kinds().items() if loader_of(name) is None}


@cache
def words_of(kind: str) -> ModuleType:
    """Returns the module that says what a kind asks for (`title`) and what it found (`describe`).

    Raises:
        KeyError: there is no such kind.
    """
    if kind not in condition_kinds():
        raise KeyError(kind)
    return import_module(f"{__name__}.{kind}.words")


def cause_of(kind: str) -> str:
    """Returns what an alert of a kind explains: "account" all others, "connection" those of its flows; else ""."""
    return getattr(condition_kinds().get(kind), "cause", "")


def is_about_failures(kind: str) -> bool:
    """Returns whether failed runs bring an alert of a kind about, so that they explain it."""
    return getattr(condition_kinds().get(kind), "is_about_failures", True)


def aspect_of(kind: str, options: Mapping[str, Any]) -> str:
    """Returns what a rule of a kind must look for too to replace, or stand beside, one with these options.

    It is empty for a kind whose rules all look for the same. Options that cannot be are taken as the usual ones, so
    that a form that is not filled in yet has an aspect too.
    """
    of_kind = condition_kinds().get(kind)
    if of_kind is None or not hasattr(of_kind, "aspect"):
        return ""
    kept: dict[str, Any] = {}
    for name, value in options.items():
        try:
            of_kind(**kept, **{name: value})
        except (TypeError, ValueError):
            continue
        kept[name] = value
    return str(of_kind(**kept).aspect)  # type: ignore[attr-defined] # it has one


@cache
def loader_of(kind: str) -> SubjectLoader | None:
    """Returns what loads the subjects of a kind; None for a kind over a flow's runs, and for one that is unknown."""
    if kind not in condition_kinds() or find_spec(f"{__name__}.{kind}.load") is None:
        return None
    loader: SubjectLoader = import_module(f"{__name__}.{kind}.load").subjects
    return loader
