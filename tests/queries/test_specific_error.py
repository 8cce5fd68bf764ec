"""The one line that tells most of a failure: what the app said, not that an action failed."""

from __future__ import annotations

import pytest

from monitor.models import Execution
from monitor.queries.execution import specific_error


@pytest.mark.parametrize(
    ("details", "line"),
    [
        ("", "Action failed"),
        ("   \n\n", "Action failed"),
        ("Tax 'VAT 19' does not exist\nat line 3", "Tax 'VAT 19' does not exist"),
        ("\n  税金がありません\n", "税金がありません"),
        ('{"code": "INVALID_DATA", "message": "invalid data"}', "invalid data"),
        ('{\n  "data": [{"code": "DUPLICATE_DATA", "message": "duplicate data", "details": {}}]\n}', "duplicate data"),
        ('{\n  "price": 12\n}', '"price": 12'),
        ("{\n  not json at all\n", "not json at all"),
        ("[" * 5000, "Action failed"),
        ("{[]}", "Action failed"),
    ],
)
def test_the_line_is_of_the_details_where_they_say_something(details: str, line: str) -> None:
    run = Execution(error_message="Action failed", error_details=details)
    assert specific_error(run) == line
