"""Speaks HTTP and JSON with Zoho, without Django; it is the only place that knows Zoho's spelling.

From the bottom up: `clean` makes untrusted values fit to keep; `errors` is the tree of what a caller can do;
`protocol`, `retry_after` and `read_answer` turn bytes into a payload or an error without any I/O; `deadline_sockets`,
`read_body`, `repeat_reads` and `transport` send; `oauth`, `flow` and `crm` know the endpoints, and `shapes` their
replies. Only `transport` imports httpx.

Sources: `docs/reference/` holds our account of Zoho's interfaces; "zoho/crm-oas" is Zoho's own repository of OpenAPI
files with its examples. Nothing was checked against a live account, and Flow's API as a whole is unconfirmed.
"""

from monitor.zoho.crm import CrmClient
from monitor.zoho.datacenters import DATA_CENTERS, Origins, allowed_api_domain, custom_origins
from monitor.zoho.errors import (
    AnswerLost,
    BadAnswer,
    ClientRefused,
    GrantRevoked,
    NotAvailable,
    NotFound,
    NotSent,
    Refused,
    ScopeMissing,
    SignIn,
    TokenRefused,
    Unreachable,
    Wait,
    ZohoError,
)
from monitor.zoho.flow import FlowClient
from monitor.zoho.oauth import OAuthClient, TokenGrant
from monitor.zoho.oauth_redirect import Redirect, read_redirect
from monitor.zoho.scopes import CRM_SCOPES, FLOW_SCOPES, WATCH_SCOPES
from monitor.zoho.tokens import FixedToken, TokenSource
from monitor.zoho.transport import Transport

__all__ = [
    "CRM_SCOPES",
    "DATA_CENTERS",
    "FLOW_SCOPES",
    "WATCH_SCOPES",
    "AnswerLost",
    "BadAnswer",
    "ClientRefused",
    "CrmClient",
    "FixedToken",
    "FlowClient",
    "GrantRevoked",
    "NotAvailable",
    "NotFound",
    "NotSent",
    "OAuthClient",
    "Origins",
    "Redirect",
    "Refused",
    "ScopeMissing",
    "SignIn",
    "TokenGrant",
    "TokenRefused",
    "TokenSource",
    "Transport",
    "Unreachable",
    "Wait",
    "ZohoError",
    "allowed_api_domain",
    "custom_origins",
    "read_redirect",
]
