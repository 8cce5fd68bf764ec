"""Says who looks after flows and workflow rules and how they are tagged, and lets people set it.

An owner who may no longer work on alerts, or is disabled, stays as the name that was set and counts as gone: no alert
hangs on an owner alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.db import transaction

from monitor import audit
from monitor.access import may
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.models import Flow, Ownership, Tag, TagUse, User, WorkflowRule
from monitor.models.asking import Asking, answered
from monitor.tags import MOST_TAGS, BadTag, tag_of

NO_ADDRESS = gettext_noop(
    "The runbook is an address that begins with https:// or http://, without a name or password in it."
)


class OwnershipRefused(Exception):  # noqa: N818 - it says what happened
    """Says in one line for the person why nothing was set."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """Holds what people are to know of a flow or workflow rule.

    Attributes:
        runbook: the address of what to do when it fails.
        note: in a sentence or three.
        value: what one successful run is worth or means, in words.
    """

    runbook: str = ""
    note: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """Holds who looks after a thing, and its tags, for pages and exports.

    Attributes:
        owner: None where nobody does.
        tags: in order.
        is_gone: whether the owner may not work on alerts any more.
        guidance: what people are to know of it.
    """

    owner: User | None = None
    tags: tuple[str, ...] = ()
    is_gone: bool = False
    guidance: Guidance = Guidance()

    @property
    def name(self) -> str:
        """Is the owner's username; empty where there is none."""
        return self.owner.get_username() if self.owner is not None else ""


def ownership_of(thing: Flow | WorkflowRule) -> Owned:
    """Returns who looks after a thing. Two statements, or none where `with_ownership` joined it in."""
    row: Ownership | None = getattr(thing, "ownership", None)
    if row is None:
        return Owned()
    owner = row.owner
    guidance = Guidance(row.runbook, row.note, row.value)
    tags = tuple(sorted(tag.name for tag in row.tags.all()))
    return Owned(owner, tags, owner is not None and is_gone(owner), guidance)


class Labels(NamedTuple):
    """Holds the keys of the tags of a thing and of its owner."""

    tags: frozenset[int] = frozenset()
    owner: int | None = None


NO_LABELS = Labels()


def labels(of: str, *, account_id: int | None = None, keys: Collection[int] | None = None) -> dict[int, Labels]:
    """Returns the tags and owners of flows or workflow rules by their keys, of those that have any. One statement.

    Args:
        of: "flow" or "rule".
        account_id: only of this account.
        keys: only of these; none at all where it is empty.
    """
    return answered(ask_labels(of, account_id=account_id, keys=keys))


def ask_labels(
    of: str, *, account_id: int | None = None, keys: Collection[int] | None = None
) -> Asking[dict[int, Labels]]:
    """Asks for what `labels` returns."""
    if keys is not None and not keys:
        return {}
    rows = Ownership.objects.exclude(**{of: None}).order_by()
    uses = TagUse.objects.exclude(**{f"ownership__{of}": None}).order_by()
    if account_id is not None:
        rows = rows.filter(**{f"{of}__account": account_id})
        uses = uses.filter(**{f"ownership__{of}__account": account_id})
    if keys is not None:
        rows, uses = rows.filter(**{f"{of}__in": keys}), uses.filter(**{f"ownership__{of}__in": keys})
    tags: defaultdict[int, set[int]] = defaultdict(set)
    pairs, owners = yield [uses.values_list(f"ownership__{of}", "tag"), rows.values_list(of, "owner")]
    for key, tag in pairs:
        tags[key].add(tag)
    return {key: Labels(frozenset(tags[key]), owner) for key, owner in owners}


def is_gone(owner: User) -> bool:
    """Returns whether an owner may not work on alerts any more."""
    return not may(owner, "acknowledge")


def is_web_address(text: str) -> bool:
    """Returns whether a page may link to a text: an address of the web, without a name or password in it."""
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname)
    except ValueError:
        return False
    is_plain = text.isprintable() and " " not in text
    return parts.scheme in ("http", "https") and has_host and "@" not in parts.netloc and is_plain


def set_ownership(
    thing: Flow | WorkflowRule,
    owner: User | None,
    tags: Collection[str],
    user: User,
    now: datetime,
    guidance: Guidance | None = None,
) -> bool:
    """Sets who looks after a flow or workflow rule, and its tags; returns whether that changed anything.

    Args:
        thing: with its account.
        owner: who may work on alerts; who is the owner already may stay; None for nobody.
        tags: words, in any form.
        user: who sets it.
        now: when.
        guidance: what people are to know of it; None leaves it as it was.

    Raises:
        PermissionDenied: the person may not.
        OwnershipRefused: the owner may not work on alerts, a word is no tag, or the runbook is no address; nothing was
            set.
    """
    if not may(user, "ownership", thing.account):
        raise PermissionDenied
    try:
        wanted = sorted({tag_of(word) for word in tags})
    except BadTag as fault:
        raise OwnershipRefused(str(fault)) from None
    if len(wanted) > MOST_TAGS:
        raise OwnershipRefused(_("At most %(most)s tags.") % {"most": MOST_TAGS})
    if guidance is not None and guidance.runbook and not is_web_address(guidance.runbook):
        raise OwnershipRefused(_(NO_ADDRESS))
    link: dict[str, Any] = {"flow": thing} if isinstance(thing, Flow) else {"rule": thing}
    with transaction.atomic():
        Ownership.objects.get_or_create(**link)
        # Held until the end: of two who set it at once each says truly what the other left.
        row = Ownership.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").get(**link)
        if owner is not None and owner.pk != row.owner_id and not may(owner, "acknowledge", thing.account):
            raise OwnershipRefused(_("%(person)s may not work on alerts.") % {"person": owner.get_username()})
        before = {
            "owner": row.owner.get_username() if row.owner is not None else None,
            "tags": sorted(row.tags.values_list("name", flat=True)),
        }
        after = {"owner": owner.get_username() if owner is not None else None, "tags": wanted}
        told = asdict(guidance) if guidance is not None else {}
        before |= {name: getattr(row, name) for name in told}
        after |= told
        changed = audit.changes(before, after)
        if not changed:
            return False
        Ownership.objects.filter(pk=row.pk).update(owner=owner, **told)
        row.tags.set([Tag.objects.get_or_create(name=name)[0] for name in wanted])
        audit.record(user, "ownership.set", thing, now=now, account=thing.account_id, detail=changed)
    return True
