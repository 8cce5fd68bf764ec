"""Lists the workflow rules that the invented organisation has.

Twelve are what organisations have; the demo's has the others, too, each with something that an audit finds.
"""

from dataclasses import dataclass
from typing import Any

ActionSpec = tuple[str, str]  # type, name
Criterion = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RuleTemplate:
    """Holds one rule: `per_day` runs on a working day, 0 for a rule that never ran.

    Attributes:
        becomes: the criterion of a trigger of changed fields.
        criteria: of which records it does something; None for all.
        delay: until the scheduled actions run, as Zoho counts it.
    """

    name: str
    module: str
    trigger: str
    actions: tuple[ActionSpec, ...]
    scheduled: tuple[ActionSpec, ...]
    per_day: float
    active: bool = True
    failing: float = 0.0
    becomes: Criterion | None = None
    criteria: Criterion | None = None
    delay: tuple[str, int] = ("days", 7)


def where(field: str, comparator: str, value: str | list[str]) -> Criterion:
    """Returns one comparison, as Zoho spells it."""
    return {"comparator": comparator, "field": {"api_name": field}, "type": "value", "value": value}


def every(*parts: Criterion) -> Criterion:
    """Returns criteria all of which must hold."""
    return {"group_operator": "AND", "group": [*parts]}


def either(*parts: Criterion) -> Criterion:
    """Returns criteria one of which must hold."""
    return {"group_operator": "OR", "group": [*parts]}


T = RuleTemplate
IN_TALKS, LOST, WON = "Negotiation/Review", "Closed Lost", "Closed Won"
RULES = (
    T("High value lead alert", "Leads", "create",
      (("email_notifications", "High revenue lead added"), ("assign_owner", "To user: Marta Ops")), (), 9,
      criteria=every(where("Annual_Revenue", "greater_equal", "1000000"),
                     either(where("Lead_Source", "equal", "Referral"), where("Lead_Source", "equal", "Partner"),
                            every(where("Lead_Source", "equal", "Website"),
                                  where("Annual_Revenue", "greater_than", "5000000"))))),
    T("Deal won hand-over", "Deals", "field_update",
      (("webhooks", "Tell the ERP"), ("tasks", "Prepare kick-off"), ("email_notifications", "Deal won")),
      (("email_notifications", "How did we do?"),), 4, failing=0.06,
      becomes=where("Stage", "equal", WON), criteria=where("Amount", "greater_equal", "10000")),
    # No amount of the organisation's is above it; half of them are above 300,000.
    T("Big deal to management", "Deals", "create_or_edit", (("email_notifications", "Big deal"),), (), 0,
      criteria=every(where("Amount", "greater_than", "600000"), where("Stage", "equal", IN_TALKS))),
    T("Lost deal feedback", "Deals", "field_update", (("add_tags", "Lost"), ("tasks", "Ask for feedback")),
      (("tasks", "Re-engage"),), 3, delay=("business_days", 30),
      becomes=where("Stage", "equal", LOST), criteria=where("Amount", "greater_equal", "30000")),
    T("Contact enrichment", "Contacts", "create", (("functions", "Enrich contact"),), (), 14, failing=0.02,
      criteria=where("Email", "not_equal", "${EMPTY}")),
    T("Stale lead reminder", "Leads", "date_or_datetime", (("email_notifications", "Lead is getting cold"),), (), 6),
    T("Case escalation", "Cases", "edit", (("assign_owner", "To support lead"), ("webhooks", "Page on-call")), (), 2,
      failing=0.03, criteria=where("Status", "equal", "Open")),
    T("Quote approval mail", "Quotes", "edit", (("email_notifications", "Quote waits"),), (), 5,
      criteria=where("Status", "not_equal", "Closed")),
    T("Old import clean-up", "Leads", "edit", (("remove_tags", "Imported"),), (), 0, active=False,
      criteria=where("Lead_Source", "in", ["Trade show", "Advertisement"])),
    T("Invoice overdue task", "Invoices", "date_or_datetime", (("tasks", "Call the customer"),), (), 3,
      criteria=where("Status", "equal", "Open")),
    T("Lead score jump", "Leads", "score_increase", (("email_notifications", "Hot lead"), ("flow", "Lead routing")),
      (), 1.5),
    T("Bounced mail tag", "Contacts", "mail_bounced", (("add_tags", "Bounced"),), (), 0),
    # The narrower of two that write the same field of the same deals, and share a mail.
    T("Reopen large lost deals", "Deals", "edit",
      (("field_updates", "Back to talks"), ("email_notifications", "Deal reopened")), (), 1,
      criteria=every(where("Stage", "equal", LOST), where("Amount", "greater_equal", "100000"))),
    T("Reopen lost deals", "Deals", "edit",
      (("field_updates", "Back to the start"), ("email_notifications", "Deal reopened")), (), 1,
      criteria=every(where("Stage", "equal", LOST), where("Amount", "greater_equal", "50000"))),
    # What "Back to talks" writes starts it, and what it writes starts that again.
    T("Give up stalled talks", "Deals", "edit", (("field_updates", "Lose it"),), (("tasks", "Say why it was lost"),), 1,
      criteria=every(where("Stage", "equal", IN_TALKS), where("Closing_Date", "less_than", "${TODAY}")),
      delay=("hours", 4)),
    # Nobody answers there any more.
    T("Book the invoice", "Invoices", "create", (("webhooks", "Book in the old ERP"),), (), 3, failing=1.0,
      criteria=where("Status", "equal", "Open")),
    # An owner cannot be assigned to what is deleted.
    T("Deleted lead to the desk", "Leads", "delete",
      (("assign_owner", "To user: Marta Ops"), ("email_notifications", "A lead was deleted")), (), 0.5),
)  # fmt: skip
# What field updates write.
WRITES = {
    "Back to talks": ("Stage", IN_TALKS),
    "Back to the start": ("Stage", "Qualification"),
    "Lose it": ("Stage", LOST),
}
USUAL_ADDRESS = "https://erp.example.com/hook"
ADDRESSES = {
    "Book in the old ERP": "https://old-erp.example.com/book",
    "Page on-call": "https://oncall.example.com/page",
}
MODULES = ("Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls", "Products", "Quotes", "Sales_Orders",
           "Purchase_Orders", "Invoices", "Campaigns", "Cases", "Vendors", "Solutions")  # fmt: skip
TRIGGERS = (
    "create", "delete", "edit", "create_or_edit", "field_update", "section_update", "date_or_datetime", "missed_call",
    "score_increase", "score_update", "score_decrease", "rollup_summary_update", "recommendation",
    "recommendation_rebuy", "reschedule", "cancel", "overdue", "reassign", "marked_as_complete", "anyaction",
    "email_received", "mail_sent", "mail_bounced", "mail_opened",
)  # fmt: skip
# What record triggers allow: docs/reference/zoho-crm.md, "Workflow rules".
ACTION_TYPES = (
    "field_updates", "assign_owner", "add_tags", "remove_tags", "email_notifications", "tasks", "create_record",
    "create_connected_record", "add_meeting", "webhooks", "functions", "circuits", "flow",
)  # fmt: skip
