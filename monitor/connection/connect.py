"""Connects an account: proves the credentials before anything is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F

from monitor import audit, vault
from monitor.connection.tokens import usable_until
from monitor.models import ApiBudget, ApiCall, ApiToken, Product, SyncState, User, ZohoAccount
from monitor.zoho.crm import CrmClient
from monitor.zoho.datacenters import Origins
from monitor.zoho.errors import GrantRevoked, NotAvailable, NotSent, ScopeMissing, Wait, ZohoError
from monitor.zoho.flow import FlowClient
from monitor.zoho.oauth import OAuthClient, TokenGrant
from monitor.zoho.tokens import FixedToken
from monitor.zoho.transport import Transport


class ConnectError(Exception):
    """Says why an account cannot be connected: one line for people, without secrets."""


@dataclass(frozen=True)
class Wanted:
    """Holds what a person entered. Exactly one of `refresh_token` and `grant_code` is given.

    `plan` is a plan's name or ""; `calls_per_minute` and `calls_per_day` are a person's own limits.
    `redirect_uri` belongs to a grant code that came by redirect, None for a self client's code.
    """

    name: str
    data_center: str
    origins: Origins
    client_id: str
    client_secret: str = field(repr=False)
    plan: str = ""
    calls_per_minute: int | None = None
    calls_per_day: int | None = None
    refresh_token: str | None = field(default=None, repr=False)
    grant_code: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None


@dataclass
class _Proof:
    """Collects what proving found, and the calls it made, for the ledger."""

    grant: TokenGrant
    calls: list[ApiCall]
    day_limit: dict[str, int] = field(default_factory=dict)
    asked_to_wait: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


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
    try:
        proof = _prove(wanted, clock, calls)
    except ConnectError:
        known = ZohoAccount.objects.filter(name=wanted.name).first()
        if known is not None:
            _keep_calls(known, calls)  # Zoho has counted them
        raise
    refresh_token = proof.grant.refresh_token or wanted.refresh_token
    if not refresh_token:
        raise ConnectError(
            "Zoho gave no refresh token for this code: ask for offline access (access_type=offline, prompt=consent)"
        )
    with transaction.atomic():
        account = _store(wanted, proof, refresh_token, actor, now)
        also(account)
    return account


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
    if (wanted.refresh_token is None) == (wanted.grant_code is None):
        raise ConnectError("either a refresh token or a grant code is needed, not both")


def _prove(wanted: Wanted, clock: Callable[[], datetime], calls: list[ApiCall]) -> _Proof:
    with Transport(total=20.0) as transport:
        oauth = OAuthClient(transport, wanted.origins, wanted.client_id, wanted.client_secret)
        try:
            if wanted.grant_code:
                grant = oauth.exchange_code(wanted.grant_code, wanted.redirect_uri)
            else:
                grant = oauth.refresh(wanted.refresh_token or "")
        except ZohoError as error:
            raise ConnectError(_credentials_line(error, wanted)) from error
        proof = _Proof(grant, calls)
        _prove_products(wanted, transport, proof, clock)
        return proof


def _prove_products(wanted: Wanted, transport: Transport, proof: _Proof, clock: Callable[[], datetime]) -> None:
    tokens = FixedToken(proof.grant.access_token)

    def before(product: str, method: str, path: str) -> object:
        call = ApiCall(product=product, method=method, path=path[:200], started_at=clock())
        proof.calls.append(call)
        return call

    def after(call: object, product: str, status: int | None, headers: Mapping[str, str]) -> None:
        if isinstance(call, ApiCall):
            call.finished_at, call.status = clock(), status
        limit = headers.get("x-ratelimit-limit", "")
        if limit.isdecimal() and 0 < len(limit) < 10 and int(limit) > 0:
            proof.day_limit[product] = int(limit)

    flow, crm = wanted.origins.flow, wanted.origins.crm
    available = 0
    if flow:
        flow_client = FlowClient(transport, flow, tokens, before, after)
        available += _prove_one(Product.FLOW, flow_client.list_flows, proof)
    if crm:
        crm_client = CrmClient(transport, crm, tokens, before, after)
        available += _prove_one(Product.CRM, lambda: crm_client.list_workflow_rules(page=1), proof)
    if not available:
        raise ConnectError("; ".join(proof.notes) or "neither a Flow nor a CRM address is known for this data centre")


def _prove_one(which: Product, ask: Callable[[], object], proof: _Proof) -> bool:
    """Asks whether the product is there; one that the account simply does not have is no error."""
    product = str(which.label)
    try:
        ask()
    except (NotAvailable, ScopeMissing) as error:
        proof.notes.append(f"{product} is not available: {error}")
        return False
    except Wait as error:
        # The token was taken, only the budget is used up: that proves the credentials.
        proof.notes.append(f"{product} asks to wait: {error}")
        proof.asked_to_wait.add(which.value)
    except ZohoError as error:
        raise ConnectError(f"{product}: {error}. {error.hint}") from error
    return True


def _keep_calls(account: ZohoAccount, calls: list[ApiCall]) -> None:
    for call in calls:
        call.account = account
    ApiCall.objects.bulk_create(calls)


def _credentials_line(error: ZohoError, wanted: Wanted) -> str:
    kind = "grant code" if wanted.grant_code else "refresh token"
    if isinstance(error, GrantRevoked):
        return f"Zoho refused the {kind} ({error.code or 'invalid_code'}): it is wrong, used, expired or revoked"
    if isinstance(error, NotSent):
        return f"the accounts server cannot be reached: {error}"
    return f"{error}. {error.hint}"


def _store(wanted: Wanted, proof: _Proof, refresh_token: str, actor: User, now: datetime) -> ZohoAccount:
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
    SyncState.objects.update_or_create(account=account, defaults={"next_due_at": now})
    action = "account.connect" if created else "account.reconnect"
    detail = {"data_center": wanted.data_center, "notes": proof.notes}
    audit.record(actor, action, account, now=now, account=account, detail=detail)
    return account
