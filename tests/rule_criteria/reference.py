"""Judges criteria a second time, as plainly as can be: what the product is compared with."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

from hypothesis import strategies as st

from monitor.rule_criteria.field_kinds import FieldKind
from monitor.zoho.shapes.rule_definition import CriteriaGroup, Criterion

ZONE = timezone(timedelta(hours=5, minutes=30))
KINDS = {
    "Stage": FieldKind.TEXT,
    "Amount": FieldKind.NUMBER,
    "Closing_Date": FieldKind.DATE,
    "Created_Time": FieldKind.DATETIME,
    "Is_Hot": FieldKind.BOOLEAN,
    "Owner": FieldKind.LOOKUP,
}
STAGES = ["Won", "won over", "Lost", "Over", None]
AMOUNTS = [None, 0, 10, 20, 20.5, 30]
DAYS = [None, "2026-11-01", "2026-11-02", "2026-11-03"]
TIMES = [None, "2026-11-01T23:59:59+05:30", "2026-11-02T00:00:00+05:30", "2026-11-02T20:00:00+00:00"]
FLAGS = [True, False]
HOLD = ("contains", "not_contains", "starts_with", "ends_with")
OWNERS = [None, {"id": "7001", "name": "Ann"}, {"id": "7002", "name": "Ben"}]


def leaves():
    """Returns single criteria over the fields of KINDS."""
    texts = st.sampled_from(["Won", "over", "LOST", "o"])
    orders = st.sampled_from(["greater_than", "greater_equal", "less_than", "less_equal"])
    equals = st.sampled_from(["equal", "not_equal"])
    lists = st.sampled_from(["in", "not_in"])
    spans = st.sampled_from(["between", "not_between"])
    values = {
        "Amount": st.sampled_from(["10", "20", "20.0", "20.5", "25"]),
        "Closing_Date": st.sampled_from(["2026-11-01", "2026-11-02"]),
        "Created_Time": st.sampled_from(["2026-11-01", "2026-11-02", "2026-11-02T00:00:00+05:30"]),
    }
    days = {**values, "Created_Time": st.sampled_from(["2026-11-01", "2026-11-02", "2026-11-03"])}
    found = [
        st.builds(Criterion, st.just("Stage"), st.sampled_from(sorted(HOLD)), texts),
        st.builds(Criterion, st.just("Stage"), equals, texts),
        st.builds(Criterion, st.just("Stage"), lists, st.lists(texts, min_size=1, max_size=3)),
        st.builds(Criterion, st.sampled_from(sorted(set(KINDS) - {"Is_Hot"})), equals, st.just("${EMPTY}")),
        st.builds(Criterion, st.just("Is_Hot"), equals, st.sampled_from(["true", "false", True])),
        st.builds(Criterion, st.just("Owner"), equals, st.sampled_from([{"id": "7001", "name": "Ann"}, {"id": "9"}])),
        st.builds(Criterion, st.just("Amount"), lists, st.lists(values["Amount"], min_size=1, max_size=3)),
    ]
    for field, value in values.items():
        found.append(st.builds(Criterion, st.just(field), orders, value))
        found.append(st.builds(Criterion, st.just(field), spans, st.lists(days[field], min_size=2, max_size=2)))
        found.append(st.builds(Criterion, st.just(field), equals, value))
    return st.one_of(found)


def criteria():
    """Returns trees of criteria."""
    groups = lambda parts: st.builds(  # noqa: E731 - what hypothesis wants
        CriteriaGroup, st.sampled_from(["AND", "OR"]), st.lists(parts, min_size=1, max_size=3).map(tuple)
    )
    return st.recursive(leaves(), groups, max_leaves=5)


def passes(tree, record):
    """Says whether a record passes, without a word of the product's."""
    if isinstance(tree, CriteriaGroup):
        return (all if tree.operator == "AND" else any)(passes(part, record) for part in tree.parts)
    have, name, value = record[tree.field], tree.comparator, tree.value
    if name.startswith("not_"):
        return not passes(Criterion(tree.field, name[4:], value), record)
    if value == "${EMPTY}":
        return have is None
    if have is None:
        return False
    if tree.field == "Stage":
        have = have.lower()
        several = [one.lower() for one in value] if isinstance(value, list) else [value.lower()]
        return {
            "equal": have in several, "in": have in several, "contains": several[0] in have,
            "starts_with": have[: len(several[0])] == several[0], "ends_with": have[-len(several[0]) :] == several[0],
        }[name]  # fmt: skip
    if tree.field == "Is_Hot":
        return have == (str(value).lower() == "true")
    if tree.field == "Owner":
        return have["id"] == value["id"]
    several = [_typed(tree.field, one) for one in (value if isinstance(value, list) else [value])]
    mine = _typed(tree.field, str(have))
    if tree.field == "Created_Time" and len(several[0]) == 1:  # days
        mine = (mine[1].date(),)
    return {
        "equal": lambda: mine in several, "in": lambda: mine in several,
        "greater_than": lambda: mine > several[0], "greater_equal": lambda: mine >= several[0],
        "less_than": lambda: mine < several[0], "less_equal": lambda: mine <= several[0],
        "between": lambda: several[0] <= mine <= several[1],
    }[name]()  # fmt: skip


def _typed(field, text):
    if field == "Amount":
        return Decimal(text)
    if field == "Closing_Date":
        return text
    if "T" in text:
        return ("moment", datetime.fromisoformat(text).astimezone(ZONE))
    return (datetime.fromisoformat(text).date(),)
