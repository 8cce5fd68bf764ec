"""Joins the addresses of all areas; each area's are in its own `urls.py`."""

from django.urls import include, path

AREAS = (
    *(
        "overview",
        "find",
        "flows",
        "executions",
        "problems",
        "batches",
        "policies",
        "alerts",
        "channels",
        "rules",
        "edits",
        "connections",
        "changes",
        "compare",
        "versions",
        "accounts",
        "people",
        "audit",
        "status_page",
    ),
    *("hooks", "health", "styleguide"),
)

urlpatterns = [path("", include(f"dashboard.{area}.urls")) for area in AREAS]
handler500 = "dashboard.errors.server_error"
