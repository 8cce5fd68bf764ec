"""Reads what the browser brings back from Zoho's consent page, and checks it before anything is believed.

Source: docs/reference/zoho-oauth.md, "Consent": the `accounts-server` of a redirect only from our own list.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.zoho.datacenters import DATA_CENTERS, Origins, data_center_of_accounts_server
from monitor.zoho.errors import BadAnswer, Refused
from monitor.zoho.protocol import redact

_CODE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Redirect:
    """Holds a code and where to take it.

    `data_center` is the key of another data centre than the account's, if the person's home is there: the code works
    only at that one's accounts server.
    """

    code: str = field(repr=False)
    data_center: str | None
    location: str


def read_redirect(params: Mapping[str, str], *, state: str, origins: Origins) -> Redirect:
    """Reads Zoho's redirect.

    Args:
        params: the query.
        state: the one made for this session, never empty.
        origins: of the account that is being connected.

    Raises:
        Refused: the person said no, or when the state is not the session's.
        BadAnswer: there is no code, or when the redirect names an accounts server that is none of Zoho's.
    """
    given = params.get("state", "")
    if not state or not hmac.compare_digest(given.encode(errors="replace"), state.encode(errors="replace")):
        raise Refused(
            "the redirect does not belong to this session",
            code="bad_state",
            hint="Start connecting again from the page of the account.",
        )
    error = params.get("error", "")
    if error:
        told = redact(error)
        hint = "Agree to the access on Zoho's page." if told == "access_denied" else ""
        raise Refused(f"Zoho's page answered {told}", code=told, hint=hint)
    code = params.get("code", "").strip()
    if not code or len(code) > _CODE_LIMIT or not code.isprintable() or not code.isascii():
        raise BadAnswer("the redirect has no usable code", hint="Start connecting again.")
    return Redirect(
        code=code,
        data_center=_other_data_center(params.get("accounts-server", ""), origins),
        location=redact(params.get("location", ""))[:20],
    )


def _other_data_center(accounts_server: str, origins: Origins) -> str | None:
    server = accounts_server.strip().rstrip("/")
    if not server or server.lower() == origins.accounts:
        return None
    # An account of one's own choosing has no sister in another data centre.
    known = origins in DATA_CENTERS.values()
    key = data_center_of_accounts_server(server) if known else None
    if key is None:
        raise BadAnswer(
            "the redirect names an accounts server that is none of Zoho's",
            code="bad_accounts_server",
            hint="Do not go on: somebody may want the code of this account.",
        )
    return key
