"""An address that an answer would repeat is not so long that a proxy in front makes an error of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from dashboard.middleware import RedirectMiddleware
from monitor.models import User

LONG = "a" * 5_000


def head_of(response: Any) -> int:
    """How many bytes the head of an answer has, cookies and all."""
    lines = [f"{name}: {value}" for name, value in response.items()] + [
        morsel.OutputString() for morsel in response.cookies.values()
    ]
    return sum(len(line) + 2 for line in lines)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address", [f"/flows/?text={LONG}", f"/people?x={LONG}", f"/flows/?text={'%25' * 900}", f"/?{'&' * 1_500}"]
)
def test_a_visitor_with_a_long_address_is_told_so(address: str) -> None:
    response = Client().get(address)
    assert response.status_code == 414
    assert head_of(response) < 3_000


def test_a_signed_in_person_is_told_so_where_a_redirect_would_repeat_it(signed_in: Any, ada: User) -> None:
    for page in ("/executions/unmasked/", "/webhook-failures/unmasked/", "/people"):
        assert signed_in(ada).get(page, {"text": LONG}).status_code == 414


def test_what_is_no_redirect_may_be_long(signed_in: Any, ada: User) -> None:
    assert signed_in(ada).get("/executions/", {"text": LONG}).status_code == 400  # the filter's own error
    assert signed_in(ada).get("/", {"x": LONG}).status_code == 200


@pytest.mark.django_db
def test_a_long_address_over_plain_http_is_told_so(settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert Client().get("/flows/", {"text": LONG}).status_code == 414
    assert Client().get("/flows/", {"text": "a" * 1_000}).status_code == 301


@pytest.mark.django_db
def test_an_address_of_the_longest_length_leads_to_sign_in_as_ever() -> None:
    room = RedirectMiddleware.LONGEST - len("/accounts/login/?next=/%3Fx%3D")
    assert Client().get("/?x=" + "a" * room).status_code == 302
    assert Client().get("/?x=" + "a" * (room + 1)).status_code == 414
