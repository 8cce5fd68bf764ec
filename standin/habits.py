"""Switches Zoho's habits and oddities, one by one.

The defaults are what Zoho does as far as is known. `dialect="seed"` speaks as the older unofficial descriptions do
where they disagree with Zoho's documents; docs/zoho-api.md lists where.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

Dialect = Literal["zoho", "seed"]
RetryAnswers = Literal["new-id", "same-id"]
RetryLuck = Literal["likely", "succeed", "fail"]
TokenWords = Literal["envelope", "desk", "mail", "books", "number", "list", "empty", "html"]


@dataclass(frozen=True, slots=True)
class Habits:
    """Holds how this Zoho behaves; the headings are those of the three pages on Zoho in docs/reference/."""

    dialect: Dialect = "zoho"
    retry_answers: RetryAnswers = "new-id"  # "Retry of an execution": no answer is shown, both are possible
    retries: RetryLuck = "likely"  # whether a retried run goes well
    auto_reruns: bool = True  # "Re-runs by Zoho"
    failed_rows_carry_trigger_data: bool = True  # "Executions": failed rows show none in the list
    access_token_seconds: int = 3600  # "Tokens"
    token_throttle: bool = True  # "Token limits": 10 access tokens a refresh token in 10 minutes, as HTTP 200
    live_access_tokens: int = 10  # "Token limits": the oldest is dropped at the 11th
    live_refresh_tokens: int = 20  # "Token limits": the first is dropped at the 21st
    rotate_refresh_token: bool = False  # a new refresh token with every refresh (not Zoho's way)
    own_api_domain: bool = True  # else the SDK would talk to the real host
    portal: int = 1  # which of a person's organisations grants are for: "Settings of the organisation"
    organisation_kind: Literal["production", "sandbox"] = "production"  # "Data centres": a sandbox has its own host
    location: str = "us"  # "Consent": the data centre that the redirect names
    consent: Literal["page", "skip"] = "skip"  # what /oauth/v2/auth shows
    invalid_token_code: Literal["INVALID_TOKEN", "AUTHENTICATION_FAILURE"] = "INVALID_TOKEN"  # noqa: S105
    refused_token_words: TokenWords = "envelope"  # noqa: S105 - "Other words" of CRM: how other products say it
    check_scopes: bool = True  # OAUTH_SCOPE_MISMATCH
    flow_retry_after: bool = True  # "Plans and limits": Retry-After on 429
    crm_retry_after: bool = False  # none documented
    credits_header: bool = True  # "Credits and concurrency": X-API-CREDITS-REMAINING once half is used
    concurrency_limit: bool = True  # "Credits and concurrency": 5 to 25 calls at once per organisation and app
    empty_list_is_204: bool = True  # CRM lists without a row
    connected_workflows_refuse_paging: bool = True  # "Connected workflows"
    mixed_is_207: bool = True  # several results in one answer, not all of them good
    mixed_offsets: bool = True  # "Answers, paging and empty lists": -08:00 and +05:30 in one list
    usage_days: int = 90  # "Usage of rules"
    webhook_failure_default_days: int = 30  # "Webhook failures"
    webhook_failure_max_days: int = 90  # "Webhook failures"
    action_puts: Literal["replace", "merge"] = (
        "replace"  # "Automation actions": tasks and webhooks; merge: an older reading
    )
    tasks_filter: Literal["filter", "filters"] = "filter"  # "Automation actions": how the list of tasks spells it
    ids_limit_code: Literal["INVALID_DATA", "LIMIT_EXCEEDED"] = "INVALID_DATA"  # "Errors of CRM": more than 10 ids
    in_use_code: Literal["NOT_ALLOWED", "ALREADY_USED"] = "NOT_ALLOWED"  # "Automation actions": still in a rule
    error_rows: Literal["list", "object", "nested"] = "list"  # "Other words": one refused row of a write
    failures_from: Literal["refuse", "clamp", "range"] = "refuse"  # "Webhook failures": days that are too old
    paid_type: str = "plan"  # "Settings of the organisation": the edition, in the plan's word or another
    trial_type: str = "none"  # the edition that is tried; `paid_type` is then free
    watch_max_days: int = 7  # "Notification channels": a longer wish silently becomes one hour
    crm: bool = True  # whether the account has Zoho CRM at all
    flow: bool = True  # whether the account has Zoho Flow at all
    retention_days: int = 90  # how long Flow's history is kept
    list_stats: Literal["life", "window", "none"] = "life"  # what a list's `stats` count; in the example: its life
    period_counts: Literal["rolling", "days", "life"] = "rolling"  # what a period of `executions/stats` means
    to_date: Literal["inclusive", "exclusive", "ignored"] = "inclusive"  # not documented

    def changed(self, **changes: Any) -> "Habits":
        """Returns a copy with other settings; ValueError names a setting that does not exist."""
        known = {field.name for field in fields(self)}
        for name in changes:
            if name not in known:
                raise ValueError(f"no such habit: {name}")
        return replace(self, **changes)


def habits_for(dialect: Dialect, **changes: Any) -> Habits:
    """Returns the habits of a dialect, with single ones changed."""
    if dialect == "seed":
        changes = {"failed_rows_carry_trigger_data": False, "empty_list_is_204": False, **changes}
    return Habits().changed(dialect=dialect, **changes)
