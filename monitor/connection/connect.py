"""Connects an account: proves the credentials before anything is stored, and keeps it to its organisation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import F

from monitor import audit, vault
from monitor.connection import organisation
from monitor.connection.prove import ConnectError, CredentialsProof, Wanted, prove
from monitor.connection.tokens import usable_until
from monitor.models import (
    ApiBudget,
    ApiCall,
    ApiToken,
    Flow,
    Product,
    SyncState,
    User,
    WorkflowRule,
    ZohoAccount,
)
from monitor.zoho.oauth import NO_CLIENT_ID, is_client_id

__all__ = ["ConnectError", "Wanted", "connect"]


def connect(
    wanted: Wanted,
    *,
    actor: User,
    clock: Callable[[], datetime],
    now: datetime,
    also: Callable[[ZohoAccount], object] = lambda account: None,
) -> ZohoAccount:
    """Proves the credentials with one call per product and stores the account, new or known by its name.

    Args:
        wanted: what a person entered.
        actor: who, for the audit.
        clock: the present at each call of the proof.
        now: the present of the storing.
        also: what belongs to a new account, stored with it or not at all.

    Raises:
        ConnectError: what is wrong; nothing was stored, but the calls it cost an account that is known by this name.
    """
    _check(wanted)
    calls: list[ApiCall] = []
    known = ZohoAccount.objects.filter(name=wanted.name).first()
    try:
        proof = prove(wanted, known, clock, calls)
        refresh_token = proof.grant.refresh_token or wanted.refresh_token
        if not refresh_token:
            raise ConnectError(
                "Zoho gave no refresh token for this code: ask for offline access (access_type=offline, prompt=consent)"
            )
        with transaction.atomic():
            _keep_to_organisation(wanted, proof)
            account = _store(wanted, proof, refresh_token, actor, now)
            also(account)
    except ConnectError:
        if known is not None:
            _keep_calls(known, calls)  # Zoho has counted them
        raise
    return account


def _keep_to_organisation(wanted: Wanted, proof: CredentialsProof) -> None:
    """Refuses a grant of another organisation than the account's, which may have been connected a moment ago."""
    account = ZohoAccount.objects.select_for_update().filter(name=wanted.name).first()
    proof.notes += organisation.remarks(account, proof.identity)
    if account is None:
        return
    known = organisation.known_of(organisation.remembered(account))
    is_mirrored = any(model.objects.filter(account=account).exists() for model in (Flow, WorkflowRule))
    if proof.overlaps.get("flows") is False:
        proof.notes.append("None of the flows on the first page is mirrored here: are they this organisation's?")
    found = organisation.objection(account.name, known, proof.identity, proof.overlaps, is_mirrored=is_mirrored)
    if found is None or (found.can_be_confirmed and wanted.same_organisation):
        return
    other = organisation.also_mirrored_by(account, proof.identity)
    hint = f" (the account “{other}” mirrors it already)" if other else ""
    raise ConnectError(found.line + hint, can_be_confirmed=found.can_be_confirmed)


def _check(wanted: Wanted) -> None:
    """Refuses what could not be stored or sent, before anything is. Secrets are named, never shown."""
    if no_key := vault.trouble():
        raise ConnectError(no_key)
    if not wanted.name.strip() or len(wanted.name) > 100 or not wanted.name.isprintable():
        raise ConnectError("the account's name must have 1 to 100 printable characters")
    texts = {
        "client id": (wanted.client_id, 200),
        "client secret": (wanted.client_secret, 2000),
        "refresh token": (wanted.refresh_token, 2000),
        "grant code": (wanted.grant_code, 2000),
    }
    for what, (text, longest) in texts.items():
        if text is None:
            continue
        if not text or len(text) > longest or any(not 33 <= ord(char) <= 126 for char in text):
            raise ConnectError(f"the {what} is not one of Zoho's: printable ASCII without spaces is expected")
    if not is_client_id(wanted.client_id):
        raise ConnectError(NO_CLIENT_ID)
    if (wanted.refresh_token is None) == (wanted.grant_code is None):
        raise ConnectError("either a refresh token or a grant code is needed, not both")


def _keep_calls(account: ZohoAccount, calls: list[ApiCall]) -> None:
    for call in calls:
        call.account = account
    ApiCall.objects.bulk_create(calls)


def _store(wanted: Wanted, proof: CredentialsProof, refresh_token: str, actor: User, now: datetime) -> ZohoAccount:
    account, created = ZohoAccount.objects.update_or_create(
        name=wanted.name,
        defaults={
            "data_center": wanted.data_center,
            "accounts_url": wanted.origins.accounts,
            "flow_url": wanted.origins.flow or "",
            "crm_url": wanted.origins.crm or "",
            "client_id": wanted.client_id,
            "client_secret": wanted.client_secret,
            "plan": wanted.plan,
            "calls_per_minute": wanted.calls_per_minute,
            "calls_per_day": wanted.calls_per_day,
        },
    )
    token, _ = ApiToken.objects.get_or_create(account=account)
    ApiToken.objects.filter(pk=token.pk).update(
        refresh_token=refresh_token,
        access_token=proof.grant.access_token,
        expires_at=usable_until(now, proof.grant.expires_in),
        generation=F("generation") + 1,
        granted=proof.grant.scope or "",
        refreshes=[],
        refresh_owner="",
        refresh_lease_until=None,
        throttled_until=None,
        refused_code="",
        refused_at=None,
    )
    for product in Product:
        budget: dict[str, object] = {"failures_in_row": 0, "edition_read_at": None}
        if product in proof.day_limit:
            budget["day_limit_seen"] = proof.day_limit[product]
        if product not in proof.asked_to_wait:
            budget["blocked_until"] = None
        ApiBudget.objects.update_or_create(account=account, product=product, defaults=budget)
    _keep_calls(account, proof.calls)
    organisation.remember(account, proof.identity, now)
    SyncState.objects.update_or_create(account=account, defaults={"next_due_at": now})
    action = "account.connect" if created else "account.reconnect"
    detail: dict[str, object] = {
        "data_center": wanted.data_center,
        "organisation": proof.identity.shown,
        "notes": proof.notes,
    }
    if wanted.same_organisation:
        detail["same_organisation"] = True
    audit.record(actor, action, account, now=now, account=account, detail=detail)
    return account
