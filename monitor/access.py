"""Says who may do what, and opens objects to those who may: roles, rights, `may`, and the door `find`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet

from monitor.models import Role, User, ZohoAccount
from monitor.models.people import SYSTEM_USERNAME
from monitor.models.prepared import Prepared, PreparedAt

M = TypeVar("M", bound=Model)

EVERYBODY = frozenset(Role)
OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})

RIGHTS: dict[str, frozenset[Role]] = {
    "view": EVERYBODY,
    "export": OPERATORS,
    "acknowledge": OPERATORS,
    "silence": OPERATORS,
    "correct": OPERATORS,
    "alert_mails": OPERATORS,
    "alive_mails": ADMINS,
    "ownership": OPERATORS,
    "views.share": OPERATORS,
    "read": OPERATORS,
    "triage": OPERATORS,
    "findings": OPERATORS,
    "write_off": OPERATORS,
    "record_field": ADMINS,
    "retry": OPERATORS,
    "retry.accept_risk": ADMINS,
    "retry.override": ADMINS,
    "retry.bulk": ADMINS,
    "retry.policies": ADMINS,
    "retry.pin": ADMINS,
    "unmask": ADMINS,
    "accounts": ADMINS,
    "rules": ADMINS,
    "edits": ADMINS,
    "connections.test": OPERATORS,
    "users": ADMINS,
    "mails": ADMINS,
    "channels": ADMINS,
    "status_links": ADMINS,
}


def may(user: User | AnonymousUser | Any, action: str, account: ZohoAccount | None = None) -> bool:
    """Returns whether a person may do something.

    Args:
        user: who asks; anonymous and inactive people may nothing.
        action: a key of `RIGHTS`, such as ``"retry"``.
        account: the Zoho account it concerns; every person sees every account in this version.

    Raises:
        KeyError: there is no such right. A misspelt one must not pass for "nobody may".
    """
    roles = RIGHTS[action]
    if not isinstance(user, User) or not user.is_active:
        return False
    if account is not None and account.pk is None:
        return False
    return user.effective_role in roles


def who_may(action: str) -> Q:
    """Selects the people whom `may` lets do something, as a condition on `User`.

    The command line's own user may do everything, and is nobody who could be asked, told or put in charge.

    Args:
        action: a key of `RIGHTS`.

    Raises:
        KeyError: there is no such right.
    """
    roles = RIGHTS[action]
    has_role = Q(role__in=sorted(roles))
    may_by_role = has_role | Q(is_superuser=True) if Role.ADMIN in roles else has_role
    return Q(is_active=True) & may_by_role & ~Q(username=SYSTEM_USERNAME)


def find(user: Any, rows: QuerySet[M] | Prepared[M] | PreparedAt[M], pk: int, *, action: str = "view") -> M | None:
    """Opens one object to a person: the only door from a primary key in an address to a row.

    Who lacks the right is refused before anybody looks whether there is such a row, so that a refusal never tells
    which ids there are. Rights per account belong here, and must then answer None to outsiders.

    Args:
        user: who asks.
        rows: where to look, with the joins that the page needs; what is prepared takes the primary key.
        pk: the primary key from the address; of any size.
        action: a key of `RIGHTS`.

    Returns:
        The row; None where there is none.

    Raises:
        PermissionDenied: the person may not, whether it exists or not.
    """
    if not may(user, action):
        raise PermissionDenied
    # `first` of a queryset sorts, which takes a millisecond to compile.
    found = rows.rows(pk) if isinstance(rows, (Prepared, PreparedAt)) else rows.filter(pk=pk).order_by()[:1]
    thing = next(iter(found), None)
    if thing is not None and not may(user, action, _account_of(thing)):
        raise PermissionDenied
    return thing


def find_all(user: Any, rows: QuerySet[M], keys: Sequence[int], *, action: str = "view") -> dict[int, M]:
    """Opens several objects to a person, as `find` does one: those that are not there, or not for them, are missing.

    Args:
        user: who asks.
        rows: where to look.
        keys: primary keys from the address.
        action: a key of `RIGHTS`.

    Raises:
        PermissionDenied: the person may do it to none.
    """
    if not may(user, action):
        raise PermissionDenied
    return {thing.pk: thing for thing in rows.filter(pk__in=keys) if may(user, action, _account_of(thing))}


def _account_of(thing: Model) -> ZohoAccount | None:
    """Returns the Zoho account of a row, without another query where it was joined in."""
    if isinstance(thing, ZohoAccount):
        return thing
    account = getattr(thing, "account", None)
    return account if isinstance(account, ZohoAccount) else None
