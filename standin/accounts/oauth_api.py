"""Answers as Zoho's accounts server: consent, tokens, revoking.

Source: docs/reference/zoho-oauth.md, "Consent", "Tokens", "Revoking".
"""

import hmac
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from standin.accounts.tokens import EVERY_SCOPE
from standin.web.ledger import Ledger
from standin.web.routing import Router
from standin.web.wire import Reply, Request, html_reply, json_reply
from standin.world import World

# The error words are Zoho's, and they come with HTTP 200: docs/reference/zoho-oauth.md, "Token errors".
THROTTLED = {
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "error": "Access Denied",
    "status": "failure",
}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Stand-in Zoho: consent</title></head>
<body><h1>Stand-in Zoho</h1><p>The app <b>{client}</b> asks for:</p><ul>{scopes}</ul>
<form method="get">{fields}<button name="consent" value="accept">Accept</button>
<button name="consent" value="reject">Reject</button></form></body></html>"""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Holds what a client of the stand-in must know. The defaults open nothing but a stand-in on loopback."""

    client_id: str = "1000.STANDIN"
    client_secret: str = "standin-client-secret"  # noqa: S105
    refresh_token: str = "1000.standin.refresh"  # noqa: S105
    control_token: str = "standin-control"  # noqa: S105


class OAuthApi:
    """Answers calls of the accounts server."""

    def __init__(self, world: World, credentials: Credentials, ledger: Ledger) -> None:
        self._world = world
        self._credentials = credentials
        self._ledger = ledger

    def add_routes(self, router: Router) -> None:
        """Adds the three endpoints, and the newer address of revocation."""
        router.add("GET", "/oauth/v2/auth", self.authorize)
        router.add("POST", "/oauth/v2/token", self.token)
        router.add("POST", "/oauth/v2/token/revoke", self.revoke)
        router.add("POST", "/oauth/v2/revoke/token", self.revoke)
        router.add("GET", "/oauth/serverinfo", self.server_info)

    def authorize(self, request: Request) -> Reply:
        """Returns the consent page, or at once the redirect with code, location and accounts-server."""
        ask = {name: values[0] for name, values in request.query.items()}
        target = ask.get("redirect_uri", "")
        if ask.get("client_id") != self._credentials.client_id:
            return html_reply("<h1>Invalid client id</h1>", 400)
        if urlsplit(target).scheme not in {"http", "https"} or ask.get("response_type") != "code":
            return html_reply("<h1>Invalid redirect uri or response type</h1>", 400)
        if self._world.habits.consent == "page" and "consent" not in ask:
            fields = "".join(
                f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in ask.items()
            )
            scopes = "".join(f"<li>{escape(one)}</li>" for one in ask.get("scope", "").split(","))
            return html_reply(PAGE.format(client=escape(ask["client_id"]), scopes=scopes, fields=fields))
        if ask.get("consent") == "reject":
            answer = {"error": "access_denied"}
        else:
            offline = ask.get("access_type") == "offline"
            code = self._world.tokens.mint_code(ask.get("scope", EVERY_SCOPE), target, offline=offline)
            answer = {"code": code, "location": self._world.habits.location, "accounts-server": request.base_url}
        if "state" in ask:
            answer["state"] = ask["state"]
        joint = "&" if urlsplit(target).query else "?"
        return Reply(302, headers={"Location": target + joint + urlencode(answer)})

    def token(self, request: Request) -> Reply:
        """Returns tokens for a grant code or a refresh token; errors come with HTTP 200."""
        form = {**{name: values[0] for name, values in request.query.items()}, **request.form()}
        content = self._token(form, request.base_url)
        self._ledger.token_posts[str(content.get("error", "issued"))] += 1
        return json_reply(content)

    def _token(self, form: dict[str, str], base_url: str) -> dict[str, Any]:
        known = self._credentials
        if form.get("client_id") != known.client_id or not hmac.compare_digest(
            form.get("client_secret", "").encode(), known.client_secret.encode()
        ):
            return {"error": "invalid_client"}
        grant = form.get("grant_type")
        if grant == "refresh_token":
            return self._refresh(form.get("refresh_token", ""), base_url)
        if grant == "authorization_code":
            return self._redeem(form.get("code", ""), form.get("redirect_uri", ""), base_url)
        return {"error": "invalid_request"}

    def _refresh(self, refresh: str, base_url: str) -> dict[str, Any]:
        tokens, habits = self._world.tokens, self._world.habits
        now = self._world.now()
        holder = tokens.refresh.get(refresh)
        if holder is None:
            return {"error": "invalid_code"}
        if habits.token_throttle and tokens.throttled(refresh, now):
            return dict(THROTTLED)
        issued = self._world.do(
            "token_issue",
            refresh=refresh,
            scope=holder.scope,
            seconds=habits.access_token_seconds,
            live=habits.live_access_tokens,
            rotate=habits.rotate_refresh_token,
        )
        return self._answer(issued, base_url)

    def _redeem(self, code: str, redirect_uri: str, base_url: str) -> dict[str, Any]:
        habits = self._world.habits
        grant = self._world.tokens.codes.get(code)
        if grant is None or grant.expires <= self._world.now():
            return {"error": "invalid_code"}
        if grant.redirect_uri and grant.redirect_uri != redirect_uri:
            return {"error": "invalid_redirect_uri"}
        issued = self._world.do(
            "token_redeem",
            code=code,
            seconds=habits.access_token_seconds,
            live=habits.live_access_tokens,
            keep=habits.live_refresh_tokens,
        )
        return self._answer(issued, base_url)

    def _answer(self, issued: dict[str, Any], base_url: str) -> dict[str, Any]:
        habits = self._world.habits
        answer = {"access_token": issued["access_token"]}
        if issued.get("refresh_token"):
            answer["refresh_token"] = issued["refresh_token"]
        if issued["scope"] != EVERY_SCOPE:
            answer["scope"] = issued["scope"].replace(",", " ")
        return {
            **answer,
            "api_domain": self._api_domain(base_url),
            "token_type": "Bearer",
            "expires_in": habits.access_token_seconds,
        }

    def _api_domain(self, base_url: str) -> str:
        """Returns where the organisation is to be asked; a sandbox has a host of its own."""
        habits = self._world.habits
        if habits.organisation_kind == "sandbox":
            return "https://sandbox.zohoapis.com"
        return base_url if habits.own_api_domain else "https://www.zohoapis.com"

    def revoke(self, request: Request) -> Reply:
        """Revokes a token given in the query or the body; 400 for one that is not known."""
        token = request.param("token") or request.form().get("token") or ""
        if token not in self._world.tokens.refresh and token not in self._world.tokens.access:
            return json_reply({"status": "failure", "error": "invalid_token"}, 400)
        self._world.do("token_revoke", token=token)
        return json_reply({"status": "success"})

    def server_info(self, request: Request) -> Reply:
        """Returns the data centres; here there is one, and this is it."""
        return json_reply({"result": "success", "locations": {self._world.habits.location: request.base_url}})
