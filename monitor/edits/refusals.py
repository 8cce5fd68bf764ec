"""Turns each documented error of a change into a message and what to do about it. Pure.

Sources: docs/reference/edits.md, "Errors of changes"; docs/reference/zoho-crm.md, "Errors of CRM". A row of the very
subject comes before one for all, and one that names words or a place before one that names a code alone.
"""

from __future__ import annotations

from dataclasses import dataclass

CONNECTED, RULES, FLOWS, ANY = "connected_workflow", "rule", "flow", ""


@dataclass(frozen=True, slots=True)
class ChangeRefusal:
    """Describes a documented refusal.

    Attributes:
        subject: of `Edit.Subject`, or "" for all; the order of rules goes by "rule".
        code: Zoho's.
        says: words of Zoho's message, in lower case, that tell it from others of the code; "" for all others.
        place: the end of the place that Zoho objects to, such as "name"; "" for all others.
        message: what is wrong, for people.
        resolution: what to do about it.
    """

    subject: str
    code: str
    says: str
    place: str
    message: str
    resolution: str


def _row(subject: str, code: str, message: str, resolution: str, *, says: str = "", place: str = "") -> ChangeRefusal:
    return ChangeRefusal(subject, code, says, place, message, resolution)


_CONNECTED = (
    _row(CONNECTED, "FEATURE_NOT_SUPPORTED", "The edition of this account has no connected workflows.",
         "They come with the editions Standard, Professional, Enterprise and Ultimate."),
    _row(CONNECTED, "INVALID_REQUEST_METHOD", "Zoho does not take this kind of request here.",
         "It is a fault of this program, or Zoho has changed: do it in Zoho, and tell those who run this server."),
    _row(CONNECTED, "DUPLICATE_DATA", "There is a connected workflow of this name.",
         "Choose a name that no other one has."),
    _row(CONNECTED, "MANDATORY_NOT_FOUND", "Something that Zoho needs is missing.",
         "Zoho's words name the field: fill it in and send it again."),
    _row(CONNECTED, "INVALID_DATA", "Zoho does not know this module.",
         "Choose a module by its API name, as it stands in Zoho's settings.", says="module is invalid"),
    _row(CONNECTED, "INVALID_DATA", "Zoho does not know this module.",
         "Choose a module by its API name, as it stands in Zoho's settings.", place="primary_module"),
    _row(CONNECTED, "INVALID_DATA", "Some modules have more rules in it than Zoho allows.",
         "Take rules out of these modules, then activate it.", says="rule limit exceeded"),
    _row(CONNECTED, "INVALID_DATA", "It uses a module that is not supported, or is switched off.",
         "Take the module out of it in Zoho, or switch the module on.", says="unsupported module"),
    _row(CONNECTED, "INVALID_DATA", "The name is longer than 50 characters.",
         "Shorten the name to 50 characters.", says="maximum length"),
    _row(CONNECTED, "INVALID_DATA", "The name has signs that Zoho does not take.",
         "Use letters, digits, spaces and _ - \\ . | $ ? , ' / ! only.", says="regex"),
    _row(CONNECTED, "INVALID_DATA", "Zoho does not take this name.",
         "At most 50 characters: letters, digits, spaces and _ - \\ . | $ ? , ' / !.", place="name"),
    _row(CONNECTED, "INVALID_DATA", "Zoho does not take this description.",
         "At most 500 characters.", place="description"),
    _row(CONNECTED, "AMBIGUITY_DURING_PROCESSING", "The id and the API name are of two different modules.",
         "Give the module by one of them."),
    _row(CONNECTED, "EXPECTED_FIELD_MISSING", "The module is not named.",
         "Give the module's API name or its id."),
    _row(CONNECTED, "LIMIT_EXCEEDED",
         "No further one can be there: the edition's limit is reached, or the module has one.",
         "Choose another module, delete one that is not needed, or see Zoho's list of features."),
    _row(CONNECTED, "NO_PERMISSION", "The person who connected this account may not manage connected workflows.",
         "In Zoho, give their profile “Manage Automation” or “Manage Connected Workflows”, then do it again."),
    _row(CONNECTED, "NOT_ALLOWED", "Zoho does not allow this in the state that it is in.",
         "Look at it in Zoho: it may be in that state already, or locked."),
)  # fmt: skip
_RULES = (
    _row(RULES, "NO_PERMISSION", "The edition of this account has no workflow rules by API.",
         "They come with paid editions of Zoho CRM: see Zoho's list of features.", says="edition"),
    _row(RULES, "NO_PERMISSION", "The person who connected this account may not manage workflow rules.",
         "In Zoho, give their profile “Manage Workflow”, then do it again."),
    _row(RULES, "FEATURE_NOT_SUPPORTED", "The edition of this account does not have this.",
         "See Zoho's list of features, or leave this part out."),
    _row(RULES, "INVALID_MODULE", "Zoho does not know this module.",
         "Use the module's API name, as it stands in Zoho's settings."),
    _row(RULES, "DEPENDENT_FIELD_MISSING", "A field is missing that another one needs.",
         "Zoho's words name the place: add what belongs to it and send it again."),
    _row(RULES, "EXPECTED_FIELD_MISSING", "One of several fields is missing, of which Zoho needs at least one.",
         "Zoho's words name the place: give one of them, such as the id or the API name."),
    _row(RULES, "MANDATORY_NOT_FOUND", "Something that Zoho needs is missing.",
         "Zoho's words name the field: fill it in and send it again."),
    _row(RULES, "AMBIGUITY_DURING_PROCESSING", "Two details name different things.",
         "Where an id and a name are given for one thing, both must be of the same thing: give one of them."),
    _row(RULES, "LIMIT_EXCEEDED", "It is more than Zoho allows: of rules, conditions, actions or scheduled groups.",
         "At most 10 conditions, 5 instant actions and 5 scheduled groups each; the edition limits active rules, too."),
    _row(RULES, "LOOKUP_LIMIT_EXCEEDED", "The criteria look into more related modules than Zoho allows.",
         "Use fewer criteria about related records."),
    _row(RULES, "ALREADY_USED", "There is a rule of this name, or the place in the order is taken.",
         "Choose another name or place."),
    _row(RULES, "DUPLICATE_DATA", "There is a rule of this name.", "Choose a name that no other rule has."),
    _row(RULES, "DEPENDENT_MISMATCH", "Two parts do not go together, such as an action and the trigger.",
         "See which actions the trigger allows, and change one of the two."),
    _row(RULES, "NOT_ALLOWED", "The rule is locked in Zoho.",
         "Unlock it in Zoho, or have it done by who locked it.", says="the id given seems to be invalid"),
    _row(RULES, "NOT_ALLOWED", "A rule's module cannot be changed.",
         "Create a rule in the other module, and delete this one.", place="module"),
    _row(RULES, "NOT_ALLOWED", "Zoho does not allow this change.",
         "A rule stays in its module and its trigger in its category; locked rules cannot be changed."),
    _row(RULES, "PATTERN_NOT_MATCHED", "A text has signs that Zoho does not take there.",
         "Zoho's words name the field: leave out special signs."),
    _row(RULES, "INVALID_DATA", "Zoho does not know this rule, or one of its parts, by this id.",
         "It may have been deleted in Zoho meanwhile: read the account anew and look again.",
         says="the id given seems to be invalid"),
    _row(RULES, "INVALID_DATA", "Zoho does not know this module.",
         "Use the module's API name, as it stands in Zoho's settings.", says="module is invalid"),
    _row(RULES, "INVALID_DATA", "Zoho does not take this name.", "At most 100 characters.", place="name"),
    _row(RULES, "INVALID_DATA", "Zoho does not take this description.", "At most 1,000 characters.",
         place="description"),
    _row(RULES, "INVALID_DATA", "Zoho does not take this trigger.",
         "See which triggers the module has; a trigger stays in its category.", place="type"),
    _row(RULES, "INVALID_DATA", "Zoho does not take a value of it.",
         "Zoho's words name the place: correct it and send it again."),
    _row(RULES, "REQUIRED_PARAM_MISSING", "Zoho misses a parameter of the request.",
         "It is a fault of this program, or Zoho has changed: do it in Zoho, and tell those who run this server."),
)  # fmt: skip
_FLOWS = (
    _row(FLOWS, "FLOW_NOT_FOUND", "Zoho no longer has this flow.",
         "It may have been deleted: read the account anew and look again."),
    _row(FLOWS, "NOT_ALLOWED", "Zoho does not allow this in the state that the flow is in.",
         "Look at it in Zoho: it may be incomplete, or its connections may have to be renewed."),
    _row(FLOWS, "NO_PERMISSION", "The person who connected this account may not do this to flows.",
         "In Zoho Flow, give them a role that may edit flows, then do it again."),
    _row(FLOWS, "INVALID_REQUEST", "Zoho does not take what was sent.",
         "Zoho's words name the place: correct it and send it again."),
)  # fmt: skip
_COMMON = (
    _row(ANY, "OAUTH_SCOPE_MISMATCH", "This account was connected without the scope for this change.",
         "Connect the account again and tick “Change automation from here”, so that Zoho asks for these scopes."),
    _row(ANY, "AUTHENTICATION_FAILURE", "Zoho refuses our sign-in.", "Connect the account again."),
    _row(ANY, "INVALID_TOKEN", "Zoho refuses our sign-in.", "Connect the account again."),
    _row(ANY, "INVALID_OAUTHTOKEN", "Zoho refuses our sign-in.", "Connect the account again."),
    _row(ANY, "INVALID_URL_PATTERN", "There is no such address at Zoho.",
         "Look whether the account is connected to the right data centre, and its edition has this."),
    _row(ANY, "INVALID_REQUEST_METHOD", "Zoho does not take this kind of request here.",
         "It is a fault of this program, or Zoho has changed: do it in Zoho, and tell those who run this server."),
    _row(ANY, "INVALID_REQUEST", "Zoho does not take what was sent.",
         "Zoho's words name the place: correct it and send it again."),
    _row(ANY, "TOO_MANY_REQUESTS", "Zoho's limit of calls is used up for now.", "Do it again in some minutes."),
    _row(ANY, "RATE_LIMIT_EXCEEDED", "Zoho's limit of calls is used up for now.", "Do it again in some minutes."),
    _row(ANY, "LIMIT_REACHED", "Zoho's limit of calls is used up for now.", "Do it again in some minutes."),
    _row(ANY, "NOT_SUBSCRIBED", "Zoho no longer has this channel.", "Open it again."),
    _row(ANY, "AUTHORIZATION_ERROR", "It is locked in Zoho.", "Unlock it in Zoho, or have it done by who locked it."),
    _row(ANY, "INTERNAL_ERROR", "Something failed at Zoho.",
         "Whether it was done is read from Zoho; if it keeps failing, ask Zoho's support."),
)  # fmt: skip
TABLE: tuple[ChangeRefusal, ...] = (*_CONNECTED, *_RULES, *_FLOWS, *_COMMON)
UNLISTED = ChangeRefusal(
    ANY,
    "",
    "",
    "",
    "Zoho refused it.",
    "Zoho's words say why; what to do about it is in no document that is known here.",
)


def explain_answer(subject: str, code: str, answer: str) -> ChangeRefusal:
    """Returns what an edit's kept answer means: of one code the row whose message it begins with.

    Zoho's place is not kept; what it led to is the message.
    """
    area = RULES if subject == "rule_order" else subject
    rows = (row for row in TABLE if row.code == code.upper() and row.subject in (area, ANY))
    return next((row for row in rows if answer.startswith(row.message)), None) or explain(subject, code, answer)


def explain(subject: str, code: str, words: str = "", place: str = "") -> ChangeRefusal:
    """Returns what a refusal means and what to do about it.

    Args:
        subject: of `Edit.Subject`.
        code: Zoho's.
        words: Zoho's message.
        place: where in the request it objects to, such as "$.workflow_rules[0].name".
    """
    area = RULES if subject == "rule_order" else subject
    end = place.rpartition(".")[2].partition("[")[0]
    fitting = [
        row
        for row in TABLE
        if row.code == code.upper()
        and row.subject in (area, ANY)
        and (not row.says or row.says in words.casefold())
        and (not row.place or row.place == end)
    ]
    return max(fitting, key=lambda row: (bool(row.subject), bool(row.says), bool(row.place)), default=UNLISTED)
