"""Refuses an option that is given twice: of two values one would go without a word."""

from __future__ import annotations

from argparse import Action, ArgumentError, ArgumentParser, Namespace
from typing import Any


class Once(Action):
    """Takes the one value of an option, and refuses a second one."""

    def __call__(self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: Any = None) -> None:
        if getattr(namespace, self.dest, None) is not None:
            raise ArgumentError(self, "can be given once only")
        setattr(namespace, self.dest, values)
