"""Maps the addresses of versions of definitions."""

from __future__ import annotations

from django.urls import path

from dashboard.versions import views

urlpatterns = [
    path("flows/<int:pk>/versions/<int:number>/", views.flow_version, name="flow_version"),
    path("rules/<int:pk>/versions/<int:number>/", views.rule_version, name="rule_version"),
    path("connected/<int:pk>/versions/<int:number>/", views.connected_version, name="connected_version"),
]
