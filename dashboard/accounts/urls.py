"""Maps the addresses of Zoho accounts: their state, connecting one, and their callbacks."""

from __future__ import annotations

from django.urls import path

from dashboard.accounts import callbacks, connect, views

urlpatterns = [
    path("accounts-zoho/", views.accounts, name="accounts"),
    path("accounts-zoho/connect/", connect.connect, name="connect"),
    path("accounts-zoho/callback/", connect.connect_callback, name="connect_callback"),
    path("accounts-zoho/<int:pk>/", views.account, name="account"),
    path("accounts-zoho/<int:pk>/mirroring/", views.account_mirroring, name="account_mirroring"),
    path("accounts-zoho/<int:pk>/history/", views.account_history, name="account_history"),
    path("accounts-zoho/<int:pk>/limits/", views.account_limits, name="account_limits"),
    path("accounts-zoho/<int:pk>/disconnect/", views.account_disconnect, name="account_disconnect"),
    path("accounts-zoho/<int:pk>/push/", callbacks.push, name="push"),
    path("accounts-zoho/<int:pk>/push/add/", callbacks.hook_add, name="hook_add"),
    path("accounts-zoho/<int:pk>/push/watch/", callbacks.push_watch, name="push_watch"),
    path("accounts-zoho/<int:pk>/push/module/", callbacks.watch_module, name="watch_module"),
    path("push/<int:pk>/", callbacks.hook, name="hook"),
    path("push/<int:pk>/rotate/", callbacks.hook_rotate, name="hook_rotate"),
    path("push/<int:pk>/retire/", callbacks.hook_retire, name="hook_retire"),
    path("push/<int:pk>/switch/", callbacks.hook_switch, name="hook_switch"),
    path("push/<int:pk>/delete/", callbacks.hook_delete, name="hook_delete"),
]
