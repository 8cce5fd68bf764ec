"""Addresses of the pages where people act or administer."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from dashboard.views import (
    accounts,
    alert_rules,
    alerts,
    audit,
    connect,
    execution,
    health,
    hooks,
    mails,
    people,
    profile,
    retries,
    rules,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("executions/<int:pk>/", execution.execution, name="execution"),
    path("executions/<int:pk>/unmask/", execution.unmask, name="execution_unmask"),
    path("executions/<int:pk>/retry/", retries.retry, name="execution_retry"),
    path("executions/<int:pk>/retry-state/", retries.retry_state, name="execution_retry_state"),
    path("retries/<int:pk>/cancel/", retries.retry_cancel, name="retry_cancel"),
    path("retries/<int:pk>/not-run/", retries.retry_not_run, name="retry_not_run"),
    path("rules/", rules.rules, name="rules"),
    path("rules/<int:pk>/", rules.rule, name="rule"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/<int:pk>/", alerts.alert, name="alert"),
    path("alerts/<int:pk>/acknowledge/", alerts.alert_acknowledge, name="alert_acknowledge"),
    path("alert-rules/", alert_rules.alert_rules, name="alert_rules"),
    path("alert-rules/add/", alert_rules.alert_rule_add, name="alert_rule_add"),
    path("alert-rules/<int:pk>/edit/", alert_rules.alert_rule_edit, name="alert_rule_edit"),
    path("alert-rules/<int:pk>/delete/", alert_rules.alert_rule_delete, name="alert_rule_delete"),
    path("accounts-zoho/", accounts.accounts, name="accounts"),
    path("accounts-zoho/connect/", connect.connect, name="connect"),
    path("accounts-zoho/callback/", connect.connect_callback, name="connect_callback"),
    path("accounts-zoho/<int:pk>/", accounts.account, name="account"),
    path("accounts-zoho/<int:pk>/mirroring/", accounts.account_mirroring, name="account_mirroring"),
    path("accounts-zoho/<int:pk>/limits/", accounts.account_limits, name="account_limits"),
    path("accounts-zoho/<int:pk>/disconnect/", accounts.account_disconnect, name="account_disconnect"),
    path("people/", people.people, name="people"),
    path("people/add/", people.person_add, name="person_add"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/password/", people.person_password, name="person_password"),
    path("profile/", profile.profile, name="profile"),
    path("mails/", mails.mails, name="mails"),
    path("mails/<int:pk>/", mails.mail, name="mail"),
    path("mails/<int:pk>/html/", mails.mail_html, name="mail_html"),
    path("audit/", audit.audit, name="audit"),
    # With or without a last slash: a redirect would lose the body, and a 404 of Django's would log the key.
    re_path(r"^hooks/flow/(?P<key>[^/]{1,200})/?$", hooks.hook_flow, name="hook_flow"),
    re_path(r"^hooks/crm/(?P<channel>[0-9]{1,20})/?$", hooks.hook_crm, name="hook_crm"),
    path("healthz/live", health.live, name="healthz_live"),
    path("healthz/ready", health.ready, name="healthz_ready"),
]
