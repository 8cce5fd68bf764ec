"""Maps the address of the first page."""

from __future__ import annotations

from django.urls import path

from dashboard.overview import views

urlpatterns = [
    path("", views.overview, name="overview"),
]
