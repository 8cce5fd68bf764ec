"""Maps the addresses of alerts, alert rules and the mails about alerts."""

from __future__ import annotations

from django.urls import path

from dashboard.alerts import alert_rules, mails, views

urlpatterns = [
    path("alerts/", views.alerts, name="alerts"),
    path("alerts/<int:pk>/", views.alert, name="alert"),
    path("alerts/<int:pk>/acknowledge/", views.alert_acknowledge, name="alert_acknowledge"),
    path("alert-rules/", alert_rules.alert_rules, name="alert_rules"),
    path("alert-rules/kinds/", alert_rules.alert_rule_kinds, name="alert_rule_kinds"),
    path("alert-rules/add/", alert_rules.alert_rule_add, name="alert_rule_add"),
    path("alert-rules/<int:pk>/edit/", alert_rules.alert_rule_edit, name="alert_rule_edit"),
    path("alert-rules/<int:pk>/delete/", alert_rules.alert_rule_delete, name="alert_rule_delete"),
    path("mails/", mails.mails, name="mails"),
    path("mails/test/", mails.mail_test, name="mail_test"),
    path("mails/<int:pk>/", mails.mail, name="mail"),
    path("mails/<int:pk>/html/", mails.mail_html, name="mail_html"),
]
