"""What all of Flow's subjects share."""

from __future__ import annotations

from typing import ClassVar

from monitor.zoho.api import ApiClient


class FlowApi(ApiClient):
    """Flow's address: `{origin}/api/v1`. Source: seed zoho-flow-api.md, "Overview"."""

    product: ClassVar[str] = "flow"
    base: ClassVar[tuple[str, ...]] = ("api", "v1")
