"""Keeps an account to the one organisation of Zoho that it mirrors.

A grant answers for whatever organisation was chosen on Zoho's page. Were it stored for an account of another one, both
would be mixed in one mirror, and the first one's flows counted as deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitor.models import Flow, Organisation, WorkflowRule, ZohoAccount
from monitor.zoho.datacenters import DEVELOPER, SANDBOX, known_api_host
from monitor.zoho.errors import GrantRevoked
from monitor.zoho.shapes.org import Org

NAME_SHOWN = 80  # characters of an organisation's name in a line for people
MOST_PAGES = 25  # of a list, looked through for something that is mirrored
_NOT_PRODUCTION = (SANDBOX, DEVELOPER)


class OtherOrganisation(GrantRevoked):
    """Says that the account's grant answers for another organisation: nothing may be mirrored with it."""

    default_hint = (
        "Nothing is read until the account is connected again with a grant of its own organisation; "
        "connect the other one as a new account."
    )


@dataclass(frozen=True, slots=True)
class Identity:
    """Holds what is known of an organisation; "" where Zoho did not say.

    Attributes:
        zgid: the id that all of Zoho's products share.
        org_id: CRM's own id of it.
        name: for people.
        kind: production, sandbox, developer, or another word of Zoho's.
        time_zone: a name of the tz database, as Zoho spells it.
    """

    zgid: str = ""
    org_id: str = ""
    name: str = ""
    kind: str = ""
    time_zone: str = ""

    @property
    def is_known(self) -> bool:
        """Returns whether there is an id to compare."""
        return bool(self.zgid or self.org_id)

    @property
    def shown(self) -> str:
        """Returns name, id and what is special of it, for people."""
        words = f"id {self.zgid or self.org_id or 'not known'}"
        words += f", a {self.kind} organisation" if self.kind in _NOT_PRODUCTION else ""
        return f"“{self.name[:NAME_SHOWN]}” ({words})" if self.name else words


def identity_of(org: Org | None, api_domain: str | None = None) -> Identity:
    """Returns what Zoho's answers say of the organisation.

    Args:
        org: CRM's answer; None where it could not be had.
        api_domain: of the token reply: it too tells a sandbox.
    """
    host = known_api_host(api_domain or "")
    by_host = host.kind if host is not None else ""
    kind = by_host if by_host in _NOT_PRODUCTION else (org.kind if org is not None else "") or by_host
    if org is None:
        return Identity(kind=kind[:20])
    return Identity(org.zgid, org.id, org.company_name[:200], kind[:20], org.time_zone[:64])


def zone_of(account: ZohoAccount) -> tzinfo:
    """Returns the zone in which the organisation's times are meant that name no offset; UTC where it is not known."""
    return _zone(remembered(account).time_zone) or UTC


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None  # Zoho may know zones that this machine does not


def remembered(account: ZohoAccount) -> Organisation:
    """Returns the account's row, unsaved and empty where nothing is remembered yet."""
    return Organisation.objects.filter(account=account).first() or Organisation(account=account)


def known_of(row: Organisation) -> Identity:
    """Returns what is remembered of an account's organisation."""
    return Identity(row.zgid, row.org_id, row.name, row.kind)


def is_same(known: Identity, told: Identity) -> bool | None:
    """Compares two identities: one organisation, two, or None where their ids cannot tell. Pure."""
    kinds = {known.kind, told.kind}
    if len(kinds) == 2 and kinds & set(_NOT_PRODUCTION) and "" not in kinds:
        return False
    if known.zgid and told.zgid:
        return known.zgid == told.zgid
    if known.org_id and told.org_id:
        return known.org_id == told.org_id
    return None


@dataclass(frozen=True, slots=True)
class Objection:
    """Says why a grant is not taken for an account; a person may overrule it where `can_be_confirmed`."""

    line: str
    can_be_confirmed: bool = False


def objection(
    name: str, known: Identity, told: Identity, overlaps: Mapping[str, bool | None], *, is_mirrored: bool
) -> Objection | None:
    """Decides whether a grant may be stored for an account that is connected already. Pure.

    Args:
        name: the account's.
        known: the organisation that is remembered.
        told: the organisation that the grant answers for.
        overlaps: by what is listed ("flows", "workflow rules"), whether any of it is mirrored here; None where there
            was nothing to compare.
        is_mirrored: whether anything is mirrored at all.
    """
    same = is_same(known, told)
    if same is False:
        return Objection(_other(name, known, told))
    if same:
        return None
    apart = [what for what, overlap in overlaps.items() if overlap is False]
    if apart:
        return Objection(
            f"none of the {apart[0]} that this grant lists is mirrored in “{name}”: it looks like another "
            f"organisation{_of(told)}. Nothing was changed. "
            "Connect that one as a new account, under another name",
            can_be_confirmed=True,
        )
    if any(overlaps.values()) or not (known.is_known or is_mirrored):
        return None
    return Objection(
        f"it cannot be told whether this grant is for the organisation of “{name}”{_of(known)}: its answers name "
        "none, and list nothing that is mirrored here. Nothing was changed. Grant the scope ZohoCRM.org.READ too, or "
        "connect it as a new account, under another name",
        can_be_confirmed=True,
    )


