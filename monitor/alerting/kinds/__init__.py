"""Holds the kinds of alert conditions, a folder each; `interface` says what a kind is given and what it answers.

A kind is found by its folder: `condition` there names its class as `CONDITION`, and `words` says what it finds.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.alerting.kinds.interface import Condition


@cache
def condition_kinds() -> Mapping[str, type[Condition]]:
    """Returns the class of each kind's condition by the kind's name, which is that of its folder."""
    names = sorted(found.name for found in iter_modules(__path__) if found.ispkg)
    return MappingProxyType({name: import_module(f"{__name__}.{name}.condition").CONDITION for name in names})


@cache
def words_of(kind: str) -> ModuleType:
    """Returns the module that says what a kind asks for (`title`) and what it found (`describe`).

    Raises:
        KeyError: there is no such kind.
    """
    if kind not in condition_kinds():
        raise KeyError(kind)
    return import_module(f"{__name__}.{kind}.words")
