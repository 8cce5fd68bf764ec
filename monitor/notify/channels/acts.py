"""Changes channels on an admin's word; each act leaves an entry in the audit trail, which holds no secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from monitor import audit
from monitor.models import Channel, ChannelStanding, Secret, User, ZohoAccount
from monitor.models.people import USUAL_DIGEST_HOUR
from monitor.notify.channels import standing
from monitor.notify.channels.services import SERVICES, hint_of, wrong_with
from monitor.standard_webhooks import make_secret

MOST_SECRETS = 3


@dataclass(frozen=True, slots=True)
class DigestWishes:
    """Holds what goes to a channel by the clock, of UTC: a value of `Channel.Digests`, its hour, and "I am alive"."""

    digest: str = ""
    hour: int = USUAL_DIGEST_HOUR
    alive: bool = False


class ChannelRefused(Exception):  # noqa: N818 - named for what happened
    """Says for people why an act is refused: `by_field` by field of the form, "" for all of it."""

    def __init__(self, by_field: dict[str, str]) -> None:
        super().__init__("; ".join(by_field.values()))
        self.by_field = by_field


def add(
    *,
    name: str,
    service: str,
    fields: dict[str, str],
    account: ZohoAccount | None,
    severity: str,
    actor: User,
    now: datetime,
    digests: DigestWishes | None = None,
) -> tuple[Channel, str]:
    """Adds a channel.

    Args:
        name: what people call it; unique.
        service: one of `Channel.Service`.
        fields: of the service's form.
        account: whose incidents go there; None for all.
        severity: one of `Channel.Severity`.
        actor: who adds it.
        now: the present.
        digests: what comes by the clock; None for nothing.

    Returns:
        The channel, and the secret that signs a webhook's messages, which is shown once; "" for other services.

    Raises:
        ChannelRefused: a field is not what the service takes, or the name is taken.
    """
    fields = _checked(service, fields)
    wishes = _allowed(service, digests) if digests is not None else {}
    channel = Channel(
        **wishes,
        name=name,
        service=service,
        account=account,
        severity=severity,
        added_by=actor,
        added_at=now,
        hint=hint_of(SERVICES[service], fields),
    )
    channel.fields = fields
    secret = make_secret() if service == Channel.Service.WEBHOOK else ""
    if secret:
        channel.secret_list = [Secret(secret, now)]
    with _names_are_unique(name), transaction.atomic():
        channel.save(force_insert=True)
        ChannelStanding.objects.create(channel=channel)
        _audit(actor, "channel.add", channel, now, {"service": service, "severity": severity})
    return channel, secret


def edit(
    channel: Channel,
    *,
    name: str,
    fields: dict[str, str],
    account: ZohoAccount | None,
    severity: str,
    actor: User,
    now: datetime,
    digests: DigestWishes | None = None,
) -> None:
    """Changes what was set of a channel; a secret that is left empty stays as it is.

    Args:
        channel: as it is.
        name: what people call it.
        fields: of the service's form; what is secret and empty is kept.
        account: whose incidents go there; None for all.
        severity: one of `Channel.Severity`.
        actor: who changes it.
        now: the present.
        digests: what comes by the clock; None to leave that as it is.

    Raises:
        ChannelRefused: a field is not what the service takes, or the name is taken.
        VaultError: what is kept cannot be read.
    """
    with _names_are_unique(name), transaction.atomic():
        row = Channel.objects.select_for_update().get(pk=channel.pk)
        known = row.fields
        kept = _kept(row.service, known, fields)
        wanted = _checked(row.service, kept | {key: value for key, value in fields.items() if value or key not in kept})
        wishes = _allowed(row.service, digests) if digests is not None else {}
        before = {"name": row.name, "account": row.account_id, "severity": row.severity}
        before |= {column: getattr(row, column) for column in wishes}
        if (wishes.get("digest") or row.digest) != row.digest or (wishes.get("wants_alive") and not row.wants_alive):
            row.digests_from = now  # what was due before nobody had asked for
        for column, value in wishes.items():
            setattr(row, column, value)
        row.name, row.account, row.severity = name, account, severity
        row.fields, row.hint = wanted, hint_of(SERVICES[row.service], wanted)
        row.save(update_fields=["name", "account", "severity", "address", "hint", "digests_from", *wishes])
        after = {"name": name, "account": row.account_id, "severity": severity} | wishes
        changed = sorted(key for key in wanted if wanted[key] != known.get(key, ""))
        detail: dict[str, Any] = audit.changes(before, after) | ({"address": changed} if changed else {})
        _audit(actor, "channel.edit", row, now, detail)
        if changed:  # what waits because of the old address may go out
            standing.begins_anew(row)


def switch(channel: Channel, *, on: bool, actor: User, now: datetime) -> None:
    """Switches a channel on or off; what waits for one that is off is given up.

    The ends of what it was told of wait until it is on again.

    Args:
        channel: the channel.
        on: whether it shall be notified.
        actor: who switches.
        now: the present.
    """
    with transaction.atomic():
        if Channel.objects.filter(pk=channel.pk).exclude(is_active=on).update(is_active=on):
            _audit(actor, "channel.on" if on else "channel.off", channel, now, {})
            if on:
                standing.begins_anew(channel)


def delete(channel: Channel, *, actor: User, now: datetime) -> None:
    """Deletes a channel with its secrets; what went there stays in the log.

    Args:
        channel: the channel.
        actor: who deletes it.
        now: the present.
    """
    with transaction.atomic():
        gone = {"deleted_at": now, "is_active": False, "address": "", "secrets": "", "hint": ""}
        if Channel.objects.filter(pk=channel.pk).update(**gone):
            _audit(actor, "channel.delete", channel, now, {})


def rotate(channel: Channel, *, actor: User, now: datetime) -> str:
    """Adds a secret to a signed webhook and returns it, to be shown once; messages are signed with the older ones too.

    Raises:
        ChannelRefused: there are as many as there may be, or the channel is of another service.
        VaultError: those that are there cannot be read.
    """
    secret = make_secret()
    with transaction.atomic():
        row = Channel.objects.select_for_update().get(pk=channel.pk)
        known = row.secret_list
        if row.service != Channel.Service.WEBHOOK:
            raise ChannelRefused({"": "Only a signed webhook has a secret of ours."})
        if len(known) >= MOST_SECRETS:
            raise ChannelRefused({"": f"There are {len(known)} secrets already: remove the old ones first."})
        row.secret_list = [*known, Secret(secret, now)]
        row.save(update_fields=["secrets"])
        _audit(actor, "channel.rotate", row, now, {"secrets": len(known) + 1})
    return secret


def retire(channel: Channel, *, actor: User, now: datetime) -> int:
    """Removes every secret of a signed webhook but the newest; returns how many.

    Raises:
        VaultError: they cannot be read.
    """
    with transaction.atomic():
        row = Channel.objects.select_for_update().get(pk=channel.pk)
        known = row.secret_list
        if len(known) > 1:
            row.secret_list = known[-1:]
            row.save(update_fields=["secrets"])
            _audit(actor, "channel.retire", row, now, {"removed": len(known) - 1})
    return max(len(known) - 1, 0)


def _kept(service: str, known: dict[str, str], fields: dict[str, str]) -> dict[str, str]:
    """Returns the secrets that a form may leave empty: none where they would be sent to another server than before."""
    places = [one.name for one in SERVICES[service].fields if one.is_origin and not one.is_secret]
    if any(fields.get(name, "").strip() != known.get(name, "") for name in places):
        return {}
    return {one.name: known.get(one.name, "") for one in SERVICES[service].fields if one.is_secret}


def _checked(service: str, fields: dict[str, str]) -> dict[str, str]:
    known = {one.name: fields.get(one.name, "").strip() for one in SERVICES[service].fields}
    if wrong := wrong_with(SERVICES[service], known, settings.CHANNEL_PRIVATE_HOSTS):
        raise ChannelRefused(wrong)
    return known


@contextmanager
def _names_are_unique(name: str) -> Iterator[None]:
    """Turns the database's refusal of a name that is taken into words."""
    try:
        yield
    except IntegrityError:
        raise ChannelRefused({"name": f"There is a channel named “{name}” already."}) from None


def _audit(actor: User, action: str, channel: Channel, now: datetime, detail: dict[str, Any]) -> None:
    audit.record(actor, action, channel, now=now, account=channel.account_id, detail={"name": channel.name, **detail})


def _allowed(service: str, wishes: DigestWishes) -> dict[str, Any]:
    """Returns the columns of what goes there by the clock.

    Raises:
        ChannelRefused: the service opens an incident for each message: somebody would be called for a digest.
    """
    if SERVICES[service].has_incidents and (wishes.digest or wishes.alive):
        field = "digest" if wishes.digest else "wants_alive"
        raise ChannelRefused({field: "A pager calls somebody for each message: digests do not go there."})
    return {"digest": wishes.digest, "digest_hour": wishes.hour, "wants_alive": wishes.alive}
