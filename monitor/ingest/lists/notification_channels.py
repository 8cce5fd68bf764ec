"""Opens, renews and closes the channels by which Zoho CRM notifies us of changed records.

Source: `docs/reference/zoho-crm.md`, Notification channels. A channel lives at most a week, one hour unless asked; a
longer wish silently becomes one hour, so what was granted is read back, and a wish that was not granted is lowered.
They only bring hints: what is wrong with them is told, and never makes the mirror incomplete.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Exists, QuerySet
from django.urls import reverse

from monitor.connection.budget import KeptForOthers
from monitor.ingest.base.context import Context
from monitor.models import Product, Stream, StreamState, WatchChannel, WatchChoice, WorkflowRule, ZohoAccount
from monitor.zoho.crm import CrmClient
from monitor.zoho.crm.channels import CHANNELS_LIMIT
from monitor.zoho.errors import ClientRefused, GrantRevoked, ScopeMissing, Wait, ZohoError
from monitor.zoho.scopes import WATCH_SCOPES
from monitor.zoho.shapes.channels import WatchChannel as SeenChannel
from monitor.zoho.shapes.channels import WatchResult, WatchWish

# A day less than the week: Zoho's clock may be behind ours. None leaves the life to Zoho: one hour.
WISHES = (timedelta(days=6), timedelta(hours=23), None)
SHORTFALL = timedelta(minutes=10)  # less than asked for by more than this is another life than the wished one
NEW_TRIES = 10  # after so many refusals in a row a module is only tried once a day
LOOK = timedelta(minutes=5)
URL_LIMIT = 255
# A person's request that was on its way has arrived by then, or never will: the transport gives up after 45 s.
STILL_ON_ITS_WAY = timedelta(minutes=2)
MOST_LOST = 10  # requests without an answer that are read about in one sweep


@dataclass(frozen=True)
class ChannelPlan:
    """Sorts an account's channels by what to do with them now."""

    open: list[WatchChannel]
    renew: list[WatchChannel]
    close: list[WatchChannel]


def plan(channels: Iterable[WatchChannel], wanted: set[str], now: datetime) -> ChannelPlan:
    """Sorts channels by what they need. Pure.

    Args:
        channels: all of an account.
        wanted: modules that are to be watched.
        now: the present.
    """
    found = ChannelPlan([], [], [])
    for channel in channels:
        if channel.open_act:
            continue  # a person's request has no answer yet: what Zoho shows is read first
        if channel.module not in wanted:
            found.close.append(channel)
        elif channel.retry_at is not None and channel.retry_at > now:
            continue
        elif channel.expires_at is None or channel.expires_at <= now:
            found.open.append(channel)
        elif now >= renew_at(channel):
            found.renew.append(channel)
    return found


def renew_at(channel: WatchChannel) -> datetime:
    """Returns half of its life: enough time for many tries. Pure; the channel must be open."""
    assert channel.expires_at is not None  # noqa: S101 - tells the type checker what the caller has looked at
    begun = channel.granted_at or channel.expires_at
    return begun + (channel.expires_at - begun) / 2


def next_rung(channel: WatchChannel, granted: datetime, now: datetime) -> int:
    """Picks the next wish: a lower one where Zoho gave less than this one asked for. Pure."""
    wish = WISHES[channel.rung]
    if wish is None or granted >= now + wish - SHORTFALL:
        return channel.rung
    return channel.rung + 1


def retry_after(tries: int) -> timedelta:
    """Says how long to wait after a refusal: 1 min, doubling to 6 h; a day after many in a row. Pure."""
    if tries >= NEW_TRIES:
        return timedelta(days=1)
    return min(timedelta(minutes=1) * (1 << min(tries, 9)), timedelta(hours=6))


def keep_channels(context: Context, client: CrmClient) -> None:
    """Opens, renews and closes what is due. Refusals of Zoho end up in the rows and in the stream's reason."""
    account, now = context.account, context.clock()
    rows = WatchChannel.objects.filter(account=account)
    # One statement: most accounts have none of the three, and are asked in every sweep.
    is_on, chosen, watched, noted = (
        ZohoAccount.objects.filter(pk=account.pk)
        .values_list("watches_records", Exists(_choices(account)), Exists(rows), Exists(_stream(context)))
        .first()
    ) or (False, False, False, False)
    wanted = _wanted(account, is_on=is_on) if is_on or chosen else set[str]()
    if not wanted and not watched:
        if noted:
            _forget_stream(context)
        return
    _add_missing(context, wanted)
    trouble = settle_lost(context, client)
    trouble = _ask(context, plan(rows.all(), wanted, now).renew, client.replace_channels) or trouble
    # What could not be renewed because Zoho has forgotten it is opened again at once.
    now_due = plan(rows.all(), wanted, now)
    with context.writing():
        # Notifications may come before the answer does: the door believes them for some minutes.
        rows.filter(pk__in=[channel.pk for channel in now_due.open]).update(asked_at=now)
    trouble = _ask(context, now_due.open, client.subscribe) or trouble
    trouble = _close(context, client, now_due.close) or trouble
    _note(context, trouble, is_on=bool(wanted))


