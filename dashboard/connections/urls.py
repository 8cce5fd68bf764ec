"""Maps the addresses of connections."""

from __future__ import annotations

from django.urls import path

from dashboard.connections import views

urlpatterns = [
    path("connections/", views.connections, name="connections"),
    path("connections/csv/", views.connections_csv, name="connections_csv"),
    path("connections/<int:pk>/", views.connection, name="connection"),
    path("connections/<int:pk>/test/", views.connection_test, name="connection_test"),
]
