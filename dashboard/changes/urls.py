"""Maps the addresses of changes."""

from __future__ import annotations

from django.urls import path

from dashboard.changes import views

urlpatterns = [
    path("changes/", views.changes, name="changes"),
    path("changes/csv/", views.changes_csv, name="changes_csv"),
]
