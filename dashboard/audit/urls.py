"""Maps the address of the audit trail."""

from __future__ import annotations

from django.urls import path

from dashboard.audit import views

urlpatterns = [
    path("audit/", views.audit, name="audit"),
]
