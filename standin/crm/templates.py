"""Lists the workflow rules that the invented organisation has."""

from dataclasses import dataclass

ActionSpec = tuple[str, str]  # type, name


@dataclass(frozen=True, slots=True)
class RuleTemplate:
    """Holds one rule: `per_day` runs on a working day, 0 for a rule that never ran."""

    name: str
    module: str
    trigger: str
    actions: tuple[ActionSpec, ...]
    scheduled: tuple[ActionSpec, ...]
    per_day: float
    active: bool = True
    failing: float = 0.0


T = RuleTemplate
RULES = (
    T("High value lead alert", "Leads", "create",
      (("email_notifications", "High revenue lead added"), ("assign_owner", "To user: Marta Ops")), (), 9),
    T("Deal won hand-over", "Deals", "field_update",
      (("webhooks", "Tell the ERP"), ("tasks", "Prepare kick-off"), ("email_notifications", "Deal won")),
      (("email_notifications", "How did we do?"),), 4, failing=0.06),
    T("Big deal to management", "Deals", "create_or_edit", (("email_notifications", "Big deal"),), (), 0),
    T("Lost deal feedback", "Deals", "field_update", (("add_tags", "Lost"), ("tasks", "Ask for feedback")),
      (("tasks", "Re-engage"),), 3),
    T("Contact enrichment", "Contacts", "create", (("functions", "Enrich contact"),), (), 14, failing=0.02),
    T("Stale lead reminder", "Leads", "date_or_datetime", (("email_notifications", "Lead is getting cold"),), (), 6),
    T("Case escalation", "Cases", "edit", (("assign_owner", "To support lead"), ("webhooks", "Page on-call")), (), 2,
      failing=0.03),
    T("Quote approval mail", "Quotes", "edit", (("email_notifications", "Quote waits"),), (), 5),
    T("Old import clean-up", "Leads", "edit", (("remove_tags", "Imported"),), (), 0, active=False),
    T("Invoice overdue task", "Invoices", "date_or_datetime", (("tasks", "Call the customer"),), (), 3),
    T("Lead score jump", "Leads", "score_increase", (("email_notifications", "Hot lead"), ("flow", "Lead routing")),
      (), 1.5),
    T("Bounced mail tag", "Contacts", "mail_bounced", (("add_tags", "Bounced"),), (), 0),
)  # fmt: skip
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
