"""The mirror is right at the places that chance finds too seldom."""

from __future__ import annotations

import pytest

from tests.faults.directed import SCENARIOS


@pytest.mark.deep
@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_nothing_is_wrong_where_it_is_hardest(name: str) -> None:
    assert SCENARIOS[name]() == []
