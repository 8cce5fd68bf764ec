"""Posts a message to a signed webhook, after Standard Webhooks: the id stays the same, the time and signature do not.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import urlsplit

from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from monitor.public_addresses import PrivateHosts
from monitor.standard_webhooks import headers_of
from monitor.zoho import AnswerLost, BadAnswer, NotSent, Transport
from monitor.zoho.protocol import Request

MOST_SENT = 64 * 1024  # bytes of a message
MOST_BYTES = 64 * 1024  # of an answer
WORDS_LENGTH = 1_000
_FORM = {"Content-Type": "application/json; charset=utf-8", "Accept-Encoding": "identity"}


class WebhookRequest(Request):
    """Is a request whose path is a secret: logs name the host alone."""

    @property
    def where(self) -> str:
        return f"{self.method} {urlsplit(self.url).hostname}"


def post_webhook(parcel: Parcel, *, private_hosts: PrivateHosts, seconds: float, now: datetime) -> ChannelAnswer:
    """Posts a message and returns what came of it, in its own words.

    Args:
        parcel: the message.
        private_hosts: which hosts may be asked though they are not public.
        seconds: for all of it.
        now: the present, which is signed.
    """
    body = json.dumps(parcel.payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(body) > MOST_SENT:
        return ChannelAnswer(is_taken=False, status=413, words="the message is larger than we send")
    headers = headers_of(parcel.signing, parcel.message_id, int(now.timestamp()), body)
    request = WebhookRequest("POST", parcel.fields["url"], headers | _FORM, body, fresh=True)
    try:
        with Transport(
            total=seconds, max_body=MOST_BYTES, private_hosts=private_hosts, status_is_enough=True
        ) as transport:
            answer = transport.call(request, lambda found: found)
    except NotSent as error:
        known = "no public address is known for this host" if "no public address" in str(error) else ""
        known = known or ("its certificate is not trusted" if "certificate" in str(error) else "")
        return ChannelAnswer(is_taken=False, fault="no connection", words=known)
    except AnswerLost:
        return ChannelAnswer(is_taken=False, fault="no answer in time, or it broke off", may_have_arrived=True)
    except BadAnswer:
        return ChannelAnswer(is_taken=False, fault="an answer that cannot be read", may_have_arrived=True)
    return ChannelAnswer(
        is_taken=200 <= answer.status < 300,
        status=answer.status,
        words=answer.body.decode("utf-8", "replace")[:WORDS_LENGTH],
        retry_after=answer.headers.get("retry-after", ""),
    )
