"""Says an error as others of Zoho's products do (docs/reference/zoho-crm.md, "Other words")."""

from standin.web.wire import Reply, html_reply, json_reply

FORMS = {
    "desk": {"errorCode": "INVALID_OAUTH", "message": "The OAuth Token you provided is invalid."},
    "mail": {"status": {"code": 401, "description": "Unauthorized"}, "data": {"errorCode": "INVALID_OAUTHTOKEN"}},
    "books": {"code": 57, "message": "You are not authorized to perform this operation"},
    "number": {"code": 14},
    "list": [{"code": "INVALID_OAUTHTOKEN", "message": "invalid oauth token", "status": "error"}],
}


def in_other_words(form: str, status: int = 401) -> Reply:
    """Returns an error in one of the forms: a key of `FORMS`, "empty" or "html"."""
    if form == "html":
        return html_reply(f"<html><head><title>{status} Authorization Required</title></head></html>", status)
    if form == "empty":
        return Reply(status, b"", {"WWW-Authenticate": 'Zoho-oauthtoken realm="api"'})
    return json_reply(FORMS[form], status)
