"""Reads which scopes an account's sign-in lacks for what people want to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.models import ApiToken, ZohoAccount
from monitor.zoho.scopes import CHOICES, REASONS, ScopeChoice, missing_scopes, surely_missing


@dataclass(frozen=True, slots=True)
class MissingScopes:
    """Holds what a page needs that was not granted.

    Attributes:
        account: whose sign-in it is.
        choice: what to tick where the account is connected.
        scopes: each with what it is for.
        is_named: whether Zoho named what was granted; else it only refused, and one of these is missing.
    """

    account: ZohoAccount
    choice: ScopeChoice
    scopes: tuple[tuple[str, str], ...]
    is_named: bool = True


def lacking(account: ZohoAccount, choice: str, needed: Sequence[str] = ()) -> MissingScopes | None:
    """Returns what was not granted, by Zoho's own word; None where all was, or where that is not known. One statement.

    Args:
        account: whose.
        choice: one of `monitor.zoho.scopes.CHOICES`.
        needed: those of its scopes that are needed; none: all.
    """
    return lacking_of(account, choice, needed, granted_to(account))


def lacking_of(account: ZohoAccount, choice: str, needed: Sequence[str], granted: str) -> MissingScopes | None:
    """Returns the same by what was granted, as `granted_to` reads it. Pure."""
    of = CHOICES[choice]
    missing = surely_missing(tuple(needed) or of.scopes, granted)
    return MissingScopes(account, of, _told(missing)) if missing else None


def refused(account: ZohoAccount, choice: str) -> MissingScopes:
    """Returns what may be missing, where Zoho refused for want of a scope.

    Args:
        account: whose.
        choice: one of `monitor.zoho.scopes.CHOICES`.
    """
    of = CHOICES[choice]
    return MissingScopes(account, of, _told(of.scopes), is_named=False)


def chosen_before(account: ZohoAccount) -> set[str]:
    """Returns the names of the choices that were granted whole, by Zoho's own word. One statement."""
    granted = granted_to(account)
    return {name for name, choice in CHOICES.items() if granted and not missing_scopes(choice.scopes, granted)}


def granted_to(account: ZohoAccount) -> str:
    """Returns the scopes as Zoho named them; "" where it did not."""
    return ApiToken.objects.filter(account=account).values_list("granted", flat=True).first() or ""


def _told(scopes: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((scope, REASONS[scope]) for scope in scopes)
