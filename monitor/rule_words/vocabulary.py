"""Holds the words for Zoho's triggers, comparators, values, actions and delays; each word stands for one spelling.

What is not in these tables is shown as Zoho's word, in quotes.
Source: docs/reference/zoho-crm.md, "Workflow rules" and "Words of workflow rules".
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.languages import gettext as _
from monitor.languages import gettext_noop, ngettext_noop

ZOHOS_WORD = gettext_noop("Zoho's word")


class Words(NamedTuple):
    """Holds two ways to say one thing: as a name of its kind in lists and filters, and within a sentence."""

    name: str
    phrase: str


# Of calls: the name of each event, and its phrase.
_OF_CALLS: dict[str, Words] = {
    "scheduled_call_ring": Words(
        gettext_noop("Scheduled call ringing"), gettext_noop("has a scheduled call that rings")
    ),
    "scheduled_call_start": Words(
        gettext_noop("Scheduled call started"), gettext_noop("has a scheduled call that starts")
    ),
    "scheduled_call_edit": Words(
        gettext_noop("Scheduled call edited"), gettext_noop("has a scheduled call that is edited")
    ),
    "scheduled_call_createedit": Words(
        gettext_noop("Scheduled call created or edited"), gettext_noop("has a scheduled call that is created or edited")
    ),
    "scheduled_call_field_update": Words(
        gettext_noop("Scheduled call field updated"), gettext_noop("has a scheduled call that has a field updated")
    ),
    "scheduled_call_section_update": Words(
        gettext_noop("Scheduled call section updated"), gettext_noop("has a scheduled call that has a section updated")
    ),
    "outgoing_call_ring": Words(gettext_noop("Outgoing call ringing"), gettext_noop("has an outgoing call that rings")),
    "outgoing_call_start": Words(
        gettext_noop("Outgoing call started"), gettext_noop("has an outgoing call that starts")
    ),
    "outgoing_call_edit": Words(
        gettext_noop("Outgoing call edited"), gettext_noop("has an outgoing call that is edited")
    ),
    "outgoing_call_createedit": Words(
        gettext_noop("Outgoing call created or edited"), gettext_noop("has an outgoing call that is created or edited")
    ),
    "outgoing_call_field_update": Words(
        gettext_noop("Outgoing call field updated"), gettext_noop("has an outgoing call that has a field updated")
    ),
    "outgoing_call_section_update": Words(
        gettext_noop("Outgoing call section updated"), gettext_noop("has an outgoing call that has a section updated")
    ),
    "incoming_call_ring": Words(gettext_noop("Incoming call ringing"), gettext_noop("has an incoming call that rings")),
    "incoming_call_start": Words(
        gettext_noop("Incoming call started"), gettext_noop("has an incoming call that starts")
    ),
    "incoming_call_edit": Words(
        gettext_noop("Incoming call edited"), gettext_noop("has an incoming call that is edited")
    ),
    "incoming_call_createedit": Words(
        gettext_noop("Incoming call created or edited"), gettext_noop("has an incoming call that is created or edited")
    ),
    "incoming_call_field_update": Words(
        gettext_noop("Incoming call field updated"), gettext_noop("has an incoming call that has a field updated")
    ),
    "incoming_call_section_update": Words(
        gettext_noop("Incoming call section updated"), gettext_noop("has an incoming call that has a section updated")
    ),
}

# The phrase follows its subject: "a Deal", "a Lead".
TRIGGERS: dict[str, Words] = {
    "create": Words(gettext_noop("Created"), gettext_noop("is created")),
    "edit": Words(gettext_noop("Edited"), gettext_noop("is edited")),
    "create_or_edit": Words(gettext_noop("Created or edited"), gettext_noop("is created or edited")),
    "delete": Words(gettext_noop("Deleted"), gettext_noop("is deleted")),
    "field_update": Words(gettext_noop("Field updated"), gettext_noop("has fields updated")),
    "section_update": Words(gettext_noop("Section updated"), gettext_noop("has a section updated")),
    "rollup_summary_update": Words(
        gettext_noop("Roll-up summary updated"), gettext_noop("has a roll-up summary updated")
    ),
    "date_or_datetime": Words(gettext_noop("Date reached"), gettext_noop("reaches a date")),
    "score_increase": Words(gettext_noop("Score risen"), gettext_noop("has its score raised")),
    "score_update": Words(gettext_noop("Score changed"), gettext_noop("has its score changed")),
    "score_decrease": Words(gettext_noop("Score fallen"), gettext_noop("has its score lowered")),
    "recommendation": Words(gettext_noop("Recommendation"), gettext_noop("gets a recommendation")),
    "recommendation_rebuy": Words(
        gettext_noop("Recommendation to buy again"), gettext_noop("gets a recommendation to buy again")
    ),
    "reschedule": Words(gettext_noop("Rescheduled"), gettext_noop("is rescheduled")),
    "cancel": Words(gettext_noop("Cancelled"), gettext_noop("is cancelled")),
    "overdue": Words(gettext_noop("Overdue"), gettext_noop("is overdue")),
    "reassign": Words(gettext_noop("Reassigned"), gettext_noop("is reassigned")),
    "marked_as_complete": Words(gettext_noop("Marked as complete"), gettext_noop("is marked as complete")),
    "anyaction": Words(gettext_noop("Any action"), gettext_noop("has anything done with it")),
    "missed_call": Words(gettext_noop("Call missed"), gettext_noop("has a call missed")),
    "email_received": Words(gettext_noop("Mail received"), gettext_noop("sends a mail")),
    "email_received_notreplied": Words(
        gettext_noop("Mail received, not answered"), gettext_noop("sends a mail that is not answered")
    ),
    "email_received_opened_notreplied": Words(
        gettext_noop("Mail received, opened, not answered"),
        gettext_noop("sends a mail that is opened and not answered"),
    ),
    "mail_sent": Words(gettext_noop("Mail sent"), gettext_noop("is sent a mail")),
    "mail_sent_clicked": Words(gettext_noop("Link of a mail clicked"), gettext_noop("clicks a link of a mail")),
    "mail_sent_replied": Words(gettext_noop("Mail answered"), gettext_noop("answers a mail")),
    "mail_sent_replied_within": Words(gettext_noop("Mail answered in time"), gettext_noop("answers a mail in time")),
    "mail_sent_opened": Words(gettext_noop("Mail opened"), gettext_noop("opens a mail")),
    "mail_sent_notopened": Words(gettext_noop("Mail not opened"), gettext_noop("does not open a mail")),
    "mail_sent_notreplied": Words(gettext_noop("Mail not answered"), gettext_noop("does not answer a mail")),
    "mail_sent_opened_notreplied": Words(
        gettext_noop("Mail opened, not answered"), gettext_noop("opens a mail and does not answer it")
    ),
    "mail_sent_bounced": Words(gettext_noop("Mail bounced"), gettext_noop("has a mail sent to it bounce")),
    # Two that only the descriptions before the current one have.
    "mail_bounced": Words(gettext_noop("Mail bounce"), gettext_noop("has a mail bounce")),
    "mail_opened": Words(gettext_noop("Opening of a mail"), gettext_noop("has a mail opened")),
    "fb_post_on_page": Words(gettext_noop("Facebook post"), gettext_noop("posts on the Facebook page")),
    "fb_comment_on_page": Words(gettext_noop("Facebook comment"), gettext_noop("comments on the Facebook page")),
    "fb_like_on_post": Words(gettext_noop("Facebook like"), gettext_noop("likes a Facebook post")),
    "fb_send_message": Words(gettext_noop("Facebook message"), gettext_noop("sends a Facebook message")),
    "tw_mention_on": Words(gettext_noop("Mentioned on Twitter"), gettext_noop("mentions the Twitter account")),
    "tw_retweet_on_tweet": Words(gettext_noop("Retweet"), gettext_noop("retweets a tweet")),
    "tw_comment_on_tweet": Words(gettext_noop("Comment on a tweet"), gettext_noop("comments on a tweet")),
    "tw_send_message": Words(gettext_noop("Twitter message"), gettext_noop("sends a Twitter message")),
    **_OF_CALLS,
}

COMPARATORS: dict[str, str] = {
    "equal": gettext_noop("is"),
    "not_equal": gettext_noop("is not"),
    "greater_than": ">",
    "greater_equal": "≥",
    "less_than": "<",
    "less_equal": "≤",
    "in": gettext_noop("is one of"),
    "not_in": gettext_noop("is none of"),
    "between": gettext_noop("is between"),
    "not_between": gettext_noop("is not between"),
    "contains": gettext_noop("contains"),
    "not_contains": gettext_noop("does not contain"),
    "starts_with": gettext_noop("starts with"),
    "not_starts_with": gettext_noop("does not start with"),
    "ends_with": gettext_noop("ends with"),
    "not_ends_with": gettext_noop("does not end with"),
    "like": gettext_noop("is like"),
    "not_like": gettext_noop("is not like"),
}
# Numbers beside them are written in groups of three.
SIZES = frozenset({"greater_than", "greater_equal", "less_than", "less_equal", "between", "not_between"})

# What Zoho writes as `${…}` in the place of a value.
VALUES: dict[str, str] = {
    "EMPTY": gettext_noop("empty"),
    "NOTEMPTY": gettext_noop("filled"),
    "ANYVALUE": gettext_noop("any value"),
    "TODAY": gettext_noop("today"),
    "TOMORROW": gettext_noop("tomorrow"),
    "YESTERDAY": gettext_noop("yesterday"),
    "CURRENTTIME": gettext_noop("now"),
    "CURRENTUSER": gettext_noop("the current user"),
    "AGEINDAYS": gettext_noop("the age in days"),
    "DUEINDAYS": gettext_noop("the days until due"),
}

ACTIONS: dict[str, Words] = {
    "email_notifications": Words(gettext_noop("Mail"), gettext_noop("mail")),
    "field_updates": Words(gettext_noop("Field update"), gettext_noop("update the field of")),
    "tasks": Words(gettext_noop("Task"), gettext_noop("task")),
    "webhooks": Words(gettext_noop("Webhook"), gettext_noop("webhook")),
    "functions": Words(gettext_noop("Function"), gettext_noop("function")),
    "add_tags": Words(gettext_noop("Add tags"), gettext_noop("add tags")),
    "remove_tags": Words(gettext_noop("Remove tags"), gettext_noop("remove tags")),
    "assign_owner": Words(gettext_noop("Assign owner"), gettext_noop("assign the owner")),
    "create_record": Words(gettext_noop("Create record"), gettext_noop("create the record")),
    "create_connected_record": Words(
        gettext_noop("Create connected record"), gettext_noop("create the connected record")
    ),
    "add_meeting": Words(gettext_noop("Meeting"), gettext_noop("meeting")),
    "schedule_call": Words(gettext_noop("Call"), gettext_noop("call")),
    "convert": Words(gettext_noop("Convert"), gettext_noop("convert")),
    "flow": Words(gettext_noop("Flow"), gettext_noop("start the flow")),
    "circuits": Words(gettext_noop("Circuit"), gettext_noop("start the circuit")),
    "chat_notifications": Words(gettext_noop("Chat message"), gettext_noop("chat message")),
    "social_actions": Words(gettext_noop("Social action"), gettext_noop("social action")),
}

PERIODS: dict[str, tuple[str, str]] = {
    "minutes": ngettext_noop("minute", "minutes"),
    "hours": ngettext_noop("hour", "hours"),
    "days": ngettext_noop("day", "days"),
    "business_days": ngettext_noop("business day", "business days"),
    "weeks": ngettext_noop("week", "weeks"),
    "months": ngettext_noop("month", "months"),
    "years": ngettext_noop("year", "years"),
}

# How long it is until something is done.
AFTER: dict[str, tuple[str, str]] = {
    "minutes": ngettext_noop("after %(n)s minute", "after %(n)s minutes"),
    "hours": ngettext_noop("after %(n)s hour", "after %(n)s hours"),
    "days": ngettext_noop("after %(n)s day", "after %(n)s days"),
    "business_days": ngettext_noop("after %(n)s business day", "after %(n)s business days"),
    "weeks": ngettext_noop("after %(n)s week", "after %(n)s weeks"),
    "months": ngettext_noop("after %(n)s month", "after %(n)s months"),
    "years": ngettext_noop("after %(n)s year", "after %(n)s years"),
}

MODULES: dict[str, str] = {
    "Leads": gettext_noop("a Lead"),
    "Contacts": gettext_noop("a Contact"),
    "Accounts": gettext_noop("an Account"),
    "Deals": gettext_noop("a Deal"),
    "Tasks": gettext_noop("a Task"),
    "Events": gettext_noop("a Meeting"),
    "Calls": gettext_noop("a Call"),
    "Products": gettext_noop("a Product"),
    "Quotes": gettext_noop("a Quote"),
    "Sales_Orders": gettext_noop("a Sales Order"),
    "Purchase_Orders": gettext_noop("a Purchase Order"),
    "Invoices": gettext_noop("an Invoice"),
    "Campaigns": gettext_noop("a Campaign"),
    "Cases": gettext_noop("a Case"),
    "Vendors": gettext_noop("a Vendor"),
    "Price_Books": gettext_noop("a Price Book"),
    "Solutions": gettext_noop("a Solution"),
    "Notes": gettext_noop("a Note"),
    "Appointments__s": gettext_noop("an Appointment"),
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
