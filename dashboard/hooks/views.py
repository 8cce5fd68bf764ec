"""Receives callbacks: no sign-in, no CSRF token, but a signature or a token of their own; always over HTTPS."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from monitor.hooks import receive


@csrf_exempt
@login_not_required
def hook_flow(request: HttpRequest, key: str) -> HttpResponse:
    """Receives a callback from a flow's error branch."""
    if request.method != "POST":
        return _only_post()
    return _response(receive.flow_callback(key, _callback(request), timezone.now()))


@csrf_exempt
@login_not_required
def hook_crm(request: HttpRequest, channel: str) -> HttpResponse:
    """Receives a notification of Zoho CRM."""
    if request.method != "POST":
        return _only_post()
    return _response(receive.crm_callback(channel, _callback(request), timezone.now()))


def _callback(request: HttpRequest) -> receive.Callback:
    """Wraps a request; its body is read past `request.body`, which stops at 2.5 MB and is empty for one in chunks."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    length = request.META.get("CONTENT_LENGTH") or None
    if length is None and request.META.get("wsgi.input_terminated"):
        return receive.Callback(headers, None, request.META["wsgi.input"].read)
    return receive.Callback(headers, length or "0", request.read)


def _response(answer: receive.CallbackAnswer) -> HttpResponse:
    response = JsonResponse({"status": answer.text}, status=answer.status)
    if answer.retry_after:
        response["Retry-After"] = str(answer.retry_after)
    return _unlogged(response)


def _only_post() -> HttpResponse:
    response = JsonResponse({"status": "POST only"}, status=405)
    response["Allow"] = "POST"
    return _unlogged(response)


def _unlogged(response: HttpResponse) -> HttpResponse:
    """Keeps Django from logging the address, which it does for each 4xx or 5xx; here the address is a secret."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - Django's own mark for it
    return response
