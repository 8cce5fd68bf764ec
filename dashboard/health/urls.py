"""Maps the addresses that load balancers and watchdogs ask."""

from __future__ import annotations

from django.urls import path

from dashboard.health import views

urlpatterns = [
    path("healthz/live", views.live, name="healthz_live"),
    path("healthz/ready", views.ready, name="healthz_ready"),
]
