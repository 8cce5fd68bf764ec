"""Maps the addresses of alerts, alert rules and the mails about alerts."""

from __future__ import annotations

from django.urls import path

from dashboard.alerts import alert_rules, by_mail, corrections, coverage, incidents, mails, silences, views

urlpatterns = [
    path("alerts/", views.alerts, name="alerts"),
    path("alerts/coverage/", coverage.alert_coverage, name="alert_coverage"),
    path("alerts/<int:pk>/", views.alert, name="alert"),
    path("alerts/<int:pk>/acknowledge/", views.alert_acknowledge, name="alert_acknowledge"),
    path("incidents/<int:pk>/", incidents.incident, name="incident"),
    path("incidents/<int:pk>/acknowledge/", incidents.incident_acknowledge, name="incident_acknowledge"),
    path("incidents/<int:pk>/take-back/", incidents.incident_take_back, name="incident_take_back"),
    path("incidents/<int:pk>/hand-over/", incidents.incident_hand_over, name="incident_hand_over"),
    path("incidents/<int:pk>/comment/", incidents.incident_comment, name="incident_comment"),
    path("incidents/<int:pk>/close/", incidents.incident_close, name="incident_close"),
    path("incidents/<int:pk>/snooze/", incidents.incident_snooze, name="incident_snooze"),
    path("snoozes/<int:pk>/end/", incidents.snooze_end, name="snooze_end"),
    path("silences/", silences.silences, name="silences"),
    path("silences/add/", silences.silence_add, name="silence_add"),
    path("silences/<int:pk>/end/", silences.silence_end, name="silence_end"),
    path("corrections/", corrections.corrections, name="corrections"),
    path("corrections/add/", corrections.correction_add, name="correction_add"),
    path("corrections/<int:pk>/take-back/", corrections.correction_take_back, name="correction_take_back"),
    path("by-mail/acknowledge/<str:token>/", by_mail.acknowledge_by_mail, name="acknowledge_by_mail"),
    path("by-mail/unsubscribe/<str:token>/", by_mail.unsubscribe_by_mail, name="unsubscribe_by_mail"),
    path("alert-rules/", alert_rules.alert_rules, name="alert_rules"),
    path("alert-rules/kinds/", alert_rules.alert_rule_kinds, name="alert_rule_kinds"),
    path("alert-rules/add/", alert_rules.alert_rule_add, name="alert_rule_add"),
    path("alert-rules/<int:pk>/edit/", alert_rules.alert_rule_edit, name="alert_rule_edit"),
    path("alert-rules/<int:pk>/delete/", alert_rules.alert_rule_delete, name="alert_rule_delete"),
    path("mails/", mails.mails, name="mails"),
    path("mails/test/", mails.mail_test, name="mail_test"),
    path("mails/<int:pk>/", mails.mail, name="mail"),
    path("mails/<int:pk>/html/", mails.mail_html, name="mail_html"),
    path("mails/<int:pk>/send-again/", mails.mail_send_again, name="mail_send_again"),
    path("mails/messages/<int:pk>/", mails.channel_message, name="channel_message"),
    path("mails/messages/<int:pk>/send-again/", mails.channel_message_send_again, name="channel_message_send_again"),
]
