"""Holds the words for Zoho's triggers, comparators, values, actions and delays; each word stands for one spelling.

What is not in these tables is shown as Zoho's word, in quotes.
Source: docs/reference/zoho-crm.md, "Workflow rules" and "Words of workflow rules".
"""

from __future__ import annotations

from typing import NamedTuple

ZOHOS_WORD = "Zoho's word"


class Words(NamedTuple):
    """Holds two ways to say one thing: as a name of its kind in lists and filters, and within a sentence."""

    name: str
    phrase: str


_CALLS = {"scheduled": "scheduled call", "outgoing": "outgoing call", "incoming": "incoming call"}
_CALL_EVENTS = {
    "ring": ("rings", "ringing"),
    "start": ("starts", "started"),
    "edit": ("is edited", "edited"),
    "createedit": ("is created or edited", "created or edited"),
    "field_update": ("has a field updated", "field updated"),
    "section_update": ("has a section updated", "section updated"),
}

# The phrase follows its subject: "a Deal", "a Lead".
TRIGGERS: dict[str, Words] = {
    "create": Words("Created", "is created"),
    "edit": Words("Edited", "is edited"),
    "create_or_edit": Words("Created or edited", "is created or edited"),
    "delete": Words("Deleted", "is deleted"),
    "field_update": Words("Field updated", "has fields updated"),
    "section_update": Words("Section updated", "has a section updated"),
    "rollup_summary_update": Words("Roll-up summary updated", "has a roll-up summary updated"),
    "date_or_datetime": Words("Date reached", "reaches a date"),
    "score_increase": Words("Score risen", "has its score raised"),
    "score_update": Words("Score changed", "has its score changed"),
    "score_decrease": Words("Score fallen", "has its score lowered"),
    "recommendation": Words("Recommendation", "gets a recommendation"),
    "recommendation_rebuy": Words("Recommendation to buy again", "gets a recommendation to buy again"),
    "reschedule": Words("Rescheduled", "is rescheduled"),
    "cancel": Words("Cancelled", "is cancelled"),
    "overdue": Words("Overdue", "is overdue"),
    "reassign": Words("Reassigned", "is reassigned"),
    "marked_as_complete": Words("Marked as complete", "is marked as complete"),
    "anyaction": Words("Any action", "has anything done with it"),
    "missed_call": Words("Call missed", "has a call missed"),
    "email_received": Words("Mail received", "sends a mail"),
    "email_received_notreplied": Words("Mail received, not answered", "sends a mail that is not answered"),
    "email_received_opened_notreplied": Words(
        "Mail received, opened, not answered", "sends a mail that is opened and not answered"
    ),
    "mail_sent": Words("Mail sent", "is sent a mail"),
    "mail_sent_clicked": Words("Link of a mail clicked", "clicks a link of a mail"),
    "mail_sent_replied": Words("Mail answered", "answers a mail"),
    "mail_sent_replied_within": Words("Mail answered in time", "answers a mail in time"),
    "mail_sent_opened": Words("Mail opened", "opens a mail"),
    "mail_sent_notopened": Words("Mail not opened", "does not open a mail"),
    "mail_sent_notreplied": Words("Mail not answered", "does not answer a mail"),
    "mail_sent_opened_notreplied": Words("Mail opened, not answered", "opens a mail and does not answer it"),
    "mail_sent_bounced": Words("Mail bounced", "has a mail sent to it bounce"),
    # Two that only the descriptions before the current one have.
    "mail_bounced": Words("Mail bounce", "has a mail bounce"),
    "mail_opened": Words("Opening of a mail", "has a mail opened"),
    "fb_post_on_page": Words("Facebook post", "posts on the Facebook page"),
    "fb_comment_on_page": Words("Facebook comment", "comments on the Facebook page"),
    "fb_like_on_post": Words("Facebook like", "likes a Facebook post"),
    "fb_send_message": Words("Facebook message", "sends a Facebook message"),
    "tw_mention_on": Words("Mentioned on Twitter", "mentions the Twitter account"),
    "tw_retweet_on_tweet": Words("Retweet", "retweets a tweet"),
    "tw_comment_on_tweet": Words("Comment on a tweet", "comments on a tweet"),
    "tw_send_message": Words("Twitter message", "sends a Twitter message"),
    **{
        f"{which}_call_{event}": Words(
            f"{call.capitalize()} {name}", f"has {'an' if call[0] in 'io' else 'a'} {call} that {verb}"
        )
        for which, call in _CALLS.items()
        for event, (verb, name) in _CALL_EVENTS.items()
    },
}

