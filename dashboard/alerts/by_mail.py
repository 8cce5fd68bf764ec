"""Does what a signed address in a mail is for, without a sign-in: acknowledge, and switch a kind of mails off.

A GET only shows a button, for programs that look through mails open every address in them. The signature names the
person and the thing; what the person may no longer do, the address does not do either.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from dashboard.people.mail_switches import switch_off, switch_words
from monitor.access import may
from monitor.alerting import actions
from monitor.alerting.actions import AlertActRefused
from monitor.languages import gettext as _
from monitor.models import Incident, User
from monitor.notify.links import LinkError, read_acknowledge, read_unsubscribe
from monitor.queries import incidents as queries


@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def acknowledge_by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Acknowledges an incident for the person to whom the mail went."""
    try:
        link = read_acknowledge(token, timezone.now())
    except LinkError as error:
        return _no_link(request, is_expired=error.is_expired)
    person = User.objects.filter(pk=link.person, is_active=True).first()
    incident = queries.incidents().filter(pk=link.incident).first()
    if person is None or incident is None:
        return _no_link(request)
    if request.method != "POST":
        return _show_incident(request, incident, person, "open" if incident.is_open else "over")
    try:
        actions.acknowledge(incident, person, "", timezone.now(), way=actions.BY_MAIL)
    except PermissionDenied:
        return _show_incident(request, incident, person, "not_permitted", status=403)
    except AlertActRefused as refusal:
        return _show_incident(request, incident, person, "refused", refusal=refusal.message, status=409)
    return _show_incident(request, incident, person, "done")


def _show_incident(
    request: HttpRequest, incident: Incident, person: User, what: str, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    known = incident.acknowledged_by if may(person, "view", incident.account) else None
    who = known.get_username() if known is not None else _("Somebody")
    context = {"incident": incident, "person": person, "who": who, "what": what, "refusal": refusal}
    return render(request, "alerts/acknowledge_by_mail.html", context, status=status)


@csrf_exempt  # RFC 8058: the reader's mail program posts, with nothing but the address
@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def unsubscribe_by_mail(request: HttpRequest, token: str) -> HttpResponse:
    """Switches a kind of mails off for the person to whom the mail went."""
    try:
        link = read_unsubscribe(token)
    except LinkError:
        return _no_link(request)
    person = User.objects.filter(pk=link.person).first()
    words = switch_words(link.kind)
    if person is None or not words:
        return _no_link(request)
    is_done = request.method == "POST"
    if is_done:
        switch_off(person, link.kind, timezone.now())
    return render(request, "people/unsubscribe_by_mail.html", {"person": person, "words": words, "is_done": is_done})


def _no_link(request: HttpRequest, *, is_expired: bool = False) -> HttpResponse:
    status = 410 if is_expired else 404
    return render(request, "alerts/no_link.html", {"is_expired": is_expired}, status=status)
