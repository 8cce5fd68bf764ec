"""Opens, renews or closes one notification channel, because a person asked for it: one request, never sent again.

The intent is committed before the request leaves. Where its answer is lost it stays in the row, and the next sweep
reads what Zoho shows (`notification_channels.settle_lost`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from monitor.connection import AccountClients
from monitor.connection.lost_answer import Proof, proof_of
from monitor.ingest.lists.notification_channels import new_channel, notify_url, outcome, refusal, told, wish
from monitor.models import Stream, StreamState, WatchChannel, ZohoAccount
from monitor.privacy import mask_text
from monitor.vault import VaultError
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import NotSent, ZohoError
from monitor.zoho.shapes.channels import WatchResult

LONGEST_CALL = 20.0  # seconds; a person waits for it
Act = WatchChannel.Act
DONE = {Act.OPEN: "is watched now", Act.RENEW: "was renewed", Act.STOP: "is not watched any more"}


class OpenForChannels(Protocol):
    """Opens the clients of an account, as `monitor.connection.open_account` does."""

    def __call__(
        self, account: ZohoAccount, *, priority: Literal["people"], total: float
    ) -> AbstractContextManager[AccountClients]: ...


@dataclass(frozen=True, slots=True)
class ByHandAnswer:
    """Says what became of a request: "done", "refused" or "unknown", and one line for the person."""

    state: str
    words: str


def ask_by_hand(
    account: ZohoAccount, module: str, act: str, *, clock: Callable[[], datetime], open_account: OpenForChannels
) -> ByHandAnswer:
    """Asks Zoho once to open, renew or close the channel of one module.

    Args:
        account: whose.
        module: its name in the API.
        act: of `WatchChannel.Act`.
        clock: the present at each step.
        open_account: see `OpenForChannels`.
    """
    channel = _channel(account, module, act)
    if channel is None:
        return ByHandAnswer("refused", f"There is no channel of {module}.")
    now = clock()
    claim = {"open_act": act, "open_act_at": now} | ({"asked_at": now} if act == Act.OPEN else {})
    # Committed by itself: whoever dies after it leaves a request whose answer is not known.
    if not WatchChannel.objects.filter(pk=channel.pk, open_act="").update(**claim):
        return ByHandAnswer("refused", f"The answer about {module} is still to come: nothing was sent.")
    channel.open_act, channel.open_act_at = act, now
    try:
        with open_account(account, priority="people", total=LONGEST_CALL) as clients:
            if clients.crm is None:
                raise NotSent("the account has no Zoho CRM any more")
            result = _request(clients.crm, channel, act, clock())
    except (ZohoError, VaultError) as error:
        return _failed(channel, error, clock())
    return _answered(channel, result, clock())


def _channel(account: ZohoAccount, module: str, act: str) -> WatchChannel | None:
    """Finds the channel of a module, with our present address; one that is to be opened is made."""
    rows = WatchChannel.objects.filter(account=account, module=module)
    found = rows.first()
    if found is None and act == Act.OPEN:
        with suppress(IntegrityError), transaction.atomic():  # a sweep may make it meanwhile
            new_channel(account, module).save(force_insert=True)
        found = rows.first()
    if found is not None and act != Act.STOP and found.notify_url != notify_url(found.channel_id):
        found.notify_url = notify_url(found.channel_id)
        rows.filter(pk=found.pk).update(notify_url=found.notify_url)
    return found


def _request(client: CrmClient, channel: WatchChannel, act: str, now: datetime) -> WatchResult | None:
    """Sends the one request; returns what Zoho says of this channel."""
    if act == Act.STOP:
        results = client.unsubscribe([channel.channel_id])
    else:
        ask = client.subscribe if act == Act.OPEN else client.replace_channels
        results = ask([wish(channel, now)])
    named = [one for one in results if channel.channel_id in one.channel_ids]
    return next(iter(named), results[0] if len(results) == 1 else None)


def _answered(channel: WatchChannel, result: WatchResult | None, now: datetime) -> ByHandAnswer:
    if result is None:
        return _lost(channel, now)
    if channel.open_act == Act.STOP and (result.ok or result.code == "NOT_SUBSCRIBED"):
        _mine(channel).delete()
        return ByHandAnswer("done", f"{channel.module} {DONE[Act.STOP]}.")
    if channel.open_act == Act.STOP:
        return _refused(channel, result.code, now)
    _mine(channel).update(open_act="", open_act_at=None, **outcome(channel, result, now))
    if result.ok:
        return ByHandAnswer("done", f"{channel.module} {DONE[Act(channel.open_act)]}.")
    if result.code == "NOT_SUBSCRIBED":
        return ByHandAnswer("refused", f"Zoho has no channel of {channel.module} any more: it is opened again soon.")
    return ByHandAnswer("refused", f"Zoho refuses it: {mask_text(result.code)}.")


def _failed(channel: WatchChannel, error: ZohoError | VaultError, now: datetime) -> ByHandAnswer:
    proof = Proof.NOT_SENT if isinstance(error, VaultError) else proof_of(error)
    if proof == Proof.NOTHING:
        return _lost(channel, now)
    said = told(error) if isinstance(error, ZohoError) else str(error)
    if channel.open_act == Act.STOP and "NOT_SUBSCRIBED" in said:
        _mine(channel).delete()
        return ByHandAnswer("done", f"{channel.module} {DONE[Act.STOP]}.")
    if proof == Proof.REJECTED:
        return _refused(channel, said, now)
    _mine(channel).update(open_act="", open_act_at=None)
    return ByHandAnswer("refused", f"Nothing was done: {mask_text(said)[:300]}.")


def _refused(channel: WatchChannel, reason: str, now: datetime) -> ByHandAnswer:
    _mine(channel).update(open_act="", open_act_at=None, **refusal(channel, reason, now))
    return ByHandAnswer("refused", f"Zoho refuses it: {mask_text(reason)[:300]}.")


def _lost(channel: WatchChannel, now: datetime) -> ByHandAnswer:
    """Leaves the request open: what Zoho shows is read by a sweep, in two minutes at the earliest."""
    StreamState.objects.filter(account=channel.account_id, stream=Stream.CHANNELS).update(next_due_at=now)
    words = "The answer was lost: it may have been done. What Zoho shows is read within minutes; nothing is sent again."
    return ByHandAnswer("unknown", words)


def _mine(channel: WatchChannel) -> QuerySet[WatchChannel]:
    """Selects the row only as long as this request is the one that is open."""
    return WatchChannel.objects.filter(pk=channel.pk, open_act=channel.open_act, open_act_at=channel.open_act_at)