COMPARATORS: dict[str, str] = {
    "equal": "is",
    "not_equal": "is not",
    "greater_than": ">",
    "greater_equal": "≥",
    "less_than": "<",
    "less_equal": "≤",
    "in": "is one of",
    "not_in": "is none of",
    "between": "is between",
    "not_between": "is not between",
    "contains": "contains",
    "not_contains": "does not contain",
    "starts_with": "starts with",
    "not_starts_with": "does not start with",
    "ends_with": "ends with",
    "not_ends_with": "does not end with",
    "like": "is like",
    "not_like": "is not like",
}
# Numbers beside them are written in groups of three.
SIZES = frozenset({"greater_than", "greater_equal", "less_than", "less_equal", "between", "not_between"})

# What Zoho writes as `${…}` in the place of a value.
VALUES: dict[str, str] = {
    "EMPTY": "empty",
    "NOTEMPTY": "filled",
    "ANYVALUE": "any value",
    "TODAY": "today",
    "TOMORROW": "tomorrow",
    "YESTERDAY": "yesterday",
    "CURRENTTIME": "now",
    "CURRENTUSER": "the current user",
    "AGEINDAYS": "the age in days",
    "DUEINDAYS": "the days until due",
}

ACTIONS: dict[str, Words] = {
    "email_notifications": Words("Mail", "mail"),
    "field_updates": Words("Field update", "update the field of"),
    "tasks": Words("Task", "task"),
    "webhooks": Words("Webhook", "webhook"),
    "functions": Words("Function", "function"),
    "add_tags": Words("Add tags", "add tags"),
    "remove_tags": Words("Remove tags", "remove tags"),
    "assign_owner": Words("Assign owner", "assign the owner"),
    "create_record": Words("Create record", "create the record"),
    "create_connected_record": Words("Create connected record", "create the connected record"),
    "add_meeting": Words("Meeting", "meeting"),
    "schedule_call": Words("Call", "call"),
    "convert": Words("Convert", "convert"),
    "flow": Words("Flow", "start the flow"),
    "circuits": Words("Circuit", "start the circuit"),
    "chat_notifications": Words("Chat message", "chat message"),
    "social_actions": Words("Social action", "social action"),
}

PERIODS: dict[str, tuple[str, str]] = {
    "minutes": ("minute", "minutes"),
    "hours": ("hour", "hours"),
    "days": ("day", "days"),
    "business_days": ("business day", "business days"),
    "weeks": ("week", "weeks"),
    "months": ("month", "months"),
    "years": ("year", "years"),
}

MODULES: dict[str, str] = {
    "Leads": "a Lead",
    "Contacts": "a Contact",
    "Accounts": "an Account",
    "Deals": "a Deal",
    "Tasks": "a Task",
    "Events": "a Meeting",
    "Calls": "a Call",
    "Products": "a Product",
    "Quotes": "a Quote",
    "Sales_Orders": "a Sales Order",
    "Purchase_Orders": "a Purchase Order",
    "Invoices": "an Invoice",
    "Campaigns": "a Campaign",
    "Cases": "a Case",
    "Vendors": "a Vendor",
    "Price_Books": "a Price Book",
    "Solutions": "a Solution",
    "Notes": "a Note",
    "Appointments__s": "an Appointment",
}


def trigger_name(kind: str) -> str:
    """Names a kind of trigger for lists and filters.

    Args:
        kind: as Zoho spells it.

    Returns:
        "" where none is known; an unknown one as Zoho's word.
    """
    return _named(TRIGGERS, kind)


def action_name(kind: str) -> str:
    """Names a kind of action for lists and filters.

    Args:
        kind: as Zoho spells it.

    Returns:
        "" where none is known; an unknown one as Zoho's word.
    """
    return _named(ACTIONS, kind)


def module_name(module: str) -> str:
    """Names a module for people: `Sales_Orders` as "Sales Orders".

    Args:
        module: its API name.
    """
    return module.removesuffix("__s").removesuffix("__c").replace("_", " ")


def _named(table: dict[str, Words], kind: str) -> str:
    if not kind:
        return ""
    words = table.get(kind)
    return words.name if words else f"{ZOHOS_WORD}: “{kind}”"