def _other(name: str, known: Identity, told: Identity) -> str:
    if told.kind in _NOT_PRODUCTION and known.kind not in _NOT_PRODUCTION:
        choose = "Choose production, not a sandbox, on Zoho's page"
    else:
        choose = f"Choose {known.name[:NAME_SHOWN] or 'the right organisation'} on Zoho's page"
    return (
        f"this grant is for another organisation: {told.shown}. “{name}” mirrors {known.shown}. Nothing was changed. "
        f"{choose}, or connect the other one as a new account, under another name"
    )


def _of(identity: Identity) -> str:
    return f", {identity.shown}" if identity.is_known else ""


def overlap_of(mirrored: Callable[[list[str]], bool], pages: Iterable[list[str]]) -> bool | None:
    """Returns whether anything on the pages is mirrored; None where nothing could be found out.

    Args:
        mirrored: says whether any of some ids is.
        pages: the ids of each page; as many are asked for as it takes, `MOST_PAGES` at most.
    """
    found = False
    for number, ids in enumerate(pages, start=1):
        if ids and mirrored(ids):
            return True
        found = found or bool(ids)
        if number >= MOST_PAGES:
            return None
    return False if found else None


def has_flow(account: ZohoAccount, ids: list[str]) -> bool:
    """Returns whether any of Zoho's ids is a flow's that is mirrored in the account, deleted ones too."""
    return Flow.objects.filter(account=account, flow_id__in=ids).exists()


def has_rule(account: ZohoAccount, ids: list[str]) -> bool:
    """Returns whether any of Zoho's ids is a rule's that is mirrored in the account, deleted ones too."""
    return WorkflowRule.objects.filter(account=account, rule_id__in=ids).exists()


def remarks(account: ZohoAccount | None, told: Identity) -> list[str]:
    """Says what is worth knowing of an organisation that is being connected.

    Args:
        account: the account that is connected again; None for a new one.
        told: the organisation that the grant answers for.
    """
    found = []
    if told.kind in _NOT_PRODUCTION:
        found.append(f"Zoho says that this is a {told.kind} organisation")
    if other := also_mirrored_by(account, told):
        found.append(f"The account “{other}” mirrors this organisation too")
    return found


def also_mirrored_by(account: ZohoAccount | None, told: Identity) -> str:
    """Returns the name of another account that mirrors an organisation; "" where there is none."""
    rows = Organisation.objects.filter(zgid=told.zgid).select_related("account") if told.zgid else None
    found = next((row for row in rows or () if row.account != account and is_same(known_of(row), told)), None)
    return found.account.name if found is not None else ""


def remember(account: ZohoAccount, told: Identity, now: datetime) -> None:
    """Keeps the organisation that the account's grant answers for; what Zoho did not say now stays as it was."""
    said = {name: value for name in ("zgid", "org_id", "name", "kind", "time_zone") if (value := getattr(told, name))}
    values = {**said, "seen_at": now} if told.is_known else dict(said)
    values |= {"other_id": "", "other_name": "", "other_kind": "", "other_at": None}
    Organisation.objects.update_or_create(account=account, defaults=values)


def check(account: ZohoAccount, org: Org | None, now: datetime) -> None:
    """Compares what Zoho says of the organisation in a sweep with what is remembered.

    Args:
        account: whose grant was used.
        org: Zoho's answer; None where it could not be had.
        now: the present.

    Raises:
        OtherOrganisation: it is another one, or was and does not say that it is no more.
    """
    row, told = remembered(account), identity_of(org)
    if is_same(known_of(row), told) is False:
        if row.other_at is None or row.other_id != (told.zgid or told.org_id):
            row.other_at = now
        row.other_id, row.other_name, row.other_kind = told.zgid or told.org_id, told.name, told.kind
        row.save(update_fields=["other_id", "other_name", "other_kind", "other_at"])
    elif told.is_known:
        remember(account, told, now)
        return
    refuse_other(row)


def refuse_other(row: Organisation) -> None:
    """Ends what is done for an account whose grant was last seen to answer for another organisation.

    Raises:
        OtherOrganisation: so it was, and nothing says that it is over.
    """
    if row.other_at is not None:
        raise OtherOrganisation(differs(row), code="other_organisation")


def differs(row: Organisation) -> str:
    """Says in one line that an account's grant answers for another organisation; "" where it does not."""
    if row.other_at is None:
        return ""
    other = Identity(zgid=row.other_id, name=row.other_name, kind=row.other_kind)
    return f"Zoho answers for another organisation, {other.shown}, than this account's, {known_of(row).shown}"


def is_foreign(account: ZohoAccount) -> bool:
    """Returns whether the account's grant was last seen to answer for another organisation."""
    return Organisation.objects.filter(account=account).exclude(other_at=None).exists()
