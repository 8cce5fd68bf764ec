"""Writes the usage report of a workflow rule (docs/reference/zoho-crm.md, "Usage of rules")."""

from datetime import date, datetime, time, timedelta
from typing import Any

from standin.chance import rng
from standin.clock import DAY
from standin.crm.rules import ORG_ZONE, Event, Rule, written
from standin.errors import RefusalError
from standin.web.wire import Request

# Only these triggers are counted (Zoho's list goes on, but is cut off in what is known).
COUNTED = frozenset({"create", "edit", "create_or_edit", "delete", "field_update"})


def read_day(request: Request, name: str) -> date:
    """Returns a mandatory `yyyy-mm-dd`; RefusalError with the documented bodies."""
    raw = request.param(name)
    if not raw:
        raise RefusalError("REQUIRED_PARAM_MISSING", "required param not found", {"param_name": name})
    try:
        if len(raw) != 10:
            raise ValueError(raw)
        return date.fromisoformat(raw)
    except ValueError:
        raise RefusalError(
            "INVALID_DATA",
            "Please provide  ISO Time format to the param",  # two spaces, as documented
            {"expected_data_type": "datetime", "param_name": name},
        ) from None


def usage_report(rule: Rule, first: date, last: date, now: datetime, days: int) -> dict[str, Any]:
    """Counts from `first` to `last`, both included; RefusalError DATE_RANGE_EXCEEDS beyond `days` back."""
    today = now.astimezone(ORG_ZONE).date()
    if first < today - timedelta(days=days) or last < first:
        raise RefusalError("INVALID_REQUEST", "DATE_RANGE_EXCEEDS", {})
    start = datetime.combine(first, time.min, ORG_ZONE)
    if rule.reset is not None:
        start = max(start, rule.reset)
    events = rule.events(start, datetime.combine(last, time.min, ORG_ZONE) + DAY)
    report: dict[str, Any] = {
        "id": rule.rule_id,
        "name": rule.body["name"],
        "reset_time": written(rule.reset, rule.zone) if rule.reset else None,
        "conditions": _conditions(rule, events),
    }
    if rule.body["execute_when"].get("type") in COUNTED:
        report["trigger_count"] = len(events)
    return report


def _conditions(rule: Rule, events: list[Event]) -> list[dict[str, Any]]:
    place = 0
    shown = []
    for condition in rule.body.get("conditions") or []:
        instant = []
        for action in (condition.get("instant_actions") or {}).get("actions") or []:
            instant.append(_action(action, place, events))
            place += 1
        groups = []
        for group in condition.get("scheduled_actions") or []:
            actions = []
            for action in group.get("actions") or []:
                actions.append(_action(action, place, events))
                place += 1
            groups.append({"id": group["id"], "actions": actions})
        shown.append(
            {
                "id": condition["id"],
                "usage_count": len(events),
                "instant_actions": {"actions": instant},
                "scheduled_actions": groups,
            }
        )
    return shown


def _action(action: dict[str, Any], place: int, events: list[Event]) -> dict[str, Any]:
    failed = sum(1 for event in events if place in event.failed)
    good = len(events) - failed
    kind = str(action.get("type", ""))
    shown: dict[str, Any] = {
        "id": action.get("id"),
        "name": action.get("name", ""),
        "type": kind,
        "success_count": good,
        "failure_count": failed,
        "associated_time": action.get("associated_time"),
    }
    if kind == "email_notifications":
        # Often left out: here for every second mail.
        shown |= {"queue_count": 0} if str(action.get("id"))[-1:] in "02468" else {}
        shown |= {"related_details": _mails(str(action.get("id")), good, failed)}
    if kind in {"add_tags", "remove_tags"}:
        shown["tag_id"] = f"{action.get('id')}"[:-1] + "9"
    return shown


def _mails(action_id: str, sent: int, unsent: int) -> dict[str, Any]:
    dice = rng("mails", action_id)
    bounced = round(sent * dice.uniform(0, 0.04))
    opened = round((sent - bounced) * dice.uniform(0.2, 0.7))
    return {
        "bulk_mail": False,
        "sent": sent,
        "unsent": unsent,
        "sent_percentage": round(100 * sent / (sent + unsent)) if sent + unsent else 0,
        "delivered": sent - bounced,
        "bounced": bounced,
        "opened": opened,
        "unopened": sent - bounced - opened,
        "clicked": round(opened * 0.2),
    }
