"""Maps the addresses of flows."""

from __future__ import annotations

from django.urls import path

from dashboard.flows import views

urlpatterns = [
    path("flows/", views.flows, name="flows"),
    path("flows/<int:pk>/", views.flow, name="flow"),
    path("flows/<int:pk>/read/", views.flow_read, name="flow_read"),
]
