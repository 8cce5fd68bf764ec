"""Holds the words for Zoho's triggers, comparators, values, actions and delays; each word stands for one spelling.

What is not in these tables is shown as Zoho's word, in quotes.
Source: docs/reference/zoho-crm.md, "Workflow rules" and "Words of workflow rules".
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.languages import gettext as _
from monitor.languages import gettext_noop

ZOHOS_WORD = gettext_noop("Zoho's word")


class Words(NamedTuple):
    """Holds two ways to say one thing: as a name of its kind in lists and filters, and within a sentence."""

    name: str
    phrase: str


_CALLS = {"scheduled": "scheduled call", "outgoing": "outgoing call", "incoming": "incoming call"}
# What happens to a call within a sentence, and the names of it for each of `_CALLS`.
_CALL_EVENTS = {
    "ring": (
        "rings",
        (
            gettext_noop("Scheduled call ringing"),
            gettext_noop("Outgoing call ringing"),
            gettext_noop("Incoming call ringing"),
        ),
    ),
    "start": (
        "starts",
        (
            gettext_noop("Scheduled call started"),
            gettext_noop("Outgoing call started"),
            gettext_noop("Incoming call started"),
        ),
    ),
    "edit": (
        "is edited",
        (
            gettext_noop("Scheduled call edited"),
            gettext_noop("Outgoing call edited"),
            gettext_noop("Incoming call edited"),
        ),
    ),
    "createedit": (
        "is created or edited",
        (
            gettext_noop("Scheduled call created or edited"),
            gettext_noop("Outgoing call created or edited"),
            gettext_noop("Incoming call created or edited"),
        ),
    ),
    "field_update": (
        "has a field updated",
        (
            gettext_noop("Scheduled call field updated"),
            gettext_noop("Outgoing call field updated"),
            gettext_noop("Incoming call field updated"),
        ),
    ),
    "section_update": (
        "has a section updated",
        (
            gettext_noop("Scheduled call section updated"),
            gettext_noop("Outgoing call section updated"),
            gettext_noop("Incoming call section updated"),
        ),
    ),
}

# The phrase follows its subject: "a Deal", "a Lead".
TRIGGERS: dict[str, Words] = {
    "create": Words(gettext_noop("Created"), "is created"),
    "edit": Words(gettext_noop("Edited"), "is edited"),
    "create_or_edit": Words(gettext_noop("Created or edited"), "is created or edited"),
    "delete": Words(gettext_noop("Deleted"), "is deleted"),
    "field_update": Words(gettext_noop("Field updated"), "has fields updated"),
    "section_update": Words(gettext_noop("Section updated"), "has a section updated"),
    "rollup_summary_update": Words(gettext_noop("Roll-up summary updated"), "has a roll-up summary updated"),
    "date_or_datetime": Words(gettext_noop("Date reached"), "reaches a date"),
    "score_increase": Words(gettext_noop("Score risen"), "has its score raised"),
    "score_update": Words(gettext_noop("Score changed"), "has its score changed"),
    "score_decrease": Words(gettext_noop("Score fallen"), "has its score lowered"),
    "recommendation": Words(gettext_noop("Recommendation"), "gets a recommendation"),
    "recommendation_rebuy": Words(gettext_noop("Recommendation to buy again"), "gets a recommendation to buy again"),
    "reschedule": Words(gettext_noop("Rescheduled"), "is rescheduled"),
    "cancel": Words(gettext_noop("Cancelled"), "is cancelled"),
    "overdue": Words(gettext_noop("Overdue"), "is overdue"),
    "reassign": Words(gettext_noop("Reassigned"), "is reassigned"),
    "marked_as_complete": Words(gettext_noop("Marked as complete"), "is marked as complete"),
    "anyaction": Words(gettext_noop("Any action"), "has anything done with it"),
    "missed_call": Words(gettext_noop("Call missed"), "has a call missed"),
    "email_received": Words(gettext_noop("Mail received"), "sends a mail"),
    "email_received_notreplied": Words(
        gettext_noop("Mail received, not answered"), "sends a mail that is not answered"
    ),
    "email_received_opened_notreplied": Words(
        gettext_noop("Mail received, opened, not answered"), "sends a mail that is opened and not answered"
    ),
    "mail_sent": Words(gettext_noop("Mail sent"), "is sent a mail"),
    "mail_sent_clicked": Words(gettext_noop("Link of a mail clicked"), "clicks a link of a mail"),
    "mail_sent_replied": Words(gettext_noop("Mail answered"), "answers a mail"),
    "mail_sent_replied_within": Words(gettext_noop("Mail answered in time"), "answers a mail in time"),
    "mail_sent_opened": Words(gettext_noop("Mail opened"), "opens a mail"),
    "mail_sent_notopened": Words(gettext_noop("Mail not opened"), "does not open a mail"),
    "mail_sent_notreplied": Words(gettext_noop("Mail not answered"), "does not answer a mail"),
    "mail_sent_opened_notreplied": Words(
        gettext_noop("Mail opened, not answered"), "opens a mail and does not answer it"
    ),
    "mail_sent_bounced": Words(gettext_noop("Mail bounced"), "has a mail sent to it bounce"),
    # Two that only the descriptions before the current one have.
    "mail_bounced": Words(gettext_noop("Mail bounce"), "has a mail bounce"),
    "mail_opened": Words(gettext_noop("Opening of a mail"), "has a mail opened"),
    "fb_post_on_page": Words(gettext_noop("Facebook post"), "posts on the Facebook page"),
    "fb_comment_on_page": Words(gettext_noop("Facebook comment"), "comments on the Facebook page"),
    "fb_like_on_post": Words(gettext_noop("Facebook like"), "likes a Facebook post"),
    "fb_send_message": Words(gettext_noop("Facebook message"), "sends a Facebook message"),
    "tw_mention_on": Words(gettext_noop("Mentioned on Twitter"), "mentions the Twitter account"),
    "tw_retweet_on_tweet": Words(gettext_noop("Retweet"), "retweets a tweet"),
    "tw_comment_on_tweet": Words(gettext_noop("Comment on a tweet"), "comments on a tweet"),
    "tw_send_message": Words(gettext_noop("Twitter message"), "sends a Twitter message"),
    **{
        f"{which}_call_{event}": Words(name, f"has {'an' if call[0] in 'io' else 'a'} {call} that {verb}")
        for event, (verb, names) in _CALL_EVENTS.items()
        for (which, call), name in zip(_CALLS.items(), names, strict=True)
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
    "email_notifications": Words(gettext_noop("Mail"), "mail"),
    "field_updates": Words(gettext_noop("Field update"), "update the field of"),
    "tasks": Words(gettext_noop("Task"), "task"),
    "webhooks": Words(gettext_noop("Webhook"), "webhook"),
    "functions": Words(gettext_noop("Function"), "function"),
    "add_tags": Words(gettext_noop("Add tags"), "add tags"),
    "remove_tags": Words(gettext_noop("Remove tags"), "remove tags"),
    "assign_owner": Words(gettext_noop("Assign owner"), "assign the owner"),
    "create_record": Words(gettext_noop("Create record"), "create the record"),
    "create_connected_record": Words(gettext_noop("Create connected record"), "create the connected record"),
    "add_meeting": Words(gettext_noop("Meeting"), "meeting"),
    "schedule_call": Words(gettext_noop("Call"), "call"),
    "convert": Words(gettext_noop("Convert"), "convert"),
    "flow": Words(gettext_noop("Flow"), "start the flow"),
    "circuits": Words(gettext_noop("Circuit"), "start the circuit"),
    "chat_notifications": Words(gettext_noop("Chat message"), "chat message"),
    "social_actions": Words(gettext_noop("Social action"), "social action"),
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
    return _(words.name) if words else zohos_word(kind)


def zohos_word(word: str) -> str:
    """Says of a word that it is Zoho's, and has none of ours.

    Args:
        word: as it is shown.
    """
    return f"{_(ZOHOS_WORD)}: “{word}”"
