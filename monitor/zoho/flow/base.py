"""Gives all areas of Flow its address."""

from __future__ import annotations

from typing import ClassVar

from monitor.zoho.api import ApiClient


class FlowApi(ApiClient):
    """Knows Flow's address, `{origin}/api/v1` (docs/reference/zoho-flow.md, "Addresses and envelope")."""

    product: ClassVar[str] = "flow"
    base: ClassVar[tuple[str, ...]] = ("api", "v1")
