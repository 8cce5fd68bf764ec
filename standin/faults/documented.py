"""Answers a change with a documented error, whatever was sent (docs/reference/zoho-crm.md, "Errors of CRM")."""

from typing import Any

from standin.crm.results import bad
from standin.web.wire import Reply, Request, crm_refusal, flow_refusal, json_reply
from standin.world import World

# All others come with 400.
STATUS = {
    "INVALID_TOKEN": 401,
    "INVALID_OAUTHTOKEN": 401,
    "AUTHENTICATION_FAILURE": 401,
    "OAUTH_SCOPE_MISMATCH": 401,
    "AUTHORIZATION_ERROR": 401,
    "NO_PERMISSION": 403,
    "FEATURE_NOT_SUPPORTED": 403,
    "INVALID_URL_PATTERN": 404,
    "FLOW_NOT_FOUND": 404,
    "INVALID_REQUEST_METHOD": 405,
    "TOO_MANY_REQUESTS": 429,
    "RATE_LIMIT_EXCEEDED": 429,
    "LIMIT_REACHED": 429,
    "INTERNAL_ERROR": 500,
}
LISTS = ("connected_workflows", "workflow_rules")


def documented_error(world: World, request: Request, args: dict[str, Any]) -> Reply:
    """Sends `code` with `message`; a `place` of CRM's body stands in the result of its row, as for refused writes."""
    code, message, place = (str(args.get(name, "")) for name in ("code", "message", "place"))
    status = STATUS.get(code, 400)
    if not request.path.startswith("/crm/"):
        return flow_refusal(code, message, "", status)
    if not place:
        return crm_refusal(code, message, {}, status)
    name = next((one for one in LISTS if one in request.path), LISTS[0])
    details = {"api_name": place.rpartition(".")[2].partition("[")[0], "json_path": place}
    return json_reply({name: [bad(code, message, **details)]}, status)