Ask = Callable[[Sequence[WatchWish]], list[WatchResult]]


def _ask(context: Context, channels: Sequence[WatchChannel], ask: Ask) -> str:
    """Sends the wishes and stores what came of them; returns what went wrong, or ""."""
    trouble = ""
    for start in range(0, len(channels), CHANNELS_LIMIT):
        batch = channels[start : start + CHANNELS_LIMIT]
        try:
            results = context.call(partial(ask, [wish(channel, context.clock()) for channel in batch]))
        except (GrantRevoked, ClientRefused):
            raise
        except Wait as stop:
            return _put_off(context, stop)
        except ZohoError as error:
            trouble = told(error)
            _refused(context, batch, trouble)
        else:
            _store(context, batch, results)
    return trouble


def _put_off(context: Context, stop: Wait) -> str:
    """Leaves all channels as they are where our limits, or Zoho, want a moment: that is no refusal of any."""
    if not isinstance(stop, KeptForOthers):
        context.halt(Product.CRM, stop)
    return str(stop)


def notify_url(channel_id: str) -> str:
    """Builds the address at which Zoho calls back."""
    return f"{settings.PUBLIC_URL}{reverse('hook_crm', args=[channel_id])}"


def _wanted(account: ZohoAccount, *, is_on: bool) -> set[str]:
    """Lists the modules with rules, where their records are watched, and those that people chose by hand.

    None unless Zoho can reach us over HTTPS.
    """
    if not settings.PUBLIC_URL.startswith("https://") or len(notify_url("9" * 18)) > URL_LIMIT:
        return set()
    rules = WorkflowRule.objects.filter(account=account, gone_at=None).exclude(active=False).exclude(module="")
    found = set(rules.values_list("module", flat=True)) if is_on else set[str]()
    for module, is_wanted in _choices(account).values_list("module", "is_wanted"):
        found = found | {module} if is_wanted else found - {module}
    return found


def _choices(account: ZohoAccount) -> QuerySet[WatchChoice]:
    return WatchChoice.objects.filter(account=account)


def settle_lost(context: Context, client: CrmClient) -> str:
    """Reads what became of people's requests whose answer was lost, one call each; returns what went wrong, or ""."""
    lost = WatchChannel.objects.filter(account=context.account, open_act_at__lte=context.clock() - STILL_ON_ITS_WAY)
    trouble = ""
    for channel in lost.exclude(open_act="").order_by("open_act_at", "pk")[:MOST_LOST]:
        seen = None
        try:
            page = context.call(partial(client.list_channels, channel_id=channel.channel_id))
            seen = next((one for one in page.items if one.channel_id == channel.channel_id), None)
        except (GrantRevoked, ClientRefused):
            raise
        except Wait as stop:
            return _put_off(context, stop)
        except ScopeMissing as error:
            trouble = told(error)  # then it is asked for once more: each of the three may be done twice
        except ZohoError as error:
            trouble = told(error)
            continue
        with context.writing():
            settle(channel, seen)
    return trouble


def settle(channel: WatchChannel, seen: SeenChannel | None) -> None:
    """Writes down what Zoho shows of a channel: that it is open until when, or that there is none."""
    mine = WatchChannel.objects.filter(pk=channel.pk, open_act=channel.open_act, open_act_at=channel.open_act_at)
    if seen is None and channel.open_act == WatchChannel.Act.STOP:
        mine.delete()
        return
    values: dict[str, object] = {"open_act": "", "open_act_at": None, "retry_at": None, "reason": ""}
    if seen is None:
        values |= {"expires_at": None, "granted_at": None}
    elif channel.open_act != WatchChannel.Act.STOP:
        values |= {"granted_at": channel.open_act_at, "expires_at": seen.channel_expiry or channel.expires_at}
    mine.update(**values)


def _add_missing(context: Context, wanted: set[str]) -> None:
    """Adds a row for each module before Zoho is asked: a notification may come before the answer does."""
    known = WatchChannel.objects.filter(account=context.account)
    for module in sorted(wanted - set(known.values_list("module", flat=True))):
        with context.writing():
            new_channel(context.account, module).save(force_insert=True)
    for channel in known:
        if channel.notify_url != notify_url(channel.channel_id):
            # Our address changed: the channel calls where nobody answers any more, and is opened again.
            with context.writing():
                WatchChannel.objects.filter(pk=channel.pk).update(
                    notify_url=notify_url(channel.channel_id), expires_at=None, retry_at=None
                )


def new_channel(account: ZohoAccount, module: str) -> WatchChannel:
    """Makes a channel that Zoho is not asked for yet; it is not saved."""
    channel_id = str(10**17 + secrets.randbelow(9 * 10**17))
    return WatchChannel(
        account=account,
        module=module,
        channel_id=channel_id,
        token=secrets.token_urlsafe(32),
        notify_url=notify_url(channel_id),
    )


