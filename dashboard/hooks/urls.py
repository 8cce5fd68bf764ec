"""Maps the addresses that flows and Zoho CRM call."""

from __future__ import annotations

from django.urls import re_path

from dashboard.hooks import views

urlpatterns = [
    # With or without a last slash: a redirect would lose the body, and a 404 of Django's would log the key.
    re_path(r"^hooks/flow/(?P<key>[^/]{1,200})/?$", views.hook_flow, name="hook_flow"),
    re_path(r"^hooks/crm/(?P<channel>[0-9]{1,20})/?$", views.hook_crm, name="hook_crm"),
]
