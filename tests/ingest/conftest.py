from __future__ import annotations

from datetime import datetime

import pytest

from tests.ingest.fake_zoho import Clock, Zoho


@pytest.fixture
def zoho(now: datetime) -> Zoho:
    """An empty account at Zoho, at the tests' present."""
    return Zoho(Clock(now))
