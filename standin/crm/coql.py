"""Reads and runs a small part of COQL: select, from, where, order by, limit.

Source: docs/reference/zoho-crm.md, "Records and queries".
"""

import re
from dataclasses import dataclass
from typing import Any

from standin.crm.records import fields_of
from standin.crm.templates import MODULES
from standin.errors import RefusalError

SHAPE = re.compile(
    r"\s*select\s+(?P<fields>[\w.,\s]+?)\s+from\s+(?P<module>\w+)"
    r"(?:\s+where\s+(?P<where>.+?))?(?:\s+order\s+by\s+(?P<by>\w+)(?:\s+(?P<order>asc|desc))?)?"
    r"(?:\s+limit\s+(?:(?P<skip>\d+)\s*,\s*)?(?P<limit>\d+))?(?:\s+offset\s+(?P<offset>\d+))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
TERM = re.compile(
    r"\s*\(*\s*(\w+)\s*(=|!=|>=|<=|>|<|like|is\s+not\s+null|is\s+null)\s*('(?:[^']*)'|-?\d+(?:\.\d+)?)?\s*\)*\s*",
    re.IGNORECASE,
)
MOST_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Query:
    """Holds a query that was understood."""

    fields: list[str]
    module: str
    terms: list[tuple[str, str, str | None]]
    any_term: bool
    order_by: str
    descending: bool
    limit: int
    skip: int


def syntax_error(reason: str) -> RefusalError:
    """Returns the refusal of a query that cannot be read."""
    return RefusalError("SYNTAX_ERROR", "error occurred while parsing the query", {"reason": reason})


def parse(text: str) -> Query:
    """Reads a query; RefusalError SYNTAX_ERROR, INVALID_MODULE or INVALID_QUERY."""
    found = SHAPE.fullmatch(text)
    if found is None:
        raise syntax_error("select … from … where … order by … limit")
    module = found["module"]
    if module not in MODULES:
        raise RefusalError("INVALID_QUERY", "invalid query formed", {"reason": "module is invalid"})
    known = {name for name, _, _ in fields_of(module)}
    fields = [one.strip() for one in found["fields"].split(",")]
    where = found["where"] or ""
    pieces = re.split(r"\s+(?:and|or)\s+", where, flags=re.IGNORECASE) if where else []
    terms = []
    for piece in pieces:
        term = TERM.fullmatch(piece)
        if term is None:
            raise syntax_error(f"near {piece.strip()[:30]}")
        terms.append((term[1], re.sub(r"\s+", " ", term[2].lower()), term[3].strip("'") if term[3] else None))
    for name in (*fields, *(term[0] for term in terms), *([found["by"]] if found["by"] else [])):
        if name not in known:
            raise RefusalError(
                "INVALID_QUERY", "invalid query formed", {"reason": f"column given seems to be invalid: {name}"}
            )
    limit = int(found["limit"] or 200)
    if limit > MOST_ROWS:
        raise RefusalError("LIMIT_EXCEEDED", "the limit given exceeds the maximum", {"limit": MOST_ROWS})
    return Query(
        fields=["id", *(name for name in fields if name != "id")],
        module=module,
        terms=terms,
        any_term=bool(re.search(r"\s+or\s+", where, re.IGNORECASE)),
        order_by=found["by"] or "id",
        descending=(found["order"] or "asc").lower() == "desc",
        limit=limit,
        skip=int(found["skip"] or found["offset"] or 0),
    )


def run(query: Query, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Returns the rows that fit, and whether there are more behind the limit."""
    joined = any if query.any_term else all
    fitting = [row for row in rows if not query.terms or joined(_holds(row, *term) for term in query.terms)]
    fitting.sort(key=lambda row: str(row[query.order_by]), reverse=query.descending)
    cut = fitting[query.skip : query.skip + query.limit]
    more = query.skip + query.limit < len(fitting)
    return [{name: row[name] for name in query.fields} for row in cut], more


def _holds(row: dict[str, Any], field: str, operator: str, value: str | None) -> bool:
    have: Any = row[field]
    if operator in {"is null", "is not null"}:
        return (have is None) == (operator == "is null")
    if value is None:
        return False
    if operator == "like":
        pattern = "".join(".*" if sign == "%" else re.escape(sign) for sign in value)
        return re.fullmatch(pattern, str(have), re.IGNORECASE) is not None
    want: Any = value
    if isinstance(have, int | float) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        want = float(value)
    else:
        have = str(have)
    comparisons = {"=": have == want, "!=": have != want, ">": have > want, "<": have < want}
    if operator in comparisons:
        return bool(comparisons[operator])
    return bool(have >= want) if operator == ">=" else bool(have <= want)
