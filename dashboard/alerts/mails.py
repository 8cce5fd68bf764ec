"""Shows every mail and every message to a channel to admins. In the demonstration mails are read here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.alerts.forms import MailFilterForm
from dashboard.moments import moment_text, read_moment
from dashboard.news import MOST_NEW, News
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import ChannelMessage, Delivery
from monitor.models.asking import answered, in_step
from monitor.notify.probe import probe
from monitor.notify.send_again import CannotBeSentAgain, send_again
from monitor.queries import mails as queries
from monitor.queries.channels import ask_broken_channels
from monitor.queries.channels import messages as messages_to_channels


def _mark(context: Mapping[str, Any]) -> str:
    rows = context["rows"]
    return moment_text(rows[0]["created_at"]) if rows else ""


def _newer(wanted: queries.MailFilter, mark: str) -> int:
    return queries.newer_count(wanted, read_moment(mark), MOST_NEW)


MESSAGES = News(gettext_lazy("message"), gettext_lazy("messages"), _mark, _newer)


@require_safe
@requires("mails")
def mails(request: HttpRequest) -> HttpResponse:
    """Lists mails and messages to channels, the newest first, by the filters in the address."""
    form = MailFilterForm(request.GET)

    def find(wanted: queries.MailFilter) -> dict[str, Any]:
        return lists.numbered(queries.mails(wanted), form)

    now = timezone.now()
    asking = queries.ask_mail_server(), queries.ask_bounced(), ask_broken_channels(now)
    server, bounced, broken = answered(in_step(*asking))
    more = {"now": now, "server": server, "bounced": bounced, "broken": broken, "may_see_channels": True}
    return lists.show(request, "alerts/mails.html", form, find, nouns=_("mails and messages"), news=MESSAGES, **more)


@require_POST
@requires("mails")
def mail_test(request: HttpRequest) -> HttpResponse:
    """Sends a test mail to the person who asks, and says what the mail server answered."""
    result = probe(request.user, timezone.now())
    (messages.success if result.is_sent else messages.error)(request, result.told)
    return redirect("mails")


@require_safe
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one mail: its fate, its text, and its HTML part in a sandboxed frame."""
    row = get_or_404(request.user, queries.whole_mails(), pk, action="mails")
    context = {"mail": row, "about": queries.name_of(row.about), "attempts": queries.attempts(row)}
    return render(request, "alerts/mail.html", context)


@require_safe
def channel_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one message to a channel: its fate, its text, and each attempt."""
    row = get_or_404(request.user, messages_to_channels(), pk, action="mails")
    return render(request, "alerts/channel_message.html", {"message": row, "attempts": queries.attempts(row)})


@require_POST
def mail_send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Has a mail that was given up sent again."""
    row = get_or_404(request.user, queries.whole_mails(), pk, action="mails")
    return _send_again(request, row, "mail")


@require_POST
def channel_message_send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Has a message to a channel that was given up sent again."""
    row = get_or_404(request.user, messages_to_channels(), pk, action="mails")
    return _send_again(request, row, "channel_message")


def _send_again(request: HttpRequest, row: Delivery | ChannelMessage, page: str) -> HttpResponse:
    try:
        send_again(row, actor=request.user, now=timezone.now())
    except CannotBeSentAgain as refusal:
        messages.error(request, _("Not sent again. %(why)s") % {"why": refusal})
    else:
        messages.success(request, _("It is sent again within seconds; what comes of it is shown here."))
    return redirect(page, row.pk)


@require_safe
@xframe_options_sameorigin
@csp_replace(
    {
        "default-src": [NONE],
        "script-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "form-action": [NONE],
        "frame-ancestors": [SELF],
        "sandbox": [],
    }
)
def mail_html(request: HttpRequest, pk: int) -> HttpResponse:
    """Answers with the HTML part by itself, for the frame: no script, no form, nothing loaded, in an origin of its own.

    A frame by `srcdoc` would inherit the page's policy, which refuses the inline styles that a mail must have.
    """
    row = get_or_404(request.user, queries.whole_mails(), pk, action="mails")
    return HttpResponse(row.html)
