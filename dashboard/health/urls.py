"""Maps the addresses that load balancers and watchdogs ask."""

from __future__ import annotations

from django.urls import path

from dashboard.health import LIVE, READY, views

# By their whole path: `dashboard.middleware` answers these before anything looks at the Host header.
PROBES = {LIVE: views.live, READY: views.ready}
urlpatterns = [
    path(address.removeprefix("/"), view, name=address.strip("/").replace("/", "_")) for address, view in PROBES.items()
]
