"""Maps the addresses of the comparison of two accounts."""

from __future__ import annotations

from django.urls import path

from dashboard.compare import views

urlpatterns = [
    path("compare/", views.compare, name="compare"),
    path("compare/csv/", views.compare_csv, name="compare_csv"),
]
