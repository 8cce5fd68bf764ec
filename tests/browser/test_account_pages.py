"""Connecting an account, and a new account's page: they hinder nobody and fit, wide and on a phone, light and dark."""

from __future__ import annotations

import pytest
from django.urls import reverse

from monitor.models import User
from tests.browser.conftest import Visit, Zoho
from tests.browser.test_callbacks_pages import look_at

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("screen", ["visit", "phone"])
def test_the_pages_hinder_nobody_and_fit(
    screen: str, request: pytest.FixtureRequest, zoho: Zoho, people: dict[str, User]
) -> None:
    seen: Visit = request.getfixturevalue(screen)
    seen.sign_in(people["ada"])
    seen.go(reverse("connect"))
    look_at(seen.page, f"connect-{screen}")
    seen.go(zoho.account.get_absolute_url())
    look_at(seen.page, f"account-{screen}")
    assert seen.page.get_by_role("heading", name="First steps").is_visible()
