"""Reads and runs a part of COQL: select, count, from, where with brackets, order by, limit.

Source: docs/reference/zoho-crm.md, "Records and queries" and "Criteria of rules".
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from standin.crm.records import fields_of
from standin.crm.templates import MODULES
from standin.errors import RefusalError

SHAPE = re.compile(
    r"\s*select\s+(?P<fields>[\w.,\s()]+?)\s+from\s+(?P<module>\w+)"
    r"(?:\s+where\s+(?P<where>.+?))?(?:\s+order\s+by\s+(?P<by>\w+)(?:\s+(?P<order>asc|desc))?)?"
    r"(?:\s+limit\s+(?:(?P<skip>\d+)\s*,\s*)?(?P<limit>\d+))?(?:\s+offset\s+(?P<offset>\d+))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
TOKEN = re.compile(r"\s*('(?:[^']*)'|-?\d+(?:\.\d+)?|!=|>=|<=|[=<>(),]|\w+)")
COUNT = re.compile(r"count\s*\(\s*(\w+)\s*\)(?:\s+as\s+\w+)?", re.IGNORECASE)
MOST_ROWS = 2_000
MOST_CRITERIA, MOST_VALUES = 25, 50
# What may be asked of a kind of field: https://www.zoho.com/crm/developer/docs/api/v8/COQL-Limitations.html
ORDERED = {"=", "!=", ">=", ">", "<=", "<", "between", "not between", "in", "not in", "is null", "is not null"}
OF_TEXTS = {"=", "!=", "like", "not like", "in", "not in", "is null", "is not null"}
OPERATORS = {
    **dict.fromkeys(("currency", "integer", "double", "date", "datetime"), ORDERED),
    "boolean": {"="},
    "ownerlookup": {"=", "!=", "in", "not in", "is null", "is not null"},
    "bigint": ORDERED | {"like"},
    "textarea": set(),
}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Term:
    """Holds one comparison of a field."""

    field: str
    operator: str
    values: tuple[str | float, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Holds two conditions joined by `and` or `or`."""

    left: "Term | Joined"
    operator: str
    right: "Term | Joined"


@dataclass(frozen=True, slots=True)
class Query:
    """Holds a query that was understood; `counts` is the field of a COUNT, "" for none."""

    fields: list[str]
    module: str
    where: Term | Joined | None
    order_by: str
    descending: bool
    limit: int
    skip: int
    counts: str = ""


def syntax_error(reason: str) -> RefusalError:
    """Returns the refusal of a query that cannot be read."""
    return RefusalError("SYNTAX_ERROR", "error occurred while parsing the query", {"reason": reason})


def invalid(reason: str) -> RefusalError:
    """Returns the refusal of a query that can be read and not run."""
    return RefusalError("INVALID_QUERY", "invalid query formed", {"reason": reason})


def parse(text: str) -> Query:
    """Reads a query; RefusalError SYNTAX_ERROR, INVALID_QUERY or LIMIT_EXCEEDED."""
    found = SHAPE.fullmatch(text)
    if found is None:
        raise syntax_error("select … from … where … order by … limit")
    module = found["module"]
    if module not in MODULES:
        raise invalid("module is invalid")
    counted = COUNT.fullmatch(found["fields"].strip())
    fields = [counted[1]] if counted else [one.strip() for one in found["fields"].split(",")]
    terms = _Conditions(found["where"], module)
    _check_fields(module, [*fields, *(term.field for term in terms.found), *([found["by"]] if found["by"] else [])])
    limit = int(found["limit"] or 200)
    if limit > MOST_ROWS:
        raise RefusalError("LIMIT_EXCEEDED", "the limit given exceeds the maximum", {"limit": MOST_ROWS})
    return Query(
        fields=["id", *(name for name in fields if name != "id")],
        module=module,
        where=terms.whole,
        order_by=found["by"] or "id",
        descending=(found["order"] or "asc").lower() == "desc",
        limit=limit,
        skip=int(found["skip"] or found["offset"] or 0),
        counts=counted[1] if counted else "",
    )


def _check_fields(module: str, names: list[str]) -> None:
    known = {name for name, _, _ in fields_of(module)}
    for name in names:
        if name not in known:
            raise invalid(f"column given seems to be invalid: {name}")


