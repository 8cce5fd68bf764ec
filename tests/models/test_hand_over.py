"""What one stage takes over from another: as many hours as it asked for, the newest first."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection

from monitor.models import DirtyHour
from monitor.models.hand_over import take_hours
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
# With the first ways off PostgreSQL asks for the chosen hours anew for each row that it looks at, as it does by itself
# with a table of few rows that it has counted; with the second it sorts them once.
OFF = [
    "enable_hashagg enable_hashjoin enable_mergejoin enable_material enable_sort enable_seqscan",
    "enable_hashagg enable_hashjoin enable_mergejoin enable_material enable_sort enable_indexscan enable_bitmapscan",
]


@pytest.mark.parametrize("off", ["", *OFF])
def test_no_more_hours_are_taken_than_asked_for_whatever_the_database_plans(now: datetime, off: str) -> None:
    flow = factories.make_flow()
    DirtyHour.objects.all().delete()
    for n in range(6):  # the newest first: so it is also looked at first
        DirtyHour.objects.mark([(flow.pk, now - n * HOUR)])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in off.split():
                cursor.execute(f"SET LOCAL {way} = off")

    assert take_hours(DirtyHour, 2, now - 6 * HOUR) == {(flow.pk, now), (flow.pk, now - HOUR)}
    assert DirtyHour.objects.count() == 4
