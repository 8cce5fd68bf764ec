"""Says how each status is shown: its word, its colour's role and its icon; never by colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.models import Execution
from monitor.privacy import mask_text


@dataclass(frozen=True)
class Look:
    """Describes how one status is shown: `tone` is one of good, bad, warn, info, quiet; `icon` is lucide's name."""

    label: str
    tone: str
    icon: str


_LOOKS: dict[str, Look] = {
    # executions
    "success": Look("Success", "good", "circle-check"),
    "failed": Look("Failed", "bad", "circle-x"),
    "running": Look("Running", "info", "loader"),
    # flows, connections, rules
    "active": Look("Active", "good", "circle-play"),
    "inactive": Look("Inactive", "quiet", "circle-pause"),
    "disabled": Look("Disabled", "quiet", "circle-pause"),
    "draft": Look("Draft", "quiet", "pencil"),
    "healthy": Look("Healthy", "good", "circle-check"),
    "stuck": Look("Stuck", "warn", "hourglass"),
    "unread": Look("Nothing read yet", "quiet", "clock"),
    "silent": Look("Silent", "warn", "volume-x"),
    "expired": Look("Expired", "bad", "unplug"),
    "error": Look("Error", "bad", "circle-x"),
    "gone": Look("Deleted in Zoho", "quiet", "trash-2"),
    # accounts and their streams
    "ok": Look("Healthy", "good", "circle-check"),
    "never": Look("Not read yet", "quiet", "clock"),
    "pending": Look("Not read yet", "quiet", "clock"),
    "incomplete": Look("Incomplete", "warn", "triangle-alert"),
    "reading": Look("Reading history", "info", "clock"),
    "throttled": Look("Throttled by Zoho", "warn", "gauge"),
    "unreachable": Look("Cannot be reached", "bad", "cloud-off"),
    "revoked": Look("Credentials refused", "bad", "key-round"),
    "foreign": Look("Another organisation", "bad", "key-round"),
    "locked": Look("No key", "bad", "key-round"),
    "schema": Look("Unknown answers", "bad", "circle-question-mark"),
    "stale": Look("Out of date", "warn", "clock-alert"),
    "paused": Look("Paused", "quiet", "circle-pause"),
    "not_available": Look("Not available", "quiet", "ban"),
    "failing": Look("Failing", "bad", "circle-x"),
    "complete": Look("Complete", "good", "circle-check"),
    # alerts and transitions
    "firing": Look("Firing", "bad", "bell-ring"),
    "resolved": Look("Recovered", "good", "circle-check"),
    "no_data": Look("No data", "warn", "circle-question-mark"),
    "data_back": Look("Data is back", "info", "circle-check"),
    "acknowledged": Look("Acknowledged", "info", "user-check"),
    "closed": Look("Closed", "quiet", "circle-check"),
    "recovering": Look("Recovering", "info", "circle-check"),
    "relapsed": Look("Breached again", "warn", "circle-x"),
    "cleared": Look("Cleared", "quiet", "circle-check"),
    "learning": Look("Learning", "quiet", "clock"),
    # silences
    "planned": Look("Planned", "info", "clock"),
    "over": Look("Over", "quiet", "circle-check"),
    # retries
    "requested": Look("Requested", "info", "clock"),
    "sending": Look("Sending", "info", "send"),
    "accepted": Look("Accepted by Zoho", "info", "circle-check"),
    "unknown": Look("Outcome unknown", "warn", "circle-question-mark"),
    "succeeded": Look("Succeeded", "good", "circle-check"),
    "failed_again": Look("Failed again", "bad", "circle-x"),
    "rejected": Look("Rejected by Zoho", "bad", "ban"),
    "cancelled": Look("Cancelled", "quiet", "ban"),
    "not_run": Look("Did not run", "quiet", "ban"),
    # changes of automation
    "wished": Look("Waiting to be sent", "info", "clock"),
    "done": Look("Done", "good", "circle-check"),
    "refused": Look("Refused by Zoho", "bad", "ban"),
    "settled_done": Look("Done, as was read later", "good", "circle-check"),
    "settled_not_done": Look("Not done, as was read later", "warn", "ban"),
    "not_sent": Look("Not sent", "quiet", "ban"),
    # batches of retries, and their items
    "suspended": Look("Suspended", "warn", "circle-pause"),
    "stopped": Look("Stopped by itself", "bad", "octagon-x"),
    "finished": Look("Finished", "good", "circle-check"),
    "waiting": Look("Waiting", "quiet", "clock"),
    "started": Look("Started", "info", "send"),
    "skipped": Look("Skipped", "quiet", "ban"),
    # problems, and how failures ended
    "new": Look("New", "info", "sparkles"),
    "ongoing": Look("Ongoing", "warn", "circle-x"),
    "escalating": Look("Escalating", "bad", "trending-up"),
    "regressed": Look("Regressed", "bad", "rotate-ccw"),
    "archived": Look("Archived", "quiet", "archive"),
    "open": Look("Open", "bad", "circle-x"),
    "recovered": Look("Recovered", "good", "circle-check"),
    "retried": Look("Retried", "good", "rotate-ccw"),
    "superseded": Look("Superseded", "good", "circle-check"),
    "written_off": Look("Written off", "quiet", "ban"),
    # plans
    "running_out": Look("Plan running out", "warn", "gauge"),
    "used_up": Look("Plan used up", "bad", "gauge"),
    # channels of Zoho CRM
    "not_open": Look("Not open", "quiet", "clock"),
    "late": Look("Late", "warn", "clock-alert"),
    "nothing_came": Look("Nothing came", "warn", "volume-x"),
    "wrong_token": Look("Wrong token", "warn", "key-round"),
    # mails
    "queued": Look("Queued", "info", "clock"),
    "sent": Look("Sent", "good", "mail-check"),
    "told": Look("Told in another", "quiet", "mail-check"),
    "dead": Look("Given up", "bad", "mail-x"),
    "left_out": Look("Not sent", "quiet", "ban"),
    # roles
    "viewer": Look("Viewer", "quiet", "eye"),
    "operator": Look("Operator", "info", "user-cog"),
    "admin": Look("Admin", "warn", "shield"),
}


