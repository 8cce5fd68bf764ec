"""Loads what is known of why alerts fire, in few statements however many they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from monitor.alert_numbers import EXPLAINS
from monitor.alerting.grouping import AlertCauses, FailureSign, causes_of
from monitor.alerting.kinds import cause_of, is_about_failures
from monitor.alerting.kinds.subjects import ACCOUNT, CONNECTION
from monitor.app_names import plain_app
from monitor.error_classes import error_class
from monitor.models import BROKEN, Connection, Execution, Transition, ZohoAccount

NEWEST = 5  # failures of a flow that are looked at
OLDEST = timedelta(days=7)  # failures before that tell nothing of what fires now
AROUND = timedelta(hours=1)  # failures so long before it began may belong to it
Sign = tuple[datetime, FailureSign]  # with when the run ended


def causes_by_alert(account: ZohoAccount, firing: Sequence[Transition]) -> dict[int, AlertCauses]:
    """Returns what is known of the causes of alerts that fire, by the keys of their transitions. Three statements.

    Args:
        account: theirs.
        firing: their transitions, with their alerts and rules.
    """
    if not firing:
        return {}
    flows = {found.alert.flow_id for found in firing if found.alert.flow_id is not None}
    signs = _signs(flows, min(found.at for found in firing) - OLDEST)
    broken = list(
        Connection.objects.filter(account=account, gone_at=None, status__in=BROKEN).values_list("app", flat=True)
    )
    apps = _apps(firing)
    return {found.pk: _causes(found, signs, broken, apps) for found in firing}


def _apps(firing: Sequence[Transition]) -> dict[str, str]:
    """Returns the apps of the connections that alerts are about, by their keys."""
    keys = {found.alert.subject_key for found in firing if found.alert.subject_kind == CONNECTION}
    rows = Connection.objects.filter(pk__in=keys).values_list("pk", "app") if keys else []
    return {str(key): app for key, app in rows}


def _causes(found: Transition, signs: dict[int, list[Sign]], broken: list[str], apps: dict[str, str]) -> AlertCauses:
    first = "first" if found.is_first else ""
    alert = found.alert
    # That two alerts are about the same account is no common cause.
    subject = f"{alert.subject_kind}:{alert.subject_key}" if alert.subject_kind not in ("flow", ACCOUNT) else ""
    cause = cause_of(found.alert.rule.kind) if found.numbers.get(EXPLAINS, 1) else ""
    if cause == "account":
        return AlertCauses(began_of(found), account=found.alert.rule.kind, first=first)
    if cause == "connection" and (app := apps.get(found.alert.subject_key)):
        return AlertCauses(
            began_of(found), first=first, connection=plain_app(app), app=app, is_cause=True, subject=subject
        )
    flow = found.alert.flow_id
    began_at = began_of(found)
    known = signs.get(flow, []) if flow is not None and is_about_failures(found.alert.rule.kind) else []
    fresh = [sign for at, sign in known if at >= began_at - AROUND]
    return causes_of(began_at, fresh, broken, flow=flow, subject=subject, first=first)


def began_of(found: Transition) -> datetime:
    """Returns when what fires began, by Zoho's clock as far as it is known."""
    return found.began_at or found.at


def _signs(flows: Collection[int], oldest: datetime) -> dict[int, list[Sign]]:
    """Returns the newest failures of flows, the newest first."""
    rank = Window(RowNumber(), partition_by="flow", order_by=[F("started_time").desc(), F("pk").desc()])
    failed = Execution.objects.filter(
        flow__in=flows, status=Execution.Status.FAILED, chain_mark=None, started_time__gte=oldest
    )
    rows = failed.annotate(rank=rank).filter(rank__lte=NEWEST).order_by("flow", "rank")
    found: defaultdict[int, list[Sign]] = defaultdict(list)
    columns = (
        "flow",
        "started_time",
        "completed_time",
        "failure__group__app",
        "failure__group__problem",
        "failure__group__problem__merged_into",
        "error_code",
        "error_message",
        "error_details",
    )
    for flow, started, completed, app, problem, merged, code, message, details in rows.values_list(*columns):
        sign = FailureSign(app or "", error_class(code, message, details), merged or problem)
        found[flow].append((completed or started, sign))
    return found
