"""Says in plain words why a webhook failed, from the word that Zoho gives. Pure.

Zoho documents the word `page_notfound` alone; the others are those of its own description of webhooks, and what the
standard answers of HTTP are called in the same spelling. An unknown one is shown as Zoho's word.
Source: docs/reference/zoho-crm.md, "Webhook failures".
"""

from __future__ import annotations

import re

from monitor.languages import gettext_noop

REASONS: dict[str, str] = {
    "page_notfound": gettext_noop("The address was not found (404)"),
    "page_not_found": gettext_noop("The address was not found (404)"),
    "not_found": gettext_noop("The address was not found (404)"),
    "bad_request": gettext_noop("The server did not understand the call (400)"),
    "unauthorized": gettext_noop("The server wanted credentials (401)"),
    "forbidden": gettext_noop("The server refused the call (403)"),
    "method_not_allowed": gettext_noop("The server does not take this method (405)"),
    "request_timeout": gettext_noop("The server waited too long for the call (408)"),
    "too_many_requests": gettext_noop("The server was called too often (429)"),
    "internal_server_error": gettext_noop("The server had an error of its own (500)"),
    "bad_gateway": gettext_noop("A server on the way got no good answer (502)"),
    "service_unavailable": gettext_noop("The server was not available (503)"),
    "gateway_timeout": gettext_noop("A server on the way got no answer in time (504)"),
    "timeout": gettext_noop("No answer came in time"),
    "connection_timeout": gettext_noop("No connection was made in time"),
    "connection_refused": gettext_noop("The server refused the connection"),
    "connection_reset": gettext_noop("The server broke off the connection"),
    "unknown_host": gettext_noop("The server's name was not found"),
    "host_not_found": gettext_noop("The server's name was not found"),
    "ssl_error": gettext_noop("The server's certificate was not accepted"),
    "invalid_url": gettext_noop("The address is none"),
    "too_many_redirects": gettext_noop("The server sent the call on too often"),
    "limit_exceeded": gettext_noop("The day's webhooks were used up"),
}
_WORD = re.compile(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")


def reason_words(reason: str) -> str | None:
    """Says why a webhook failed.

    Args:
        reason: as Zoho sent it.

    Returns:
        None where Zoho's own text has to be shown, masked; ask `is_zohos_word` then.
    """
    return REASONS.get(reason.strip().lower().replace("-", "_").replace(" ", "_"))


def is_zohos_word(reason: str) -> bool:
    """Says whether a reason without words of ours is a word of Zoho's, and not a sentence.

    Args:
        reason: as Zoho sent it.
    """
    return _WORD.fullmatch(reason.strip()) is not None


def reasons_saying(text: str) -> list[str]:
    """Lists Zoho's words whose plain words hold a text, for a search of what is shown.

    Args:
        text: what is searched, in any case.
    """
    sought = text.casefold()
    return [word for word, plain in REASONS.items() if sought in plain.casefold()]
