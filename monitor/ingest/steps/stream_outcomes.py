"""Turns what goes wrong in one stream into its outcome, so that the other streams and the other product go on."""

from __future__ import annotations

from collections.abc import Callable

from monitor.connection import BudgetSpent
from monitor.connection.budget import KeptForOthers
from monitor.ingest.base.calls import OutOfTime
from monitor.ingest.base.context import Context
from monitor.models import Stream, StreamState
from monitor.zoho.errors import ClientRefused, GrantRevoked, NotAvailable, TokenRefused, Unreachable, Wait, ZohoError


def settle(context: Context, stream: Stream, product: str, work: Callable[[], None]) -> None:
    """Does a stream's work and notes how it ended; does nothing where the product gave no answer before.

    Args:
        context: of the sweep.
        stream: whose outcome it is.
        product: whose calls it costs.
        work: reads it, and notes by itself that it went well.

    Raises:
        OutOfTime: the task's time is up.
        ZohoError: what concerns the whole account.
    """
    dead = context.result.dead_products
    if product in dead:
        error = dead[product]
        if not isinstance(error, Wait):
            context.note(stream, StreamState.State.FAILING, str(error), error=error)
        return
    try:
        work()
    except (OutOfTime, KeptForOthers) as stop:
        context.note(stream, StreamState.State.INCOMPLETE, str(stop) or "goes on with the next task")
        if isinstance(stop, OutOfTime):
            raise
    except Wait as stop:
        ours = isinstance(stop, BudgetSpent)
        context.note(stream, StreamState.State.INCOMPLETE if ours else StreamState.State.FAILING, str(stop), error=stop)
        context.halt(product, stop)
    except (GrantRevoked, ClientRefused) as stop:
        context.note(stream, StreamState.State.FAILING, str(stop), error=stop)
        raise
    except NotAvailable as error:
        context.note(stream, StreamState.State.NOT_AVAILABLE, str(error))
    except ZohoError as error:
        context.note(stream, StreamState.State.FAILING, f"{error}. {_hint(context, error)}", error=error)
        if error is _token_failure(context):
            dead |= dict.fromkeys(context.clients.products, error)
        elif isinstance(error, Unreachable | TokenRefused):
            dead[product] = error


def _hint(context: Context, error: ZohoError) -> str:
    """Says what to do about an error; a token that belongs at another address is refused for that."""
    away = context.clients.tokens.away
    return away.hint if away is not None and isinstance(error, TokenRefused) else error.hint


def back_off(context: Context) -> None:
    """Leaves a product alone that gives no answer at all; the other one goes on."""
    for product, error in context.result.dead_products.items():
        if isinstance(error, Unreachable) or error is _token_failure(context):
            context.result.resume[product] = context.clients.gate.failed(product, str(error))


def _token_failure(context: Context) -> Exception | None:
    """Says what kept the access token from being renewed, if anything did: it concerns both products."""
    return context.clients.tokens.failure


def has_failed(context: Context, stream: Stream) -> bool:
    """Says whether a stream was tried in this sweep and did not end well."""
    outcome = context.result.outcomes.get(stream.value)
    return outcome is not None and outcome.state != StreamState.State.OK
