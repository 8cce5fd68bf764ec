"""Says of which product each stream is."""

from __future__ import annotations

from monitor.models import Product, Stream

# Definitions are of both: they are read when nothing else is due, and have no turn of their own.
STREAMS: dict[Product, tuple[Stream, ...]] = {
    Product.FLOW: (Stream.FLOWS, Stream.CONNECTIONS, Stream.EXECUTIONS, Stream.STATISTICS),
    Product.CRM: (Stream.RULES, Stream.USAGE, Stream.CONNECTED, Stream.WEBHOOK_FAILURES, Stream.CHANNELS),
}


def product_of(stream: str) -> str:
    """Says whose calls a stream costs."""
    return Product.CRM if stream in STREAMS[Product.CRM] else Product.FLOW
