"""A callback's key stands in no log and no audit entry, however nearly right a request is."""

from __future__ import annotations

import logging

import pytest
from django.test import Client

from dashboard.logs import LineFormatter
from monitor.models import AuditEntry
from monitor.privacy import mask_log

# As `secrets.token_urlsafe` makes them; one in ten has so few digits.
KEYS = ["aZ3kQ9xYvB2mN8pLrT5wC7dF1gH4jS6uE0iOqRzXcVb", "aZckQkxYvBnmNgpLrT5wCtdFogHejSsuE-iOqRzXcV_"]
NEAR_MISSES = [
    "/hooks/flow/{}", "/hooks/flow/{}/", "/hooks/flow/{}x", "/hooks/flow/{}/extra", "/hooks/flow/v1/{}", "/hooks/{}",
    "/hook/flow/{}", "/Hooks/Flow/{}", "//hooks//flow//{}", "/monitor/hooks/flow/{}", "/hooks/flows/{}", "/flow/{}",
    "/hooks/flow/%20{}", "/hooks%2Fflow%2F{}", "/hooks/flow/{}.json", "/hooks/flow/?key={}", "/hooks/crm/{}", "/{}",
    "/hooks/flow/{}%0d%0a", "/hooks/flow;{}",
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("address", NEAR_MISSES)
def test_a_key_is_not_logged_whatever_is_nearly_right(address: str, key: str, caplog: pytest.LogCaptureFixture) -> None:
    client = Client(enforce_csrf_checks=True)
    with caplog.at_level(logging.DEBUG, "django.request"), caplog.at_level(logging.DEBUG, "monitor"):
        for method in (client.post, client.get, client.put, client.delete, client.head):
            response = method(address.format(key))
            assert response.status_code >= 300
            assert key not in response.headers.get("Referer", "")
    logged = "\n".join(LineFormatter().format(record) for record in caplog.records)
    assert key[:12] not in logged
    assert key[-12:] not in logged
    assert not any(key in str(detail) for detail in AuditEntry.objects.values_list("detail", "object_id"))


@pytest.mark.parametrize(
    "line",
    ['  File "/app/monitor/hooks/receive.py", line 3, in check', "Not Found: /hooks/12/rotate/", "hooks: 5 / 7 done",
     "Not Found: /webhook-failures/unmasked/", "Not Found: /webhook-failures/"],
)  # fmt: skip
def test_a_log_keeps_paths_of_our_own_about_callbacks(line: str) -> None:
    assert mask_log(line) == line
