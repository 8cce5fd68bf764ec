"""Maps the address of the search by name."""

from __future__ import annotations

from django.urls import path

from dashboard.find import views

urlpatterns = [path("find/", views.find, name="find")]
