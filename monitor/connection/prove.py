"""Proves what a person entered for an account: gets tokens with it and asks each product once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from math import ceil

from monitor.connection import organisation
from monitor.connection.network import open_transport
from monitor.connection.organisation import Identity
from monitor.models import ApiCall, Flow, Product, WorkflowRule, ZohoAccount
from monitor.zoho.crm import CrmClient
from monitor.zoho.datacenters import Elsewhere, Origins, elsewhere
from monitor.zoho.errors import GrantRevoked, NotAvailable, NotSent, ScopeMissing, SignIn, Wait, ZohoError
from monitor.zoho.flow import FlowClient
from monitor.zoho.oauth import OAuthClient, TokenGrant
from monitor.zoho.scopes import missing_scopes, scopes_for
from monitor.zoho.shapes.flows import FlowPage
from monitor.zoho.shapes.org import Org
from monitor.zoho.shapes.rules import RulePage
from monitor.zoho.tokens import FixedToken
from monitor.zoho.transport import Transport


class ConnectError(Exception):
    """Says why an account cannot be connected: one line for people, without secrets.

    `can_be_confirmed`: it cannot be told whether the grant is for the account's organisation; a person may say so.
    """

    def __init__(self, line: str, *, can_be_confirmed: bool = False) -> None:
        super().__init__(line)
        self.can_be_confirmed = can_be_confirmed


@dataclass(frozen=True)
class Wanted:
    """Holds what a person entered. Exactly one of `refresh_token` and `grant_code` is given.

    `plan` is a plan's name or ""; `calls_per_minute` and `calls_per_day` are a person's own limits.
    `redirect_uri` belongs to a grant code that came by redirect, None for a self client's code. `same_organisation` is
    a person's word where it cannot be told by Zoho's answers.
    """

    name: str
    data_center: str
    origins: Origins
    client_id: str
    client_secret: str = field(repr=False)
    plan: str = ""
    calls_per_minute: int | None = None
    calls_per_day: int | None = None
    refresh_token: str | None = field(default=None, repr=False)
    grant_code: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None
    same_organisation: bool = False


@dataclass
class CredentialsProof:
    """Collects what proving found, and the calls it made, for the ledger.

    `overlaps` is as for `organisation.objection`.
    """

    grant: TokenGrant
    calls: list[ApiCall]
    day_limit: dict[str, int] = field(default_factory=dict)
    asked_to_wait: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    identity: Identity = field(default_factory=Identity)
    overlaps: dict[str, bool | None] = field(default_factory=dict)


def prove(
    wanted: Wanted, known: ZohoAccount | None, clock: Callable[[], datetime], calls: list[ApiCall]
) -> CredentialsProof:
    """Gets tokens and asks each product whether it is there, and of which organisation it is.

    Args:
        wanted: what a person entered, checked.
        known: the account that is connected again, if it is one.
        clock: the present at each call.
        calls: gets the calls it made, also where it fails.

    Raises:
        ConnectError: what is wrong.
    """
    with open_transport(20.0) as transport:
        oauth = OAuthClient(transport, wanted.origins, wanted.client_id, wanted.client_secret)
        try:
            if wanted.grant_code:
                grant = oauth.exchange_code(wanted.grant_code, wanted.redirect_uri)
            else:
                grant = oauth.refresh(wanted.refresh_token or "")
        except ZohoError as error:
            raise ConnectError(_credentials_line(error, wanted)) from error
        away = elsewhere(wanted.origins, grant.api_domain)
        if away is not None and away.is_certain:
            raise ConnectError(away.hint)
        return _Prover(wanted.origins, known, transport, CredentialsProof(grant, calls), clock, away).prove()


@dataclass
class _Prover:
    """Asks the products of one account with a fresh grant."""

    origins: Origins
    known: ZohoAccount | None
    transport: Transport
    proof: CredentialsProof
    clock: Callable[[], datetime]
    away: Elsewhere | None
    _flows: FlowPage | None = None
    _rules: RulePage | None = None

    def prove(self) -> CredentialsProof:
        """Asks each product, then for the organisation; where CRM does not tell it, the lists have to."""
        tokens, proof = FixedToken(self.proof.grant.access_token), self.proof
        flow = crm = None
        available, org = 0, None
        if self.origins.flow:
            flow = FlowClient(self.transport, self.origins.flow, tokens, self._before, self._after)
            available += self._is_there(Product.FLOW, partial(self._list_flows, flow))
        if self.origins.crm:
            crm = CrmClient(self.transport, self.origins.crm, tokens, self._before, self._after)
            available += self._is_there(Product.CRM, partial(self._list_rules, crm))
            org = self._organisation(crm)
        if not available:
            raise ConnectError(
                "; ".join(proof.notes) or "neither a Flow nor a CRM address is known for this data centre"
            )
        proof.identity = organisation.identity_of(org, proof.grant.api_domain)
        if self.known is not None:
            self._compare(self.known, flow)
        wanted = scopes_for(flow=flow is not None, crm=crm is not None)
        if missing := missing_scopes(wanted, proof.grant.scope):
            proof.notes.append(f"Not granted: {', '.join(missing)}. What needs them is not read")
        return proof

    def _before(self, product: str, method: str, path: str) -> object:
        call = ApiCall(product=product, method=method, path=path[:200], started_at=self.clock())
        self.proof.calls.append(call)
        return call

    def _after(self, call: object, product: str, status: int | None, headers: Mapping[str, str]) -> None:
        if isinstance(call, ApiCall):
            call.finished_at, call.status = self.clock(), status
        limit = headers.get("x-ratelimit-limit", "")
        if limit.isdecimal() and 0 < len(limit) < 10 and int(limit) > 0:
            self.proof.day_limit[product] = int(limit)

    def _is_there(self, which: Product, ask: Callable[[], None]) -> bool:
        """Asks whether the product is there; one that the account simply does not have is no error."""
        product, notes = str(which.label), self.proof.notes
        try:
            ask()
        except (NotAvailable, ScopeMissing) as error:
            # That the product is not there is news for nobody; that it was not asked for can be put right.
            mend = f". {error.hint.rstrip('.')}" if isinstance(error, ScopeMissing) else ""
            notes.append(f"{product} is not available: {error}{mend}")
            return False
        except Wait as error:
            # The token was taken, only the budget is used up: that proves the credentials.
            notes.append(f"{product} asks to wait: {error}")
            self.proof.asked_to_wait.add(which.value)
        except ZohoError as error:
            hint = self.away.hint if self.away is not None and isinstance(error, SignIn) else error.hint
            raise ConnectError(f"{product}: {error}. {hint}") from error
        return True

    def _list_flows(self, client: FlowClient) -> None:
        self._flows = client.list_flows()

    def _list_rules(self, client: CrmClient) -> None:
        self._rules = client.list_workflow_rules(page=1)

    def _compare(self, account: ZohoAccount, flow: FlowClient | None) -> None:
        """Looks for what is mirrored among what the grant lists."""
        overlaps = self.proof.overlaps
        known = organisation.known_of(organisation.remembered(account))
        is_told = organisation.is_same(known, self.proof.identity) is not None
        if self._rules is not None and WorkflowRule.objects.filter(account=account).exists():
            ids = [rule.id for rule in self._rules.rules]
            found = organisation.overlap_of(partial(organisation.has_rule, account), [ids])
            overlaps["workflow rules"] = None if self._rules.more_records and not found else found
        if flow is None or self._flows is None or not Flow.objects.filter(account=account).exists():
            return
        # Where CRM has told, one page is looked at: it is no more than a hint then.
        pages = islice(self._pages(flow, self._flows), 1 if is_told else None)
        overlaps["flows"] = None
        with suppress(Wait):
            overlaps["flows"] = organisation.overlap_of(partial(organisation.has_flow, account), pages)

    def _pages(self, client: FlowClient, page: FlowPage) -> Iterator[list[str]]:
        number, seen = 1, set[str]()
        # A list without pages answers every one of them alike.
        while ids := {flow.flow_id for flow in page.flows} - seen:
            yield sorted(ids)
            seen |= ids
            number += 1
            try:
                page = client.list_flows(page=number)
            except Wait:
                raise
            except ZohoError as error:
                raise ConnectError(f"{Product.FLOW.label}: {error}. {error.hint}") from error

    def _organisation(self, client: CrmClient) -> Org | None:
        """Asks CRM whose account it is; where that cannot be had, the lists have to tell."""
        if Product.CRM.value in self.proof.asked_to_wait:
            return None
        try:
            return client.org()
        except ZohoError as error:
            if not any(note.startswith(f"{Product.CRM.label} is not available") for note in self.proof.notes):
                self.proof.notes.append(f"The organisation's name could not be read: {error}")
            return None


def _credentials_line(error: ZohoError, wanted: Wanted) -> str:
    kind = "grant code" if wanted.grant_code else "refresh token"
    if isinstance(error, GrantRevoked):
        return f"Zoho refused the {kind} ({error.code or 'invalid_code'}): it is wrong, used, expired or revoked"
    if isinstance(error, NotSent):
        return f"the accounts server cannot be reached: {error}"
    said = str(error).rstrip(".")
    if isinstance(error, Wait):
        # Elsewhere a wait ends by itself; here a person has to come back.
        return f"{said}. Nothing was changed: try again in {ceil(error.retry_after / 60)} minutes"
    return f"{said}. {error.hint}"
