"""Connected workflows of CRM."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from monitor.models import ConnectedWorkflow


def search(text: str = "", status: str = "", account_id: int | None = None) -> QuerySet[ConnectedWorkflow]:
    """Those that fit, with `version_count`; those deleted in Zoho stand among them, marked by `gone_at`.

    Args:
        text: a part of the name or the module, or the whole of Zoho's id.
        status: as Zoho says it (active, inactive, draft), "gone", or "" for any.
        account_id: only this account's.
    """
    rows = ConnectedWorkflow.objects.select_related("account").defer("account__client_secret", "description")
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(primary_module__icontains=text) | Q(workflow_id=text))
    if status == "gone":
        rows = rows.exclude(gone_at=None)
    elif status:
        rows = rows.filter(status=status, gone_at=None)
    if account_id is not None:
        rows = rows.filter(account_id=account_id)
    return rows.annotate(version_count=Count("versions")).order_by("name", "pk")


def all_of_them() -> QuerySet[ConnectedWorkflow]:
    """Connected workflows with the joins that one's page needs."""
    return ConnectedWorkflow.objects.select_related("account").defer("account__client_secret")
