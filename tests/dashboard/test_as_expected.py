"""What a page says of one thing does not contradict another, and what it offers works without scripts (case C7)."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from monitor.notify.recipients import entitled
from tests import factories
from tests.dashboard.soup import Page, words

TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [({}, ""), ({"wants_mail": False}, "opted out"), ({"email": ""}, "no address"), ({"is_active": False}, "disabled")],
)
def test_people_and_profile_say_alike_whether_somebody_gets_alert_mails(
    role: str, fields: dict[str, Any], reason: str, ada: Any, signed_in: Any
) -> None:
    person = factories.make_user("pat", role, **fields)
    page = Page(signed_in(ada).get(reverse("people")).content.decode())
    (row,) = (row for row in page.root.iter("tr") if "pat" in words(row).split())
    (cell,) = (cell for cell in row.iter("td") if cell.get("data-label") == "Alert mails")
    gets = entitled().filter(pk=person.pk).exists()
    assert (words(cell) == "yes") is gets
    assert gets or reason in words(cell) or role == "viewer"
    if person.is_active:
        profile = words(Page(signed_in(person).get(reverse("profile")).content.decode()).root)
        assert f"Alert mails for you: {words(cell)}." in profile


def test_what_cannot_be_retried_is_offered_to_nobody(account: Any, vera: Any, otto: Any, signed_in: Any) -> None:
    flow = factories.make_flow(account)
    old = timezone.now() - timedelta(days=3)
    refused = factories.make_execution(flow, "failed", started_time=old, unlisted_at=None)
    for person in (vera, otto):
        flow.gone_at = timezone.now()
        flow.save()
        told = words(Page(signed_in(person).get(refused.get_absolute_url()).content.decode()).root)
        assert "Cannot be retried" in told
        assert "can retry it" not in told
    flow.gone_at = None
    flow.save()
    told = words(Page(signed_in(vera).get(refused.get_absolute_url()).content.decode()).root)
    assert "Cannot be retried" not in told
    assert "Operators and admins can retry it" in told


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR / "templates")))
def test_every_dialog_is_opened_and_left_by_a_link_so_that_it_needs_no_script(path: Path) -> None:
    text = path.read_text()
    for opener in re.findall(r"<[^>]*data-opens=[^>]*>", text):
        name = re.search(r'data-opens="([^"]+)"', opener)[1]  # type: ignore[index]
        assert opener.startswith("<a ")
        # To itself, which an address shows without a script, or to a page that does the same.
        assert f'href="#{name}"' in opener or 'href="{% url' in opener
    for closer in re.findall(r"<[^>]*data-closes[^>]*>", text):
        assert closer.startswith("<a ")
        assert 'href="#' in closer or 'href="{% url' in closer


def test_a_dialog_that_an_address_names_is_shown_without_scripts() -> None:
    sheet = Path(settings.BASE_DIR, "static/css/parts/dialog.css").read_text()
    assert re.search(r"html:not\(\.js\) \.dialog:target \{ display: block;", sheet)
