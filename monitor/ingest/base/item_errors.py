"""Collects per-item errors, so that the others are read, and stops a stream after three in a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from monitor.zoho.errors import BadAnswer, NotAvailable, NotFound, SignIn, Unreachable, Wait, ZohoError

GIVE_UP_AFTER = 3  # in a row without an answer that can be read; then it is not the thing but the endpoint
ALL_REFUSED = 10  # refusals before anything went well; then it is all that is refused


class ItemErrors:
    """Collects what went wrong with the single items of a stream, and stops it where nothing works."""

    def __init__(self) -> None:
        self.named: dict[str, ZohoError] = {}
        self.last: ZohoError | None = None  # of the item that was tried last, also where it is not found
        self._good = 0
        self._in_row = 0
        self._refused = 0

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Keeps the errors of one item that is read within; those of the whole account go on up.

        Raises:
            ZohoError: `Wait` and what concerns credentials; any, where nothing works any more.
        """
        self.last = None
        try:
            yield
        except (Wait, SignIn):
            raise
        except NotFound as error:
            self.last = error
            return  # deleted since the list was read: the next lists say so
        except ZohoError as error:
            self.named[name] = self.last = error
            if isinstance(error, Unreachable | BadAnswer):
                self._in_row += 1
            else:
                # Zoho answers, and says no to this one.
                self._in_row, self._refused = 0, self._refused + 1
            if self._in_row >= GIVE_UP_AFTER or (self._refused >= ALL_REFUSED and not self._good):
                raise
        else:
            self._good += 1
            self._in_row = 0

    def settle(self) -> None:
        """Raises what went wrong, if anything did, as one error that names the first item.

        Raises:
            ZohoError: the first of them; `NotAvailable` only where nothing could be read at all.
        """
        told = {name: error for name, error in self.named.items() if not isinstance(error, NotAvailable)}
        if not told and self.named and not self._good:
            raise next(iter(self.named.values()))
        if not told:
            return
        name, error = next(iter(told.items()))
        others = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        # Only a whole endpoint that is silent speaks against the product.
        kind = ZohoError if isinstance(error, Unreachable) else type(error)
        raise kind(f"{name}: {error}{others}", code=error.code, status=error.status, hint=error.hint)
