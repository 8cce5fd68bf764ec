"""Says how each status is shown: its word, its colour's role and its icon; never by colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_noop

from monitor.languages import gettext as _
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
    "success": Look(gettext_noop("Success"), "good", "circle-check"),
    "failed": Look(gettext_noop("Failed"), "bad", "circle-x"),
    "running": Look(gettext_noop("Running"), "info", "loader"),
    # flows, connections, rules
    "active": Look(gettext_noop("Active"), "good", "circle-play"),
    "inactive": Look(gettext_noop("Inactive"), "quiet", "circle-pause"),
    "disabled": Look(gettext_noop("Disabled"), "quiet", "circle-pause"),
    "draft": Look(gettext_noop("Draft"), "quiet", "pencil"),
    "healthy": Look(gettext_noop("Healthy"), "good", "circle-check"),
    "stuck": Look(gettext_noop("Stuck"), "warn", "hourglass"),
    "unread": Look(gettext_noop("Nothing read yet"), "quiet", "clock"),
    "silent": Look(gettext_noop("Silent"), "warn", "volume-x"),
    "expired": Look(gettext_noop("Expired"), "bad", "unplug"),
    "error": Look(gettext_noop("Error"), "bad", "circle-x"),
    "gone": Look(gettext_noop("Deleted in Zoho"), "quiet", "trash-2"),
    # accounts and their streams
    "ok": Look(gettext_noop("Healthy"), "good", "circle-check"),
    "never": Look(gettext_noop("Not read yet"), "quiet", "clock"),
    "pending": Look(gettext_noop("Not read yet"), "quiet", "clock"),
    "incomplete": Look(gettext_noop("Incomplete"), "warn", "triangle-alert"),
    "reading": Look(gettext_noop("Reading history"), "info", "clock"),
    "throttled": Look(gettext_noop("Throttled by Zoho"), "warn", "gauge"),
    "unreachable": Look(gettext_noop("Cannot be reached"), "bad", "cloud-off"),
    "revoked": Look(gettext_noop("Credentials refused"), "bad", "key-round"),
    "foreign": Look(gettext_noop("Another organisation"), "bad", "key-round"),
    "locked": Look(gettext_noop("No key"), "bad", "key-round"),
    "schema": Look(gettext_noop("Unknown answers"), "bad", "circle-question-mark"),
    "stale": Look(gettext_noop("Out of date"), "warn", "clock-alert"),
    "paused": Look(gettext_noop("Paused"), "quiet", "circle-pause"),
    "not_available": Look(gettext_noop("Not available"), "quiet", "ban"),
    "failing": Look(gettext_noop("Failing"), "bad", "circle-x"),
    "complete": Look(gettext_noop("Complete"), "good", "circle-check"),
    # alerts and transitions
    "firing": Look(gettext_noop("Firing"), "bad", "bell-ring"),
    "resolved": Look(gettext_noop("Recovered"), "good", "circle-check"),
    "no_data": Look(gettext_noop("No data"), "warn", "circle-question-mark"),
    "data_back": Look(gettext_noop("Data is back"), "info", "circle-check"),
    "acknowledged": Look(gettext_noop("Acknowledged"), "info", "user-check"),
    "closed": Look(gettext_noop("Closed"), "quiet", "circle-check"),
    "recovering": Look(gettext_noop("Recovering"), "info", "circle-check"),
    "relapsed": Look(gettext_noop("Breached again"), "warn", "circle-x"),
    "cleared": Look(gettext_noop("Cleared"), "quiet", "circle-check"),
    "learning": Look(gettext_noop("Learning"), "quiet", "clock"),
    # silences
    "planned": Look(gettext_noop("Planned"), "info", "clock"),
    "over": Look(gettext_noop("Over"), "quiet", "circle-check"),
    # retries
    "requested": Look(gettext_noop("Requested"), "info", "clock"),
    "sending": Look(gettext_noop("Sending"), "info", "send"),
    "accepted": Look(gettext_noop("Accepted by Zoho"), "info", "circle-check"),
    "unknown": Look(gettext_noop("Outcome unknown"), "warn", "circle-question-mark"),
    "succeeded": Look(gettext_noop("Succeeded"), "good", "circle-check"),
    "failed_again": Look(gettext_noop("Failed again"), "bad", "circle-x"),
    "rejected": Look(gettext_noop("Rejected by Zoho"), "bad", "ban"),
    "cancelled": Look(gettext_noop("Cancelled"), "quiet", "ban"),
    "not_run": Look(gettext_noop("Did not run"), "quiet", "ban"),
    # changes of automation
    "wished": Look(gettext_noop("Waiting to be sent"), "info", "clock"),
    "done": Look(gettext_noop("Done"), "good", "circle-check"),
    "refused": Look(gettext_noop("Refused by Zoho"), "bad", "ban"),
    "settled_done": Look(gettext_noop("Done, as was read later"), "good", "circle-check"),
    "settled_not_done": Look(gettext_noop("Not done, as was read later"), "warn", "ban"),
    "not_sent": Look(gettext_noop("Not sent"), "quiet", "ban"),
    # batches of retries, and their items
    "suspended": Look(gettext_noop("Suspended"), "warn", "circle-pause"),
    "stopped": Look(gettext_noop("Stopped by itself"), "bad", "octagon-x"),
    "finished": Look(gettext_noop("Finished"), "good", "circle-check"),
    "waiting": Look(gettext_noop("Waiting"), "quiet", "clock"),
    "started": Look(gettext_noop("Started"), "info", "send"),
    "skipped": Look(gettext_noop("Skipped"), "quiet", "ban"),
    # problems, and how failures ended
    "new": Look(gettext_noop("New"), "info", "sparkles"),
    "ongoing": Look(gettext_noop("Ongoing"), "warn", "circle-x"),
    "escalating": Look(gettext_noop("Escalating"), "bad", "trending-up"),
    "regressed": Look(gettext_noop("Regressed"), "bad", "rotate-ccw"),
    "archived": Look(gettext_noop("Archived"), "quiet", "archive"),
    "open": Look(gettext_noop("Open"), "bad", "circle-x"),
    "recovered": Look(gettext_noop("Recovered"), "good", "circle-check"),
    "retried": Look(gettext_noop("Retried"), "good", "rotate-ccw"),
    "superseded": Look(gettext_noop("Superseded"), "good", "circle-check"),
    "written_off": Look(gettext_noop("Written off"), "quiet", "ban"),
    # plans
    "running_out": Look(gettext_noop("Plan running out"), "warn", "gauge"),
    "used_up": Look(gettext_noop("Plan used up"), "bad", "gauge"),
    # channels of Zoho CRM
    "not_open": Look(gettext_noop("Not open"), "quiet", "clock"),
    "late": Look(gettext_noop("Late"), "warn", "clock-alert"),
    "nothing_came": Look(gettext_noop("Nothing came"), "warn", "volume-x"),
    "wrong_token": Look(gettext_noop("Wrong token"), "warn", "key-round"),
    # mails
    "queued": Look(gettext_noop("Queued"), "info", "clock"),
    "sent": Look(gettext_noop("Sent"), "good", "mail-check"),
    "told": Look(gettext_noop("Told in another"), "quiet", "mail-check"),
    "dead": Look(gettext_noop("Given up"), "bad", "mail-x"),
    "left_out": Look(gettext_noop("Not sent"), "quiet", "ban"),
    # roles
    "viewer": Look(gettext_noop("Viewer"), "quiet", "eye"),
    "operator": Look(gettext_noop("Operator"), "info", "user-cog"),
    "admin": Look(gettext_noop("Admin"), "warn", "shield"),
}


_WHY_SILENT = {
    "snoozed": gettext_noop("the subject is snoozed"),
    "silenced": gettext_noop("a silence fits it"),
    "muted": gettext_noop("it follows from what is wrong with the whole account"),
    "hours": gettext_noop("it comes with the next working hours"),
    "nobody": gettext_noop("nobody gets alert mails, or was told before"),
    "acknowledged": gettext_noop("somebody has acknowledged the incident"),
    "over": gettext_noop("the incident was over before"),
    "told": gettext_noop("another mail says it"),
    "first": gettext_noop("the incident's first mail has not gone out"),
    "anew": gettext_noop("the escalation began anew"),
    "digest": gettext_noop("its rule is for digests only"),
}


def why_silent(why: str, *, is_waiting: bool) -> str:
    """Says why a mail of an incident waits, or was not written.

    Args:
        why: as it is stored with the notice.
        is_waiting: whether it may still come.
    """
    words = _(_WHY_SILENT[why]) if why in _WHY_SILENT else why
    return (_("Waits: %(why)s.") if is_waiting else _("Not mailed: %(why)s.")) % {"why": words}


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
    return Look(label or _(known.label), known.tone, known.icon)


def _as_it_came(status: str, label: str = "") -> Look:
    return Look(label or mask_text(status) or _("unknown"), "quiet", "circle-question-mark")