def wish(channel: WatchChannel, now: datetime) -> WatchWish:
    life = WISHES[channel.rung]
    return WatchWish(
        channel_id=channel.channel_id,
        events=(f"{channel.module}.all",),
        notify_url=channel.notify_url,
        token=channel.token,
        channel_expiry=None if life is None else (now + life).replace(microsecond=0),
    )


def _store(context: Context, batch: Sequence[WatchChannel], results: Sequence[WatchResult]) -> None:
    """Stores what Zoho said of each channel; results come in the order of the wishes."""
    by_id = {channel_id: result for result in results for channel_id in result.channel_ids}
    in_order = results if len(results) == len(batch) else [None] * len(batch)
    now = context.clock()
    with context.writing():
        for channel, placed in zip(batch, in_order, strict=True):
            result = by_id.get(channel.channel_id) or placed
            WatchChannel.objects.filter(pk=channel.pk).update(**outcome(channel, result, now))


def outcome(channel: WatchChannel, result: WatchResult | None, now: datetime) -> Mapping[str, object]:
    if result is not None and result.ok:
        granted = result.channel_expiry or now + timedelta(hours=1)
        return {
            "granted_at": now,
            "expires_at": granted,
            "rung": next_rung(channel, granted, now),
            "tries": 0,
            "retry_at": None,
            "refused_at": None,
            "reason": "",
        }
    code = result.code if result is not None else "Zoho's answer did not name it"
    return refusal(channel, code, now)


def refusal(channel: WatchChannel, reason: str, now: datetime) -> Mapping[str, object]:
    """Returns what to store of a channel that Zoho refused. Pure."""
    if "NOT_SUBSCRIBED" in reason:
        return {"expires_at": None, "granted_at": None, "retry_at": None, "reason": "NOT_SUBSCRIBED"}
    return {
        "tries": min(channel.tries + 1, NEW_TRIES),
        "retry_at": now + retry_after(channel.tries),
        "refused_at": now,
        "reason": reason[:300],
    }


def _refused(context: Context, batch: Sequence[WatchChannel], reason: str) -> None:
    now = context.clock()
    with context.writing():
        for channel in batch:
            WatchChannel.objects.filter(pk=channel.pk).update(**refusal(channel, reason, now))


def _close(context: Context, client: CrmClient, channels: Sequence[WatchChannel]) -> str:
    """Closes channels at Zoho and forgets them; one that cannot be closed stays until it has run out."""
    trouble = ""
    now = context.clock()
    open_ones = [channel for channel in channels if channel.expires_at is not None and channel.expires_at > now]
    for start in range(0, len(open_ones), CHANNELS_LIMIT):
        batch = open_ones[start : start + CHANNELS_LIMIT]
        try:
            context.call(partial(client.unsubscribe, [channel.channel_id for channel in batch]))
        except (GrantRevoked, ClientRefused):
            raise
        except Wait as stop:
            return _put_off(context, stop)
        except ZohoError as error:
            if "NOT_SUBSCRIBED" not in f"{getattr(error, 'code', '')} {error}":
                trouble = told(error)
                channels = [channel for channel in channels if channel not in batch]
    with context.writing():
        WatchChannel.objects.filter(pk__in=[channel.pk for channel in channels]).delete()
    return trouble


def told(error: ZohoError) -> str:
    if isinstance(error, ScopeMissing):
        return f"Zoho refuses notifications: reconnect the account and grant {', '.join(WATCH_SCOPES)}"
    return f"{error.code} {error.said or error.message}".strip()


def _forget_stream(context: Context) -> None:
    """Deletes the stream's row: where nothing is watched nothing is due."""
    with context.writing():
        _stream(context).delete()


def _stream(context: Context) -> QuerySet[StreamState]:
    return StreamState.objects.filter(account=context.account, stream=Stream.CHANNELS)


def _note(context: Context, trouble: str, *, is_on: bool) -> None:
    """Writes the stream's row; it is never "failing": hints that do not come leave no hole, the reading goes on."""
    now = context.clock()
    channels = list(WatchChannel.objects.filter(account=context.account))
    if not is_on and not channels:
        _forget_stream(context)  # the last one was closed just now
        return
    living = [channel for channel in channels if channel.expires_at is not None and channel.expires_at > now]
    trouble = trouble or next((f"{one.module}: {one.reason}" for one in channels if one.reason), "")
    state = StreamState.State.OK if len(living) == len(channels) else StreamState.State.NOT_AVAILABLE
    due = [one.retry_at or renew_at(one) for one in living] + [
        one.retry_at or now for one in channels if one not in living
    ]
    before = _stream(context).values_list("state", flat=True).first()
    values: dict[str, object] = {
        "state": state,
        "reason": trouble[:500],
        "last_tried_at": now,
        "item_count": len(living),
        # Looked at often enough that a switch takes effect soon; that costs no call.
        "next_due_at": min(max(min(due, default=now + LOOK), now + timedelta(seconds=30)), now + LOOK),
    }
    if before != state:
        values["since"] = now
    if state == StreamState.State.OK:
        values["last_read_at"] = now
    with context.writing():
        StreamState.objects.update_or_create(account=context.account, stream=Stream.CHANNELS, defaults=values)
