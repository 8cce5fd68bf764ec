"""Changes addresses for callbacks on a person's word; each act leaves an entry in the audit trail."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from monitor import audit
from monitor.hooks.receive import key_hash
from monitor.languages import gettext as _
from monitor.models import USUAL_RATE, Flow, HookEndpoint, Secret, User, WatchChannel, WatchChoice, ZohoAccount
from monitor.standard_webhooks import make_secret

MOST_SECRETS = 3
SHORTEST_SECRET, LONGEST_SECRET = 16, 200
KEY_BYTES = 32


class EndpointRefused(Exception):  # noqa: N818 - named for what happened
    """Says in one line for people why an act is refused."""


@dataclass(frozen=True)
class Shown:
    """Holds what is shown once and can never be read again. `address` is "" where only a secret is new."""

    endpoint: HookEndpoint
    address: str = field(repr=False)
    secret: str = field(repr=False)


def create(
    *,
    account: ZohoAccount,
    name: str,
    actor: User,
    now: datetime,
    flow: Flow | None = None,
    per_minute: int = USUAL_RATE,
    secret: str = "",
) -> Shown:
    """Creates an address with its first secret.

    Args:
        account: whose flows call back.
        name: what people call it; unique in the account.
        actor: who makes it.
        now: the present.
        flow: the only flow that it speaks for; None for whichever the body names.
        per_minute: callbacks a minute that it takes.
        secret: a person's own one; "" makes one.

    Raises:
        EndpointRefused: the name is taken, or the secret is too short.
    """
    key, text = secrets.token_urlsafe(KEY_BYTES), _checked(secret) or make_secret()
    endpoint = HookEndpoint(
        account=account, flow=flow, name=name, key_hash=key_hash(key), per_minute=per_minute, created_at=now
    )
    endpoint.secret_list = [Secret(text, now)]
    try:
        with transaction.atomic():
            endpoint.save(force_insert=True)
            _audit(actor, "hook.create", endpoint, now, {"flow": flow.flow_id if flow else ""})
    except IntegrityError:
        raise EndpointRefused(_("there is an address named “%(name)s” already") % {"name": name}) from None
    return Shown(endpoint, f"{settings.PUBLIC_URL}{reverse('hook_flow', args=[key])}", text)


def rotate(endpoint: HookEndpoint, *, actor: User, now: datetime, secret: str = "") -> Shown:
    """Adds a secret; those before it stay valid until they are removed.

    Raises:
        EndpointRefused: there are as many as there may be, or the secret is too short.
    """
    text = _checked(secret) or make_secret()
    with transaction.atomic():
        row = HookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        known = row.secret_list
        if len(known) >= MOST_SECRETS:
            raise EndpointRefused(
                _("%(name)s has %(n)s secrets already: remove the old ones first") % {"name": row.name, "n": len(known)}
            )
        row.secret_list = [*known, Secret(text, now)]
        row.save(update_fields=["secrets"])
        _audit(actor, "hook.rotate", row, now, {"secrets": len(known) + 1})
    return Shown(row, "", text)


def retire(endpoint: HookEndpoint, *, actor: User, now: datetime) -> int:
    """Removes every secret but the newest; returns how many.

    Args:
        endpoint: the address.
        actor: the person behind it.
        now: the present.
    """
    with transaction.atomic():
        row = HookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
        known = row.secret_list
        if len(known) > 1:
            row.secret_list = known[-1:]
            row.save(update_fields=["secrets"])
            _audit(actor, "hook.retire", row, now, {"removed": len(known) - 1})
    return len(known) - 1


def switch(endpoint: HookEndpoint, *, on: bool, actor: User, now: datetime) -> None:
    """Enables or disables an address; a disabled one answers as if it did not exist.

    Args:
        endpoint: the address.
        on: whether it shall accept callbacks.
        actor: the person behind it.
        now: the present.
    """
    with transaction.atomic():
        if HookEndpoint.objects.filter(pk=endpoint.pk).exclude(is_active=on).update(is_active=on):
            _audit(actor, "hook.on" if on else "hook.off", endpoint, now, {})


def delete(endpoint: HookEndpoint, *, actor: User, now: datetime) -> None:
    """Deletes an address with all that is known of its callbacks.

    Args:
        endpoint: the address.
        actor: the person behind it.
        now: the present.
    """
    with transaction.atomic():
        _audit(actor, "hook.delete", endpoint, now, {})
        HookEndpoint.objects.filter(pk=endpoint.pk).delete()


def watch(account: ZohoAccount, *, on: bool, actor: User, now: datetime) -> None:
    """Switches on or off that Zoho CRM calls back when records change. The worker opens and closes the channels.

    What was chosen for single modules is over with it.

    Raises:
        EndpointRefused: the product cannot be reached over HTTPS, or the account has no CRM.
    """
    if on and not can_watch():
        raise EndpointRefused(_("Zoho CRM only calls an https address: set PUBLIC_URL to one"))
    if on and not account.crm_url:
        raise EndpointRefused(_("%(account)s has no Zoho CRM") % {"account": account.name})
    with transaction.atomic():
        WatchChoice.objects.filter(account=account).delete()
        if ZohoAccount.objects.filter(pk=account.pk).exclude(watches_records=on).update(watches_records=on):
            audit.record(actor, f"account.watch_{'on' if on else 'off'}", account, now=now, account=account)


def choose_module(account: ZohoAccount, module: str, act: str, *, actor: User, now: datetime) -> None:
    """Writes down that a person wants one module watched, not watched, or its channel renewed; before Zoho is asked.

    Args:
        account: whose.
        module: its name in the API.
        act: of `WatchChannel.Act`.
        actor: who.
        now: the present.

    Raises:
        EndpointRefused: the product cannot be reached over HTTPS, the account has no CRM, or is paused.
    """
    if not account.crm_url:
        raise EndpointRefused(_("%(account)s has no Zoho CRM") % {"account": account.name})
    if not account.is_active:
        raise EndpointRefused(_("the account is paused"))
    if act != WatchChannel.Act.STOP and not can_watch():
        raise EndpointRefused(_("Zoho CRM only calls an https address: set PUBLIC_URL to one"))
    with transaction.atomic():
        if act != WatchChannel.Act.RENEW:
            said = {"is_wanted": act == WatchChannel.Act.OPEN, "by": actor, "at": now}
            WatchChoice.objects.update_or_create(account=account, module=module, defaults=said)
        audit.record(actor, f"watch.{act}", account, now=now, account=account, detail={"module": module})


def can_watch() -> bool:
    """Returns whether Zoho could reach us at all."""
    return settings.PUBLIC_URL.startswith("https://")


def _checked(secret: str) -> str:
    if secret and not (SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET and secret.isprintable() and secret.isascii()):
        raise EndpointRefused(
            _("a secret has %(least)s to %(most)s printable ASCII characters")
            % {"least": SHORTEST_SECRET, "most": LONGEST_SECRET}
        )
    return secret


def _audit(actor: User, action: str, endpoint: HookEndpoint, now: datetime, detail: dict[str, Any]) -> None:
    audit.record(
        actor, action, endpoint, now=now, account=endpoint.account_id, detail={"name": endpoint.name, **detail}
    )
