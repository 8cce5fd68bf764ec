"""Lets one person ask for a few costly pages at a time, so that the others' pages go on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from django import forms
from django.http import HttpRequest

from monitor.periods import choice_of

AT_ONCE = 2
_FAR_PAGE = 20  # the rows before it are all counted through
_LONG_PERIOD = 90  # days
_SEARCHES = ("text", "actor")
_ALWAYS_COSTLY = {"flow_suggest", "find"}  # look at the names of all there is, as often as somebody presses a key
_PAGE = forms.IntegerField(required=False)  # as lists read it: "+21", "21.0" and " 21" are the 21st, too


class Turns:
    """Counts what each person has under way in this process.

    Args:
        at_once: how many a person may have.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._taken: Counter[int] = Counter()
        self._lock = threading.Lock()

    def take(self, person: int) -> Callable[[], None] | None:
        """Takes a turn.

        Args:
            person: their primary key.

        Returns:
            What gives it back, once however often it is called; None where all are taken.
        """
        with self._lock:
            if self._taken[person] >= self._at_once:
                return None
            self._taken[person] += 1
        held = [person]

        def give_back() -> None:
            with self._lock:
                if held:
                    self._taken[held.pop()] -= 1
                    self._taken = +self._taken

        return give_back


def is_costly(request: HttpRequest) -> bool:
    """Returns whether a page reads many rows: a search by text, a quarter of a year, a page far down a list."""
    if request.resolver_match and request.resolver_match.url_name in _ALWAYS_COSTLY:
        return True
    query = request.GET
    is_long = choice_of(query.get("days")).days >= _LONG_PERIOD
    return is_long or _page(query.get("page", "")) > _FAR_PAGE or any(query.get(name) for name in _SEARCHES)


def _page(text: str) -> int:
    """Returns which page of a list is asked for; 0 where the list refuses what is written there."""
    try:
        return _PAGE.clean(text) or 0
    except forms.ValidationError:
        return 0
