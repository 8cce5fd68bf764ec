"""Maps the address of the style guide."""

from __future__ import annotations

from django.urls import path

from dashboard.styleguide import views

urlpatterns = [
    path("styleguide/", views.styleguide, name="styleguide"),
]
