"""Shows who hears of which alerts; lets admins add, change, order and delete routes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.alerts.hearers import ask_who_would_hear
from dashboard.alerts.route_forms import RouteForm, WhoHearsForm
from dashboard.widgets import read_choices
from monitor import audit
from monitor.access import may
from monitor.models import Channel, EscalationPolicy, EscalationStep, Route, User
from monitor.models.asking import answered, ask, ask_with, in_step

_SHOWN = ("name", "severity", "to_owner", "goes_on", "is_active")
_UP, _DOWN = "up", "down"


@require_safe
def alert_routes(request: HttpRequest) -> HttpResponse:
    """Lists the routes in their order and the policies, and says of a subject of alerts who would hear."""
    form = WhoHearsForm(request.GET if any(name in request.GET for name in WhoHearsForm.ABOUT) else None)

    def find(_: object) -> dict[str, Any]:
        read_choices(form)
        is_asked = form.is_bound and form.is_valid()
        rows, policies, steps, *heard = answered(
            in_step(
                ask_with(_bare_routes(), **_hearers()),
                ask(EscalationPolicy.objects.all()),
                ask_with(EscalationStep.objects.all(), **_hearers()),
                *([ask_who_would_hear(*form.asked())] if is_asked else []),
            )
        )
        in_turn = [(policy, [step for step in steps if step.policy_id == policy.pk]) for policy in policies]
        return {"rows": rows, "policies": in_turn, "heard": heard[0] if heard else None}

    response = lists.show(
        request,
        "alerts/routes.html",
        None,
        find,
        nouns="routes",
        hear_form=form,
        may_edit=may(request.user, "rules"),
        freshness=None,
    )
    response.status_code = 400 if form.is_bound and form.errors else response.status_code
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@requires("rules")
def alert_route_add(request: HttpRequest) -> HttpResponse:
    """Adds a route behind those that are there."""
    if request.method == "POST":
        return _save(request, RouteForm(request.POST), "alert_route.add")
    return _show(request, RouteForm())


@require_http_methods(["GET", "HEAD", "POST"])
def alert_route_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a route."""
    route = get_or_404(request.user, _routes(), pk, action="rules")
    if request.method == "POST":
        return _save(request, RouteForm(request.POST, instance=route), "alert_route.change")
    return _show(request, RouteForm(instance=route))


@require_POST
def alert_route_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a route; what is mailed already stays."""
    route = get_or_404(request.user, _routes(), pk, action="rules")
    with transaction.atomic():
        detail = _values(route)
        audit.record(
            request.user, "alert_route.delete", route, now=timezone.now(), account=route.account, detail=detail
        )
        route.delete()
    messages.success(request, f"The route “{route.name}” is deleted.")
    return redirect("alert_routes")


@require_POST
def alert_route_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Moves a route one place up or down; one that was moved meanwhile stays."""
    route = get_or_404(request.user, _routes(), pk, action="rules")
    to, seen = request.POST.get("to", ""), request.POST.get("seen", "")
    if to not in (_UP, _DOWN):
        messages.error(request, "Say whether it goes up or down.")
        return redirect("alert_routes")
    with transaction.atomic():
        rows = list(Route.objects.select_for_update(of=("self",)).order_by("position", "pk"))
        places = [one.pk for one in rows]
        here = places.index(route.pk) if route.pk in places else -1
        there = here + (1 if to == _DOWN else -1)
        if here < 0 or not 0 <= there < len(rows) or seen != str(here + 1):
            messages.warning(request, "It was not moved: its place is another one by now, or there is none beyond.")
            return redirect("alert_routes")
        rows[here], rows[there] = rows[there], rows[here]
        for position, one in enumerate(rows, start=1):
            one.position = position
        Route.objects.bulk_update(rows, ["position"])
        detail = {"place": {"from": here + 1, "to": there + 1}}
        audit.record(request.user, "alert_route.move", route, now=timezone.now(), account=route.account, detail=detail)
    return redirect("alert_routes")


def _bare_routes() -> Any:
    rows = Route.objects.select_related("account", "tag", "policy").defer("account__client_secret")
    return rows.order_by("position", "pk")


def _hearers() -> dict[str, Any]:
    return {"people": User.objects.all(), "channels": Channel.objects.defer("address", "secrets")}


def _routes() -> Any:
    return _bare_routes().prefetch_related("people", "channels")


def _save(request: HttpRequest, form: RouteForm, action: str) -> HttpResponse:
    route = form.instance
    before = _values(route) if route.pk else {}
    if not form.is_valid():
        return _show(request, form, status=400)
    with transaction.atomic():
        if route.pk is None:
            route.position = (Route.objects.aggregate(last=Max("position"))["last"] or 0) + 1
        form.save()
        detail = audit.changes(before, _values(route))
        audit.record(request.user, action, route, now=timezone.now(), account=route.account, detail=detail)
    messages.success(request, f"The route “{route.name}” is saved. It holds for what is mailed from now on.")
    return redirect("alert_routes")


def _show(request: HttpRequest, form: RouteForm, *, status: int = 200) -> HttpResponse:
    read_choices(form)
    return render(request, "alerts/route_form.html", {"form": form, "route": form.instance}, status=status)


def _values(route: Route) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(route, name) for name in _SHOWN}
    values["account"] = route.account.name if route.account is not None else None
    values["tag"] = route.tag.name if route.tag is not None else None
    values["policy"] = route.policy.name if route.policy is not None else None
    values["people"] = sorted(route.people.values_list("username", flat=True))
    values["channels"] = sorted(route.channels.values_list("name", flat=True))
    return values
