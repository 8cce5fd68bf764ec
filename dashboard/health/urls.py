"""Maps the addresses that load balancers and watchdogs ask."""

from __future__ import annotations

from django.urls import path

from dashboard.health import views

# By their whole path: `dashboard.middleware` answers these before anything looks at the Host header.
PROBES = {"/healthz/live": views.live, "/healthz/ready": views.ready}
urlpatterns = [
    path(address.removeprefix("/"), view, name=address.strip("/").replace("/", "_")) for address, view in PROBES.items()
]
