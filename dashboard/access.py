"""Answers 404 and 403 for objects and pages that `monitor.access` does not open to a person.

An anonymous visitor never gets here: `dashboard.middleware` sends them to sign in.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse

from monitor.access import find, may
from monitor.models.prepared import Prepared, PreparedAt

M = TypeVar("M", bound=Model)


def get_or_404(
    user: Any, model: type[M] | QuerySet[M] | Prepared[M] | PreparedAt[M], pk: int, *, action: str = "view"
) -> M:
    """Opens the object with this primary key, if the person may do `action` to it.

    Args:
        user: who asks (`request.user`).
        model: a model, or a queryset of it with the joins the page needs, or such a one prepared.
        pk: the primary key from the address; of any size.
        action: a right of `monitor.access.RIGHTS`.

    Raises:
        Http404: there is no such row.
        PermissionDenied: the person may not do it, whether there is such a row or not.
    """
    rows = model if isinstance(model, (QuerySet, Prepared, PreparedAt)) else model._default_manager.all()
    thing = find(user, rows, pk, action=action)
    if thing is None:
        raise Http404
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
