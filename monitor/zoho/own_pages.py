"""Knows the pages of Zoho's own interface whose addresses are documented: lists, and no single thing.

Source: docs/reference/zoho-flow.md, "Pages of Zoho's own".
"""

from __future__ import annotations

from monitor.zoho.datacenters import DATA_CENTERS

_PATHS = {"flows": "/app/flows", "connections": "/app/connections"}


def own_page(what: str, data_center: str) -> str:
    """Returns the address of one of Zoho's lists; "" where none is documented.

    Args:
        what: "flows" or "connections"; of anything else no address is documented.
        data_center: a key of `DATA_CENTERS`; of addresses of a person's own choice nothing is known.
    """
    origins = DATA_CENTERS.get(data_center)
    if origins is None or origins.flow is None or what not in _PATHS:
        return ""
    return f"{origins.flow}{_PATHS[what]}"
