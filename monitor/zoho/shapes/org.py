"""Reads the CRM organisation and its users.

Source: docs/reference/zoho-crm.md, "Settings of the organisation".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.zoho import clean
from monitor.zoho.moments import moment
from monitor.zoho.shapes.base import Json, need_id, person


@dataclass(frozen=True, slots=True)
class Org:
    """Holds the organisation behind a CRM account; `paid_type` decides its API credits.

    `kind` is Zoho's `type`, in lower case: production, sandbox, developer, …; "" where it does not say.
    """

    id: str
    zgid: str
    company_name: str
    kind: str
    domain_name: str
    time_zone: str
    country_code: str
    paid_type: str  # as Zoho spells it: free, standard, enterprise, ultimate, zohooneenterprise, crmplusstarter, …
    trial_type: str  # the edition that is tried, "" where none is; `paid_type` is then mostly free
    trial_expiry: datetime | None
    users_license_purchased: int | None
    raw: Json = field(repr=False)

    def edition(self, now: datetime) -> str:
        """Returns the edition that is in force, as Zoho spells it, with "(trial)" behind one that is tried.

        Args:
            now: the present.
        """
        is_over = self.trial_expiry is not None and self.trial_expiry <= now
        if self.paid_type.lower() in {"", "free"} and self.trial_type and not is_over:
            return f"{self.trial_type} (trial)"
        return self.paid_type


@dataclass(frozen=True, slots=True)
class CrmUser:
    """Holds a user of the organisation; name and address are personal data."""

    id: str
    full_name: str
    email: str
    role: str
    profile: str
    status: str
    time_zone: str
    raw: Json = field(repr=False)


def org(record: Mapping[str, object]) -> Org:
    """Reads the organisation.

    Raises:
        Unusable: the record has no id.
    """
    licence = record.get("license_details")
    details: Mapping[str, object] = licence if isinstance(licence, Mapping) else {}
    return Org(
        id=need_id(record, "id", "zgid"),
        zgid=clean.identifier(record.get("zgid")),
        company_name=clean.line(record.get("company_name"), clean.NAME_LIMIT),
        kind=clean.word(record.get("type")),
        domain_name=clean.line(record.get("domain_name"), clean.NAME_LIMIT),
        time_zone=clean.line(record.get("time_zone"), clean.WORD_LIMIT),
        country_code=clean.line(record.get("country_code"), clean.WORD_LIMIT),
        paid_type=clean.line(details.get("paid_type"), clean.WORD_LIMIT),
        trial_type=clean.line(details.get("trial_type"), clean.WORD_LIMIT),
        trial_expiry=moment(details.get("trial_expiry")),
        users_license_purchased=clean.count(details.get("users_license_purchased")),
        raw=clean.mapping(record),
    )


def crm_user(record: Mapping[str, object]) -> CrmUser:
    """Reads one user.

    Raises:
        Unusable: the record has no id.
    """
    whole_name = record.get("full_name") or " ".join(
        part for part in (record.get("first_name"), record.get("last_name")) if isinstance(part, str)
    )
    return CrmUser(
        id=need_id(record, "id"),
        full_name=clean.line(whole_name, clean.NAME_LIMIT),
        email=clean.line(record.get("email"), clean.NAME_LIMIT),
        role=person(record.get("role")),
        profile=person(record.get("profile")),
        status=clean.word(record.get("status")),
        time_zone=clean.line(record.get("time_zone"), clean.WORD_LIMIT),
        raw=clean.mapping(record),
    )