class _Conditions:
    """Reads what stands behind WHERE: comparisons in brackets, two by two."""

    def __init__(self, text: str | None, module: str) -> None:
        self.found: list[Term] = []
        self._kinds = {name: kind for name, _, kind in fields_of(module)}
        self._tokens = _tokens(text or "")
        self._at = 0
        self.whole = self._joined() if self._tokens else None
        if self._at < len(self._tokens):
            raise syntax_error(f"near {self._tokens[self._at][:30]}")
        if len(self.found) > MOST_CRITERIA:
            raise RefusalError("LIMIT_EXCEEDED", "too many criteria in the where clause", {"limit": MOST_CRITERIA})

    def _peek(self) -> str:
        return self._tokens[self._at].lower() if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if wanted and token.lower() not in wanted:
            raise syntax_error(f"near {token[:30]}")
        self._at += 1
        return token

    def _joined(self) -> Term | Joined:
        left = self._one()
        if self._peek() not in {"and", "or"}:
            return left
        both = Joined(left, self._take().lower(), self._one())
        if self._peek() in {"and", "or"}:
            raise syntax_error("more than two criteria need brackets")
        return both

    def _one(self) -> Term | Joined:
        if self._peek() == "(":
            self._take("(")
            inner = self._joined()
            self._take(")")
            return inner
        term = self._term()
        self.found.append(term)
        return term

    def _term(self) -> Term:
        field = self._take()
        if re.fullmatch(r"[A-Za-z_]\w*", field) is None:
            raise syntax_error(f"near {field[:30]}")
        operator = self._operator()
        allowed = OPERATORS.get(self._kinds.get(field, ""), OF_TEXTS)
        if field in self._kinds and operator not in allowed:
            raise invalid(f"{operator} is not supported for {field}")
        if operator in {"is null", "is not null"}:
            return Term(field, operator)
        if operator in {"in", "not in"}:
            return Term(field, operator, self._list())
        first = self._value()
        if operator not in {"between", "not between"}:
            return Term(field, operator, (first,))
        self._take("and")
        return Term(field, operator, (first, self._value()))

    def _operator(self) -> str:
        word = self._take().lower()
        if word == "is":
            if self._peek() == "not":
                self._take("not")
                self._take("null")
                return "is not null"
            self._take("null")
            return "is null"
        if word == "not":
            word = "not " + self._take("in", "like", "between").lower()
        if word not in ORDERED | OF_TEXTS:
            raise syntax_error(f"near {word[:30]}")
        return word

    def _list(self) -> tuple[str | float, ...]:
        self._take("(")
        values = [self._value()]
        while self._peek() == ",":
            self._take(",")
            values.append(self._value())
        self._take(")")
        if len(values) > MOST_VALUES:
            raise RefusalError("LIMIT_EXCEEDED", "too many values in a list", {"limit": MOST_VALUES})
        return tuple(values)

    def _value(self) -> str | float:
        token = self._take()
        if token.startswith("'"):
            return token[1:-1]
        if token in {"true", "false"}:
            return token
        try:
            return float(token)
        except ValueError:
            raise syntax_error(f"near {token[:30]}") from None


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    while place < len(text.rstrip()):
        token = TOKEN.match(text, place)
        if token is None:
            raise syntax_error(f"near {text[place:].strip()[:30]}")
        found.append(token[1])
        place = token.end()
    return found


def run(query: Query, rows: list[Row]) -> tuple[list[Row], bool]:
    """Returns the rows that fit, and whether there are more behind the limit; of a COUNT the one row that says it."""
    fitting = [row for row in rows if query.where is None or _holds(row, query.where)]
    if query.counts:
        name = f"COUNT({query.counts})"
        return [{name: sum(row[query.counts] is not None for row in fitting)}], False
    fitting.sort(key=lambda row: str(row[query.order_by]), reverse=query.descending)
    cut = fitting[query.skip : query.skip + query.limit]
    more = query.skip + query.limit < len(fitting)
    return [{name: row[name] for name in query.fields} for row in cut], more


def _holds(row: Row, where: Term | Joined) -> bool:
    if isinstance(where, Joined):
        left = _holds(row, where.left)
        if where.operator == "and":
            return left and _holds(row, where.right)
        return left or _holds(row, where.right)
    have = row[where.field]
    if where.operator in {"is null", "is not null"}:
        return (have in (None, "")) == (where.operator == "is null")
    if have in (None, ""):
        return False  # as in SQL: no comparison holds for nothing
    return _compares(have, where)


def _compares(have: Any, term: Term) -> bool:
    operator = term.operator.removeprefix("not ")
    is_turned = term.operator.startswith("not ")
    if operator == "like":
        pattern = "".join(".*" if sign == "%" else re.escape(sign) for sign in str(term.values[0]))
        return (re.fullmatch(pattern, str(have), re.IGNORECASE | re.DOTALL) is not None) != is_turned
    pairs = [_like_each_other(have, want) for want in term.values]
    if operator == "between":
        return bool(pairs[0][0] >= pairs[0][1] and pairs[1][0] <= pairs[1][1]) != is_turned
    if operator == "in":
        return any(one == other for one, other in pairs) != is_turned
    one, other = pairs[0]
    if operator in {"=", "!="}:
        return bool(one == other) == (operator == "=")
    return bool({">": one > other, "<": one < other, ">=": one >= other, "<=": one <= other}[operator])


def _like_each_other(have: Any, want: str | float) -> tuple[Any, Any]:
    """Puts what a record holds and what it is compared with into one type."""
    if isinstance(have, dict):
        return str(have.get("id")), str(want)
    if isinstance(have, bool):
        return str(have).lower(), str(want).lower()
    if isinstance(have, int | float):
        try:
            return float(have), float(want)
        except ValueError:
            raise invalid("invalid value for a number") from None
    times = [_time(str(one)) for one in (have, want)]
    if None not in times:
        return times[0], times[1]
    return str(have).lower(), str(want).lower()


def _time(text: str) -> datetime | None:
    if "T" not in text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
