"""Shows people to admins, and lets them say who may sign in and what they may do."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.people.forms import NewPersonForm, PersonForm
from monitor import audit
from monitor.languages import gettext as _
from monitor.models import User
from monitor.queries.people import other_admins
from monitor.queries.people import people as everybody

_AUDITED = ("role", "is_active")


@require_safe
@requires("users")
def people(request: HttpRequest) -> HttpResponse:
    """Lists everybody who may or might sign in."""
    return lists.show(
        request, "people/list.html", None, lambda __: {"rows": everybody()}, nouns=_("people"), freshness=None
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires("users")
def person_add(request: HttpRequest) -> HttpResponse:
    """Adds a person. The password is created here and shown in this one answer only."""
    form = NewPersonForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        status = 400 if request.method == "POST" else 200
        return render(request, "people/person.html", {"form": form}, status=status)
    password, now = _one_time_password(), timezone.now()
    with transaction.atomic():
        person = form.save(commit=False)
        person.set_one_time_password(password, now)
        person.save()
        audit.record(request.user, "person.add", person, now=now, detail={"role": person.role})
    return _password_page(request, person, password)


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows and saves one person's address, role and whether they may sign in."""
    row = get_or_404(request.user, everybody(), pk, action="users")
    if request.method != "POST":
        return render(request, "people/person.html", _context(row, PersonForm(instance=row, by=request.user)))
    with transaction.atomic():
        # Two admins who demote each other at the same time queue here; the second finds nobody left.
        list(other_admins(row).select_for_update().values_list("pk", flat=True))
        before = {name: getattr(row, name) for name in _AUDITED}
        old_email = row.email
        form = PersonForm(request.POST, instance=row, by=request.user)
        if form.is_valid():
            row.save(update_fields=["email", *_AUDITED])
            detail: dict[str, Any] = audit.changes(before, {name: getattr(row, name) for name in _AUDITED})
            if row.email != old_email:
                detail["email"] = "changed"
            audit.record(request.user, "person.change", row, now=timezone.now(), detail=detail)
            messages.success(request, _("%(name)s is saved.") % {"name": row.get_username()})
            return redirect("people")
    row = get_or_404(request.user, everybody(), pk, action="users")
    return render(request, "people/person.html", _context(row, form), status=400)


@require_POST
def person_password(request: HttpRequest, pk: int) -> HttpResponse:
    """Sets a one-time password, shown this once. It ends that person's sessions, which hang on the old one."""
    row = get_or_404(request.user, everybody(), pk, action="users")
    password, now = _one_time_password(), timezone.now()
    with transaction.atomic():
        row.set_one_time_password(password, now)
        row.save(update_fields=["password", "one_time_until", "one_time_used_at"])
        audit.record(request.user, "person.reset_password", row, now=now)
    return _password_page(request, row, password)


def _one_time_password() -> str:
    return secrets.token_urlsafe(15)


def _password_page(request: HttpRequest, row: User, password: str) -> HttpResponse:
    return render(request, "people/one_time_password.html", {"person": row, "password": password})


def _context(row: User, form: PersonForm) -> dict[str, Any]:
    return {"person": row, "form": form}
