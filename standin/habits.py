"""Zoho's habits and oddities, each of which can be switched.

The defaults are what Zoho does, as far as notes/zoho-api knows; `dialect="seed"` speaks as the seed
documents do where the two disagree (notes/zoho-api section 9).
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

Dialect = Literal["zoho", "seed"]
RetryAnswers = Literal["new-id", "same-id"]
RetryLuck = Literal["likely", "succeed", "fail"]


@dataclass(frozen=True, slots=True)
class Habits:
    """How this Zoho behaves. Names of sections are those of notes/zoho-api unless said otherwise."""

    dialect: Dialect = "zoho"
    retry_answers: RetryAnswers = "new-id"  # the seed gives no reply body: both are possible
    retries: RetryLuck = "likely"  # whether a retried run goes well
    auto_reruns: bool = True  # section 7: Zoho Flow re-runs transient failures by itself
    failed_rows_carry_trigger_data: bool = True  # the seed's failed row has none
    access_token_seconds: int = 3600  # section 5
    token_throttle: bool = True  # section 5: 10 access tokens a refresh token in 10 minutes, as HTTP 200
    live_access_tokens: int = 10  # section 5: the oldest is dropped at the 11th
    live_refresh_tokens: int = 20  # section 5: the first is dropped at the 21st
    rotate_refresh_token: bool = False  # a new refresh token with every refresh (not Zoho's way)
    own_api_domain: bool = True  # section 4: else the SDK would talk to the real host
    location: str = "us"  # section 5: the data centre that the redirect names
    consent: Literal["page", "skip"] = "skip"  # what /oauth/v2/auth shows
    invalid_token_code: Literal["INVALID_TOKEN", "AUTHENTICATION_FAILURE"] = "INVALID_TOKEN"  # noqa: S105
    check_scopes: bool = True  # OAUTH_SCOPE_MISMATCH
    flow_retry_after: bool = True  # seed zoho-flow-api, "Error Handling": Retry-After on 429
    crm_retry_after: bool = False  # section 6: none documented
    credits_header: bool = True  # section 6: X-API-CREDITS-REMAINING once half is used
    concurrency_limit: bool = True  # section 6: 5 to 25 calls at once per organisation and app
    empty_list_is_204: bool = True  # CRM lists without a row
    connected_workflows_refuse_paging: bool = True  # section 3
    mixed_is_207: bool = True  # several results in one answer, not all of them good
    mixed_offsets: bool = True  # section 2.2: -08:00 and +05:30 in one list
    usage_days: int = 90  # section 2.3
    webhook_failure_default_days: int = 30  # section 2.4
    webhook_failure_max_days: int = 90  # section 2.4
    watch_max_days: int = 7  # section 8: a longer wish silently becomes one hour
    crm: bool = True  # whether the account has Zoho CRM at all
    flow: bool = True  # whether the account has Zoho Flow at all
    retention_days: int = 90  # how long Flow's history is kept
    list_stats: Literal["life", "window", "none"] = "life"  # what a list's `stats` count; the seed's example: life
    period_counts: Literal["rolling", "days", "life"] = "rolling"  # what a period of `executions/stats` means
    to_date: Literal["inclusive", "exclusive", "ignored"] = "inclusive"  # not documented

    def changed(self, **changes: Any) -> "Habits":
        """A copy with other settings; ValueError names a setting that does not exist."""
        known = {field.name for field in fields(self)}
        for name in changes:
            if name not in known:
                raise ValueError(f"no such habit: {name}")
        return replace(self, **changes)


def habits_for(dialect: Dialect, **changes: Any) -> Habits:
    """The habits of a dialect, with single ones changed."""
    if dialect == "seed":
        changes = {"failed_rows_carry_trigger_data": False, "empty_list_is_204": False, **changes}
    return Habits().changed(dialect=dialect, **changes)
