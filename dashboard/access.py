"""The one door to each object for a person.

An anonymous visitor never gets here (`dashboard.middleware` sends them to sign in). Without the right the
answer is 403, for what does not exist 404. In this version every person may see every account, so a 403 gives
nothing away; rights per account belong here, and must then answer 404 to outsiders.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from monitor.models import ZohoAccount, may

M = TypeVar("M", bound=Model)


def _account_of(thing: Model) -> ZohoAccount | None:
    """The Zoho account a row belongs to, without another query where it was joined in."""
    if isinstance(thing, ZohoAccount):
        return thing
    account = getattr(thing, "account", None)
    return account if isinstance(account, ZohoAccount) else None


def get_or_404(user: Any, model: type[M] | QuerySet[M], pk: int, *, action: str = "view") -> M:
    """The object with this primary key, if the person may do `action` to it.

    Args:
        user: who asks (`request.user`).
        model: a model, or a queryset of it with the joins the page needs.
        pk: the primary key from the address; of any size.
        action: a right of `monitor.models.may`.

    Raises:
        Http404: there is no such row.
        PermissionDenied: it exists, but the person may not.
    """
    rows = model if isinstance(model, QuerySet) else model._default_manager.all()
    thing = rows.filter(pk=pk).first()
    if thing is None:
        raise Http404
    if not may(user, action, _account_of(thing)):
        raise PermissionDenied
    return thing


def requires(action: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Decorates a view that needs a right whatever the object, such as ``@requires("users")``.

    Raises:
        PermissionDenied: (from the view) the signed-in person lacks the right; the page is a 403.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request.user, action):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate
