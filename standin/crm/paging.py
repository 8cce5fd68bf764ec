"""Cuts lists into CRM's pages (docs/reference/zoho-crm.md, "Answers, paging and empty lists")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from standin.errors import RefusalError
from standin.web.wire import Reply, Request, json_reply, no_content

Row = TypeVar("Row")
MAX_PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Holds which page is asked for."""

    number: int
    size: int

    def cut(self, rows: Sequence[Row]) -> list[Row]:
        """Returns the rows of this page."""
        return list(rows[(self.number - 1) * self.size : self.number * self.size])


def read_page(request: Request) -> Page:
    """Reads the page from the query; RefusalError INVALID_DATA for no number from 1, or over 200 a page."""
    values = []
    for name, default, high in (("page", 1, 10**6), ("per_page", MAX_PER_PAGE, MAX_PER_PAGE)):
        raw = request.param(name)
        if raw is None:
            values.append(default)
        elif raw.isascii() and raw.isdigit() and len(raw) < 8 and 1 <= int(raw) <= high:
            values.append(int(raw))
        else:
            raise RefusalError("INVALID_DATA", "The value provided to the param is Invalid", {"param_name": name})
    return Page(*values)


def paged(name: str, rows: list[Any], page: Page, total: int, *, empty_is_204: bool) -> Reply:
    """Returns a list's answer; without a row it is 204 when that habit is on."""
    if not rows and empty_is_204:
        return no_content()
    info = {
        "per_page": page.size,
        "count": len(rows),
        "page": page.number,
        "more_records": page.number * page.size < total,
    }
    return json_reply({name: rows, "info": info})
