"""Maps the addresses of flows."""

from __future__ import annotations

from django.urls import path

from dashboard.flows import pins, records, suggest, views, webhook_logs

urlpatterns = [
    path("flows/", views.flows, name="flows"),
    path("flows/suggest/", suggest.flow_suggest, name="flow_suggest"),
    path("flows/<int:pk>/", views.flow, name="flow"),
    path("flows/<int:pk>/ownership/", views.flow_ownership, name="flow_ownership"),
    path("flows/<int:pk>/read/", views.flow_read, name="flow_read"),
    path("flows/<int:pk>/webhook-logs/", webhook_logs.flow_webhook_logs, name="flow_webhook_logs"),
    path("flows/<int:pk>/retry-class/", pins.flow_pin, name="flow_pin"),
    path("flows/<int:pk>/retry-class/take-back/", pins.flow_pin_take_back, name="flow_pin_take_back"),
    path("flows/<int:pk>/record-field/", records.flow_record_field, name="flow_record_field"),
    path("flows/<int:pk>/record-field/take-back/", records.flow_record_take_back, name="flow_record_take_back"),
]
