"""Tells one story a fault of docs/reference/faults.md: F1 to F33, F46 and F47.

An entry is a fault of the script (`standin.faults.script`) or, with `do`, a mutation of the world;
`flow` stands for the flow of that role. Paths are regular expressions.
"""

from typing import Any

Entry = dict[str, Any]
FLOW, CRM, TOKEN, ROWS = "^/api/v1/", "^/crm/", "^/oauth/v2/token$", "/executions([?]|$)"
HOURS = 3600


def _fault(kind: str, path: str, **entry: Any) -> Entry:
    args = {name: entry.pop(name) for name in [*entry] if name not in {"times", "skip", "begins", "lasts", "method"}}
    return {"kind": kind, "path": path, "args": args, **entry}


def _do(mutation: str, **args: Any) -> Entry:
    return {"do": mutation, **args}


def _rows(**args: Any) -> Entry:
    return _do("add_executions", flow="sick", **args)


def _spoil(*kinds: str) -> list[Entry]:
    return [_fault("spoil_rows", ROWS, what=kind, share=0.2) for kind in kinds]


FAULT_STORIES: dict[str, tuple[str, list[Entry]]] = {
    "f01-retry-after": ("Three 429 with Retry-After in seconds.", [
        _fault("rate_limited", FLOW, times=3, retry_after=7)]),
    "f02-odd-retry-after": (
        "429 with Retry-After as a date, in the past, as nonsense, negative and enormous.",
        [
            _fault("rate_limited", FLOW, retry_after="date", seconds=5),
            _fault("rate_limited", FLOW, retry_after="date", seconds=-3600),
            *[_fault("rate_limited", FLOW, retry_after=odd) for odd in ("soon", "-1", "1000000000", "")],
        ],
    ),
    "f03-no-retry-after": ("429 without Retry-After, in both products.", [
        _fault("rate_limited", FLOW, times=3), _fault("rate_limited", CRM, times=3)]),
    "f04-limited-for-a-day": ("429 for 24 hours.", [
        _fault("rate_limited", FLOW, times=0, lasts=24 * HOURS, retry_after=900)]),
    "f05-nothing-remaining": ("200, but nothing remains.", [
        _fault("headers", FLOW, times=5, set={"X-RateLimit-Remaining": "0"})]),
    "f06-server-errors": ("A burst of twenty 500.", [_fault("status", FLOW, times=20, status=500)]),
    "f07-execution-failed": ("503 EXECUTION_FAILED where a list is due.", [
        _fault("status", ROWS, method="GET", times=5, status=503, code="EXECUTION_FAILED")]),
    "f08-unreachable": ("Connections end before anything is said; see also closed_port and TLS of `serving`.", [
        _fault("close", ".", times=10, ran=False)]),
    "f09-hanging": ("Five calls are never answered.", [_fault("hang", ".", times=5, ran=False)]),
    "f10-slow-drip": ("Answers come one byte every 0.4 s.", [_fault("drip", FLOW, times=2, interval=0.4)]),
    "f11-lost-before-the-reply": ("The connection is closed or reset before the reply.", [
        _fault("close", FLOW, times=2), _fault("reset", FLOW, times=2)]),
    "f12-cut-body": ("Bodies are cut: by a reset, short of their length, in a chunk.", [
        _fault("cut_reset", ROWS), _fault("cut_length", ROWS), _fault("cut_chunked", ROWS)]),
    "f13-cut-body-without-length": ("A body without length is cut, which looks complete.", [
        _fault("cut_unsized", ROWS, times=3)]),
    "f14-wrong-shape": ("Valid JSON of ten wrong shapes.", [
        _fault("shape", ROWS, shape=shape) for shape in (
            "empty_object", "list", "null", "text", "data_null", "data_missing", "rows_missing", "rows_null",
            "rows_not_a_list", "failure_with_200")]),
    "f15-not-json": ("A page with 200, a page with 502, 204 where a list is due.", [
        _fault("html", FLOW), _fault("html", FLOW, status=502), _fault("no_content", ROWS)]),
    "f16-odd-encoding": ("Wrong type, no type, BOM, UTF-16, bad UTF-8.", [
        _fault("content_type", ROWS), _fault("content_type", ROWS, type=None),
        *[_fault("encoding", ROWS, how=how) for how in ("bom", "utf16", "bad_utf8")]]),
    "f17-too-much": ("A gzip bomb, bad gzip, 50 MB.", [
        _fault("gzip_bomb", ROWS), _fault("bad_gzip", ROWS), _fault("huge", ROWS)]),
    "f18-odd-json": ("Deep nesting, endless integers, keys twice, NaN, 1e999.", [
        _fault("odd_json", ROWS, what=what) for what in ("nested", "huge_int", "duplicate_keys", "nan", "infinity")]),
    "f19-odd-rows": ("Single rows that cannot be stored as they are.", _spoil(
        "nul", "surrogate", "big_int", "huge_int", "long_text", "missing_id", "null_id", "number_id",
        "negative_duration", "completed_before_started", "unknown_status", "bad_time", "nan", "error_is_text",
        "trigger_is_list")),
    "f20-rows-twice": ("Rows and pages come twice.", [
        _fault("duplicate_rows", ROWS, times=3), _fault("ignore_page", "page=2", back=1)]),
    "f21-moving-pages": ("Rows come in and go while pages are read.", [
        _fault("add_rows", "page=2", times=2, flow="sick", count=3),
        _fault("delete_rows", "page=2", times=2, flow="sick", count=3)]),
    "f22-lying-pages": ("The page is ignored, totals are wrong, pages are smaller than asked for.", [
        _fault("ignore_page", "page=[2-9]", times=3), _fault("wrong_total", ".", times=4),
        _fault("cap_per_page", ROWS, times=5, cap=7)]),
    "f23-late-rows": ("Rows appear 1 s, 20 minutes and 3 days after their start.", [
        _rows(status="failed", late_seconds=late) for late in (1, 1200, 3 * 24 * HOURS)]),
    "f24-changing-rows": ("A row that stays running, and failures that Zoho runs again by itself.", [
        _rows(status="running"), _rows(status="failed", kind="503", count=10)]),
    "f25-equal-times": ("Many rows with the same start, out of order.", [
        _rows(count=120, duration_ms=700), _fault("shuffle_rows", ROWS, times=4)]),
    "f26-server-clock": ("The Date header is an hour off either way, or absent.", [
        _fault("date_header", ".", times=2, skew=3600), _fault("date_header", ".", times=2, skew=-3600),
        _fault("date_header", ".", times=2, absent=True)]),
    "f27-token-expires": ("The access token expires between two pages.", [_fault("expire_tokens", ROWS, skip=1)]),
    "f28-not-allowed": ("Scope missing for connections, permission missing for rules.", [
        _fault("scope_mismatch", "/connections", times=0), _fault("no_permission", "/workflow_rules", times=0)]),
    "f29-revoked": ("The refresh token has been revoked.", [
        _fault("revoke_refresh_tokens", "."), _do("token_expire_all")]),
    "f29-client-deleted": ("The client does not exist any more.", [
        _fault("oauth_error", TOKEN, times=0, error="invalid_client"), _do("token_expire_all")]),
    "f30-token-throttle": ("The token endpoint throttles with HTTP 200 for ten minutes.", [
        _fault("token_throttle", TOKEN, times=0, lasts=600), _do("token_expire_all")]),
    "f31-stampede": ("All access tokens expire at once.", [_do("token_expire_all")]),
    "f32-lost-token": ("The answer with the new token is lost.", [
        _fault("reset", TOKEN, times=1, ran=True), _do("token_expire_all")]),
    "f33-odd-token": ("expires_in is missing, 0, in ms, a text; api_domain is another host.", [
        _fault("token_fields", TOKEN, drop=["expires_in"]),
        *[_fault("token_fields", TOKEN, set={"expires_in": odd}) for odd in (0, 3_600_000, "3600")],
        _fault("token_fields", TOKEN, set={"api_domain": "https://api.example.com"}), _do("token_expire_all")]),
    "f46-outage-and-flood": ("Nothing for six hours, then 20,000 executions at once.", [
        _fault("status", "^/(api|crm|oauth)/", times=0, lasts=6 * HOURS, status=503, html=True),
        _rows(count=20_000, status="failed", kind="mandatory", starts_in=6 * HOURS)]),
    "f47-wrong-data-centre": ("Every token is invalid here, as in another data centre.", [
        _fault("invalid_token", f"{FLOW}|{CRM}", times=0)]),
}  # fmt: skip
