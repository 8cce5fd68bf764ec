"""Maps the addresses of CRM's automation: workflow rules, connected workflows and failed webhooks."""

from __future__ import annotations

from django.urls import path

from dashboard.rules import audit, connected, files, questions, views, webhook_failures

urlpatterns = [
    path("rules/", views.rules, name="rules"),
    path("rules/file/", files.rules_file, name="rules_file"),
    path("rules/audit/", audit.rule_audit, name="rule_audit"),
    path("rules/audit/csv/", audit.rule_audit_csv, name="rule_audit_csv"),
    path("rules/audit/<int:account>/<slug:key>/", audit.rule_finding, name="rule_finding"),
    path("rules/audit/accepted/<int:pk>/take-back/", audit.rule_finding_take_back, name="rule_finding_take_back"),
    path("rules/<int:pk>/", views.rule, name="rule"),
    path("rules/<int:pk>/what-if/", questions.rule_what_if, name="rule_what_if"),
    path("rules/<int:pk>/why-not/", questions.rule_why_not, name="rule_why_not"),
    path("rules/<int:pk>/ownership/", views.rule_ownership, name="rule_ownership"),
    path("connected/", connected.connected_workflows, name="connected_workflows"),
    path("connected/<int:pk>/", connected.connected_workflow, name="connected_workflow"),
    path("webhook-failures/", webhook_failures.webhook_failures, name="webhook_failures"),
    path("webhook-failures/unmasked/", webhook_failures.webhook_failures_unmasked, name="webhook_failures_unmasked"),
]
