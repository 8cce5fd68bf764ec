"""Says what each kind of fault does to an answer; the numbers are those of docs/reference/faults.md."""

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from standin.accounts.oauth_api import THROTTLED
from standin.accounts.tokens import EVERY_SCOPE
from standin.clock import DAY
from standin.faults.bodies import BODIES
from standin.faults.documented import documented_error
from standin.faults.rows import RECORDS
from standin.web.other_words import in_other_words
from standin.web.wire import Reply, Request, crm_refusal, flow_refusal, html_reply, json_reply
from standin.world import World


def refuse(request: Request, code: str, message: str, status: int) -> Reply:
    """Returns an error in the envelope of the product that was called."""
    if request.path.startswith("/crm/"):
        return crm_refusal(code, message, {}, status)
    return flow_refusal(code, message, "", status)


def status(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends any status with code and message (F6, F7); `html` true sends a page instead of the envelope."""
    number = int(args.get("status", 500))
    if args.get("html"):
        reply = html_reply(f"<html><body><h1>{number}</h1></body></html>", number)
    else:
        reply = refuse(
            request, str(args.get("code", "INTERNAL_ERROR")), str(args.get("message", "Server error")), number
        )
    reply.headers.update({str(name): str(value) for name, value in (args.get("headers") or {}).items()})
    return reply


def rate_limited(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends a 429 (F1 to F4); `retry_after` is sent as given (number, date, nonsense), None sends none."""
    crm = request.path.startswith("/crm/")
    code = "TOO_MANY_REQUESTS" if crm else "RATE_LIMIT_EXCEEDED"
    reply = refuse(request, str(args.get("code", code)), "Too many requests. Please try again later.", 429)
    after = args.get("retry_after")
    if after is not None:
        reply.headers["Retry-After"] = _date(world.now(), args) if after == "date" else str(after)
    if "reset" in args:
        reply.headers["X-RateLimit-Reset"] = str(args["reset"])
    return reply


def _date(now: datetime, args: dict[str, Any]) -> str:
    return format_datetime(now + timedelta(seconds=float(args.get("seconds", 30))), usegmt=True)


def invalid_token(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends 401 as for an expired token, or as a wrong data centre does (F27, F47)."""
    code = str(args.get("code", world.habits.invalid_token_code))
    return refuse(request, code, "Invalid or expired token", 401)


def other_words(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends an error in the words of another product (`form`), 401 unless `status` says otherwise."""
    return in_other_words(str(args.get("form", "desk")), int(args.get("status", 401)))


def scope_mismatch(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends 401 OAUTH_SCOPE_MISMATCH (F28)."""
    return refuse(request, "OAUTH_SCOPE_MISMATCH", "Unauthorized", 401)


def no_permission(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends 403 NO_PERMISSION (F28)."""
    return refuse(request, "NO_PERMISSION", "permission denied", 403)


def oauth_error(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends HTTP 200 with an error word (F29): invalid_code, invalid_client, other_dc."""
    return json_reply({"error": str(args.get("error", "invalid_code"))}, int(args.get("status", 200)))


def token_throttle(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends HTTP 200 and "Access Denied" (F30)."""
    return json_reply(THROTTLED)


def token_fields(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Changes (`set`) or leaves out (`drop`) fields of the token answer (F33)."""
    content = reply.json()
    content.update(args.get("set") or {})
    for name in args.get("drop") or []:
        content.pop(name, None)
    return json_reply(content, reply.status)


def headers(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sets headers of a good answer (F5 and others); None leaves one out."""
    for name, value in (args.get("set") or {}).items():
        if value is None:
            reply.headers.pop(name, None)
        else:
            reply.headers[name] = str(value)
    return reply


def date_header(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Lets the server's clock be `skew` seconds off, or (`absent`) sends no Date (F26)."""
    skewed = world.now() + timedelta(seconds=float(args.get("skew", 0)))
    reply.headers["Date"] = "" if args.get("absent") else format_datetime(skewed, usegmt=True)
    return reply


def expire_tokens(world: World, request: Request, args: dict[str, Any]) -> None:
    """Lets every access token expire before the call is looked at (F27)."""
    world.do("token_expire_all")


def revoke_refresh_tokens(world: World, request: Request, args: dict[str, Any]) -> None:
    """Revokes every refresh token before the call is looked at (F29)."""
    for token in [*world.tokens.refresh]:
        world.do("token_revoke", token=token)


def narrow_scope(world: World, request: Request, args: dict[str, Any]) -> None:
    """Takes all scopes from the tokens but the given ones (F28)."""
    scope = str(args.get("scope", EVERY_SCOPE))
    for refresh in world.tokens.refresh.values():
        refresh.scope = scope
    for access in world.tokens.access.values():
        access.scope = scope


def add_rows(world: World, request: Request, args: dict[str, Any]) -> None:
    """Adds rows before the call is answered, e.g. between two pages (F21, F23)."""
    world.do("add_executions", **args)


def delete_rows(world: World, request: Request, args: dict[str, Any]) -> None:
    """Deletes the newest `count` rows of a flow before the call is answered (F21)."""
    flow_id = str(args["flow_id"])
    flow = world.flow(flow_id)
    newest = world.now() - DAY * float(args.get("older_than_days", 0))
    for row in flow.between(None, newest)[: int(args.get("count", 1))]:
        world.do("delete_execution", flow_id=flow_id, execution_id=row.execution_id)


def ignore_page(world: World, request: Request, args: dict[str, Any]) -> None:
    """Ignores the page that was asked for (F22), or gives that `back` pages earlier (F20)."""
    asked = request.param("page") or "1"
    if "back" in args and asked.isdigit():
        request.query["page"] = [str(max(1, int(asked) - int(args["back"])))]
    else:
        request.query.pop("page", None)


def cap_per_page(world: World, request: Request, args: dict[str, Any]) -> None:
    """Gives smaller pages than were asked for (F22)."""
    request.query["per_page"] = [str(int(args.get("cap", 10)))]


INSTEAD = {
    "status": status,
    "rate_limited": rate_limited,
    "invalid_token": invalid_token,
    "other_words": other_words,
    "scope_mismatch": scope_mismatch,
    "no_permission": no_permission,
    "oauth_error": oauth_error,
    "token_throttle": token_throttle,
    "documented_error": documented_error,
}
AFTERWARDS = {
    "token_fields": token_fields,
    "headers": headers,
    "date_header": date_header,
    **BODIES,
    **RECORDS,
}
BEFOREHAND = {
    "expire_tokens": expire_tokens,
    "revoke_refresh_tokens": revoke_refresh_tokens,
    "narrow_scope": narrow_scope,
    "add_rows": add_rows,
    "delete_rows": delete_rows,
    "ignore_page": ignore_page,
    "cap_per_page": cap_per_page,
}
