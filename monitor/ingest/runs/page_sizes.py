"""How many executions a page may have at an account's Zoho, remembered from sweep to sweep.

The largest page of executions is not documented (notes `zoho-api.md` 1.4), so it is tried: a server that refuses it
answers with an error, which costs a call. It stands in the cursor of the stream *executions*:
``{"page_size": 50, "page_size_at": "..."}``; a size of null is the one that Zoho chooses. How long a full page came out
is not remembered: a first reading that believes in longer pages than there are now would stop short in silence.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from monitor.ingest.base.context import Context
from monitor.models import Stream, StreamState

TRY_AGAIN = timedelta(days=1)


def sizes_left(sizes: list[int | None], cursor: dict[str, Any], now: datetime) -> list[int | None]:
    """The sizes to be tried, by what an earlier sweep found out. Pure.

    Args:
        sizes: all, the largest first.
        cursor: of the stream *executions*.
        now: the present.
    """
    try:
        age = now - datetime.fromisoformat(cursor["page_size_at"])
        place = sizes.index(cursor["page_size"])
    except (KeyError, TypeError, ValueError):
        return sizes
    return sizes[place:] if timedelta(0) <= age < TRY_AGAIN else sizes


def load(context: Context) -> None:
    """Takes over what the last sweeps found out."""
    rows = StreamState.objects.filter(account=context.account, stream=Stream.EXECUTIONS)
    cursor = rows.values_list("cursor", flat=True).first()
    context.page_sizes = sizes_left(context.page_sizes, cursor or {}, context.clock())


def save(context: Context, before: int | None) -> None:
    """Leaves word of a size that was refused and the smaller one that was not.

    Args:
        context: of the sweep that ends.
        before: the size that it began with.
    """
    if context.page_sizes[0] == before:
        return
    found = {"page_size": context.page_sizes[0], "page_size_at": context.clock().isoformat()}
    with context.writing():
        # Others keep what is theirs in the same cursor.
        rows = StreamState.objects.select_for_update().filter(account=context.account, stream=Stream.EXECUTIONS)
        for state in rows:
            StreamState.objects.filter(pk=state.pk).update(cursor=state.cursor | found)
