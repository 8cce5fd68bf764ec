"""Maps the addresses of CRM's automation: workflow rules, connected workflows and failed webhooks."""

from __future__ import annotations

from django.urls import path

from dashboard.rules import connected, files, views, webhook_failures

urlpatterns = [
    path("rules/", views.rules, name="rules"),
    path("rules/file/", files.rules_file, name="rules_file"),
    path("rules/<int:pk>/", views.rule, name="rule"),
    path("rules/<int:pk>/ownership/", views.rule_ownership, name="rule_ownership"),
    path("connected/", connected.connected_workflows, name="connected_workflows"),
    path("connected/<int:pk>/", connected.connected_workflow, name="connected_workflow"),
    path("webhook-failures/", webhook_failures.webhook_failures, name="webhook_failures"),
    path("webhook-failures/unmasked/", webhook_failures.webhook_failures_unmasked, name="webhook_failures_unmasked"),
]
