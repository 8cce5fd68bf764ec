"""Answers writes with one result a row, each a success or an error (docs/reference/zoho-crm.md, "Errors of CRM")."""

from typing import Any

from standin.errors import RefusalError
from standin.shapes import Shape, check_crm
from standin.web.wire import Reply, Request, json_reply

Result = dict[str, Any]
MAX_DELETED = 10  # docs/reference/zoho-crm.md, "Workflow rules"


def good(identity: str, message: str) -> Result:
    """Makes the result of a row that was written."""
    return {"code": "SUCCESS", "details": {"id": identity}, "message": message, "status": "success"}


def bad(code: str, message: str, **details: Any) -> Result:
    """Makes the result of a row that was not."""
    return {"code": code, "details": details, "message": message, "status": "error"}


def missing(api_name: str, path: str) -> Result:
    """Makes the result of a mandatory field that is not there."""
    return bad("MANDATORY_NOT_FOUND", "required field not found", api_name=api_name, json_path=path)


def answer(
    name: str, results: list[Result], *, created: bool = False, mixed_is_207: bool = True, error_rows: str = "list"
) -> Reply:
    """Answers a write: 200 or 201 where all is good, 400 where all is bad, 207 for some of each (a habit).

    `error_rows` says in which form refused rows come (docs/reference/zoho-crm.md, "Other words").
    """
    states = {result["status"] for result in results}
    if states == {"error"}:
        status = 400
    elif len(states) > 1 and mixed_is_207:
        status = 207
    else:
        status = 201 if created else 200
    if status == 400 and error_rows != "list":
        return json_reply({name: results[0] if error_rows == "object" else [results]}, status)
    return json_reply({name: results}, status)


def rows_of(request: Request, name: str, *, most: int, shape: Shape) -> list[dict[str, Any]]:
    """Returns the rows under `name` in the body; RefusalError as documented for none, too many or wrong types."""
    rows = check_crm(request.json_object(), {name: [shape]}, under=name).get(name)
    if not rows:
        raise RefusalError(
            "MANDATORY_NOT_FOUND", "required field not found", {"api_name": name, "json_path": f"$.{name}"}
        )
    if len(rows) > most:
        details = {"api_name": name, "json_path": f"$.{name}", "maximum_length": most}
        raise RefusalError("INVALID_DATA", f"at most {most} rows in one call", details)
    checked: list[dict[str, Any]] = rows
    return checked


def ids_of(request: Request, code: str = "INVALID_DATA") -> list[str]:
    """Returns the parameter `ids`, separated by commas; RefusalError for none or more than ten (with `code`)."""
    raw = request.param("ids") or ""
    ids = [one.strip() for one in raw.split(",") if one.strip()]
    if not ids:
        raise RefusalError("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": "ids"})
    if len(ids) > MAX_DELETED:
        raise RefusalError(code, "Ids maximum length exceeded", {"param_name": "ids", "maximum_length": MAX_DELETED})
    return ids
