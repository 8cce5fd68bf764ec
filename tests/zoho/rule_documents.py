"""Holds workflow rules as Zoho's documents show them, and makes any rule that they describe.

Source: docs/reference/zoho-crm.md, "Workflow rules"; the examples of postWorkflowRule in Zoho's OpenAPI files.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

LOST_DEAL: dict[str, Any] = {
    "execute_when": {
        "details": {
            "trigger_module": {"api_name": "Deals", "id": "4876876000000002181"},
            "criteria": {
                "comparator": "equal",
                "field": {"api_name": "Stage", "id": "4876876000000002565"},
                "type": "value",
                "value": "Closed Lost",
            },
            "repeat": False,
            "match_all": False,
        },
        "type": "field_update",
    },
    "module": {"api_name": "Deals", "id": "4876876000000002181"},
    "description": "Triggers tasks, tags, and follow-up reminders for high-value deals lost due to pricing",
    "name": "Lost Deal due to Pricing - Follow Up",
    "conditions": [
        {
            "sequence_number": 1,
            "instant_actions": {
                "actions": [
                    {"name": "Lost Deal - Feedback", "id": "4876876000016794047", "type": "tasks"},
                    {
                        "details": {
                            "module": {"api_name": "Deals", "id": "4876876000000002181"},
                            "over_write": False,
                            "tags": [
                                {"name": "Lost due to Pricing", "id": "4876876000016794071", "color_code": "#658BA8"},
                                {"name": "Re-engagement pending", "id": "4876876000016794075", "color_code": "#879BFC"},
                            ],
                        },
                        "type": "add_tags",
                    },
                    {"name": "Deal Lost Alert", "id": "4876876000016794062", "type": "email_notifications"},
                ]
            },
            "scheduled_actions": [
                {
                    "execute_after": {"period": "business_days", "unit": 30},
                    "actions": [{"name": "Lost Deal - Feedback", "id": "4876876000016794047", "type": "tasks"}],
                }
            ],
            "criteria_details": {
                "criteria": {
                    "group_operator": "AND",
                    "group": [
                        {
                            "comparator": "greater_equal",
                            "field": {"api_name": "Amount", "id": "4876876000000002557"},
                            "type": "value",
                            "value": "30000",
                        },
                        {
                            "comparator": "equal",
                            "field": {"api_name": "Reason_For_Loss__s", "id": "4876876000002440001"},
                            "type": "value",
                            "value": "Price",
                        },
                    ],
                }
            },
        }
    ],
}

VP_ALERT: dict[str, Any] = {
    "description": "Notify sales leadership and track strategic opportunities",
    "name": "VP Alert - High Value Deal.",
    "conditions": [
        {
            "sequence_number": 1,
            "criteria_details": {
                "criteria": {
                    "group_operator": "AND",
                    "group": [
                        {"comparator": "greater_than", "field": {"api_name": "Amount"}, "value": "300000"},
                        {"comparator": "equal", "field": {"api_name": "Stage"}, "value": "Negotiation/Review"},
                    ],
                }
            },
            "instant_actions": {
                "actions": [
                    {
                        "type": "add_tags",
                        "module": "Deals",
                        "details": {"tags": [{"name": "Priority"}], "overwrite": True},
                    }
                ]
            },
            "id": "4876876000016390025",
        }
    ],
}

TRIGGERS = (
    *("create", "edit", "create_or_edit", "delete", "field_update", "section_update", "date_or_datetime"),
    *("rollup_summary_update", "score_increase", "score_update", "score_decrease", "recommendation"),
    *("recommendation_rebuy", "reschedule", "cancel", "overdue", "reassign", "marked_as_complete", "anyaction"),
    *("missed_call", "email_received", "email_received_notreplied", "email_received_opened_notreplied", "mail_sent"),
    *("mail_sent_replied_within", "mail_sent_clicked", "mail_sent_bounced", "mail_sent_opened", "mail_sent_notopened"),
    *("mail_sent_notreplied", "mail_sent_opened_notreplied", "mail_sent_replied", "mail_bounced", "mail_opened"),
    *("scheduled_call_field_update", "scheduled_call_section_update", "scheduled_call_edit"),
    *("scheduled_call_createedit", "outgoing_call_ring", "outgoing_call_start", "outgoing_call_section_update"),
    *("outgoing_call_createedit", "outgoing_call_field_update", "outgoing_call_edit", "incoming_call_ring"),
    *("incoming_call_start", "incoming_call_edit", "incoming_call_field_update", "incoming_call_createedit"),
    *("incoming_call_section_update", "fb_post_on_page", "fb_comment_on_page", "fb_like_on_post", "fb_send_message"),
    *("tw_mention_on", "tw_retweet_on_tweet", "tw_comment_on_tweet", "tw_send_message"),
)
ACTIONS = (
    *("create_record", "add_meeting", "schedule_call", "assign_owner", "add_tags", "remove_tags", "convert"),
    *("email_notifications", "field_updates", "tasks", "webhooks", "functions", "flow", "circuits"),
    *("create_connected_record", "chat_notifications", "social_actions"),
)
COMPARATORS = (
    *("equal", "not_equal", "greater_than", "greater_equal", "less_than", "less_equal", "contains", "not_contains"),
    *("starts_with", "not_starts_with", "ends_with", "not_ends_with"),
)
LISTS = ("in", "not_in")
SPANS = ("between", "not_between")
PERIODS = ("minutes", "hours", "days", "business_days", "weeks", "months")
MODULES = ("Leads", "Contacts", "Deals", "Sales_Orders", "Cases", "Events", "Trips", "Site_Visits2")
FIELDS = ("Stage", "Amount", "Reason_For_Loss__s", "Deal_Name", "Closing_Date", "Score2", "odd name", "is", "Über")

ids = st.from_regex(r"[1-9]\d{18}", fullmatch=True)
names = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=30)
values = (
    st.sampled_from(["Closed Lost", "Negotiation/Review", "30000", "-12.50", "${EMPTY}", "${NOTEMPTY}", "yes", "and"])
    | names
    | st.booleans()
)


def _named(name: str, identity: str | None) -> dict[str, Any]:
    return {"api_name": name} | ({"id": identity} if identity else {})


@st.composite
def criterion(draw: st.DrawFn) -> dict[str, Any]:
    """Makes a comparison with any documented comparator."""
    comparator = draw(st.sampled_from(COMPARATORS + LISTS + SPANS))
    if comparator in LISTS:
        value: Any = draw(st.lists(values, min_size=1, max_size=3))
    elif comparator in SPANS:
        value = draw(st.lists(values, min_size=2, max_size=2))
    else:
        value = draw(values)
    field = _named(draw(st.sampled_from(FIELDS)), draw(st.none() | ids))
    found = {"comparator": comparator, "field": field, "value": value}
    return found | draw(st.sampled_from([{}, {"type": "value"}]))


criteria = st.recursive(
    criterion(),
    lambda inner: st.builds(
        lambda operator, group: {"group_operator": operator, "group": group},
        st.sampled_from(["AND", "OR"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)


@st.composite
def action(draw: st.DrawFn, module: str) -> dict[str, Any]:
    """Makes an action of any documented type."""
    kind = draw(st.sampled_from(ACTIONS))
    found: dict[str, Any] = {"type": kind}
    if kind in {"add_tags", "remove_tags"}:
        tags = [{"name": name} for name in draw(st.lists(names, min_size=1, max_size=3))]
        found["details"] = {"module": {"api_name": module}, "tags": tags}
        if kind == "add_tags":
            found["details"]["over_write"] = draw(st.booleans())
        return found
    found["name"] = draw(names)
    if draw(st.booleans()):
        found["id"] = draw(ids)
    return found


@st.composite
def condition(draw: st.DrawFn, place: int, module: str) -> dict[str, Any]:
    """Makes a condition: criteria or none, actions at once and later."""
    actions = st.lists(action(module), max_size=3)
    inner = draw(st.none() | criteria)
    groups = [
        {
            "execute_after": {
                "period": draw(st.sampled_from(PERIODS)),
                "unit": draw(st.integers(0, 400)),
            },
            "actions": draw(st.lists(action(module), min_size=1, max_size=2)),
        }
        for _ in range(draw(st.integers(0, 2)))
    ]
    return {
        "sequence_number": place,
        "criteria_details": None if inner is None else {"criteria": inner},
        "instant_actions": {"actions": draw(actions)},
        "scheduled_actions": groups or None,
    } | draw(st.sampled_from([{}, {"id": "4876876000016390025"}]))


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Makes a rule with any documented trigger, criteria, actions and delays."""
    module = draw(st.sampled_from(MODULES))
    kind = draw(st.sampled_from(TRIGGERS))
    details: dict[str, Any] = {"trigger_module": {"api_name": module}}
    if kind == "field_update":
        details |= {"criteria": draw(criteria), "repeat": draw(st.booleans()), "match_all": draw(st.booleans())}
    return {
        "name": draw(names),
        "module": _named(module, draw(st.none() | ids)),
        "execute_when": {"type": kind, "details": details},
        "conditions": [draw(condition(place, module)) for place in range(1, draw(st.integers(1, 3)) + 1)],
    } | draw(st.sampled_from([{}, {"description": None}, {"status": {"active": False}}]))