_WHY_SILENT = {
    "snoozed": "the subject is snoozed",
    "silenced": "a silence fits it",
    "muted": "it follows from what is wrong with the whole account",
    "hours": "it comes with the next working hours",
    "nobody": "nobody gets alert mails, or was told before",
    "acknowledged": "somebody has acknowledged the incident",
    "over": "the incident was over before",
    "told": "another mail says it",
    "first": "the incident's first mail has not gone out",
    "anew": "the escalation began anew",
    "digest": "its rule is for digests only",
}


def why_silent(why: str, *, is_waiting: bool) -> str:
    """Says why a mail of an incident waits, or was not written.

    Args:
        why: as it is stored with the notice.
        is_waiting: whether it may still come.
    """
    words = _WHY_SILENT.get(why, why)
    return f"Waits: {words}." if is_waiting else f"Not mailed: {words}."


# Zoho's own words that are known, by what they are said of. Each of ours may be a word of Zoho's that means another
# thing: "ok" or "complete" of a run is neither good nor bad here.
_OF_ZOHO: dict[str, frozenset[str]] = {
    "run": frozenset(Execution.Status.values),
    "connection": frozenset({"active", "inactive", "disabled", "expired", "error"}),
    "connected workflow": frozenset({"active", "inactive", "draft"}),
}


def look_of_zohos(kind: str, status: str) -> Look:
    """Says how to show what Zoho says of a thing; a word that is not known of this kind is shown as it came, masked.

    Args:
        kind: what it is said of: run, connection or connected workflow.
        status: as it is stored.
    """
    return look(status) if status in _OF_ZOHO[kind] else _as_it_came(status)


def look(status: str, label: str = "") -> Look:
    """Says how to show a status of ours; one that is not in the table is shown as it came, masked.

    Args:
        status: the stored value, such as ``"failed"``.
        label: other words than the usual ones.
    """
    known = _LOOKS.get(status)
    if known is None:
        return _as_it_came(status, label)
    return Look(label or known.label, known.tone, known.icon)


def _as_it_came(status: str, label: str = "") -> Look:
    return Look(label or mask_text(status) or "unknown", "quiet", "circle-question-mark")
