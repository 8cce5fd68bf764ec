"""A list as a file: what has come of it is told, it can be stopped, and what broke off is not taken for a whole one."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.utils import timezone
from playwright.sync_api import expect

from dashboard.csv_files import TOTAL
from monitor.models import User
from tests import factories
from tests.browser.conftest import Visit
from tests.dashboard.world import World, make_world

pytestmark = pytest.mark.browser


@pytest.fixture
def world(transactional_db: None, people: dict[str, User]) -> World:
    made = make_world(timezone.now())
    factories.make_execution(made.flow, "failed", error_message='two lines\nand a "quote"', started_time=timezone.now())
    return made


def test_all_rows_of_a_list_are_counted_as_they_come_and_saved(
    visit: Visit, world: World, people: dict[str, User]
) -> None:
    visit.sign_in(people["otto"])
    visit.go("/executions/")
    for kind in ("CSV", "NDJSON"):
        with visit.page.expect_download() as told:
            visit.page.get_by_role("button", name=kind, exact=True).click()
        text = Path(told.value.path()).read_text()
        rows = len(list(csv.reader(io.StringIO(text)))) - 1 if kind == "CSV" else len(text.splitlines())
        assert told.value.suggested_filename == f"executions.{kind.lower()}"
        expect(visit.page.get_by_role("status").filter(has_text=f"all {rows} rows")).to_be_visible()


def test_a_file_can_be_stopped_and_one_that_breaks_off_is_said_and_not_saved(
    visit: Visit, world: World, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def lines() -> Iterator[str]:
        yield "execution_id\n" + "E\n" * 20
        go_on.wait(20)
        yield "E\n"

    def answer(*_: Any, **__: Any) -> StreamingHttpResponse:
        disposition = 'attachment; filename="executions.csv"'
        return StreamingHttpResponse(
            lines(), content_type="text/csv", headers={TOTAL: "45000", "Content-Disposition": disposition}
        )

    monkeypatch.setattr("dashboard.executions.files.export_list", answer)
    visit.sign_in(people["otto"])
    visit.go("/executions/")
    downloads: list[Any] = []

    def kept(download: Any) -> None:
        downloads.append(download)

    visit.page.on("download", kept)
    visit.page.get_by_role("button", name="CSV", exact=True).click()
    expect(visit.page.get_by_text("20 of 45,000 rows")).to_be_visible()
    visit.page.get_by_role("button", name="Cancel").click()
    expect(visit.page.get_by_text("Cancelled: nothing was saved.")).to_be_visible()
    go_on.set()
    visit.page.get_by_role("button", name="CSV", exact=True).click()
    expect(visit.page.get_by_text("The file broke off, and nothing was saved")).to_contain_text("21 of 45,000")
    assert downloads == []
