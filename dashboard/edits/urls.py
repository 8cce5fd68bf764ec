"""Maps the addresses of changes of automation."""

from __future__ import annotations

from django.urls import path

from dashboard.edits import ask, more, views

urlpatterns = [
    path("edits/", views.edits, name="edits"),
    path("edits/<int:pk>/", views.edit, name="edit"),
    path("edits/<int:pk>/state/", views.edit_state, name="edit_state"),
    path("edits/<int:pk>/cancel/", views.edit_cancel, name="edit_cancel"),
    path("edits/<int:pk>/settle/", views.edit_settle, name="edit_settle"),
    path("edits/<int:pk>/undo/", ask.edit_undo, name="edit_undo"),
    path("rules/<int:pk>/edit/<slug:act>/", ask.rule_edit, name="rule_edit"),
    path("rules/new/", ask.rule_form, name="rule_form"),
    path("rules/new/json/", ask.rule_new, name="rule_new"),
    path("rules/<int:pk>/order/", more.rule_order, name="rule_order"),
    path("connected/new/", more.connected_new, name="connected_new"),
    path("connected/<int:pk>/edit/<slug:act>/", more.connected_edit, name="connected_edit"),
    path("flows/<int:pk>/edit/<slug:act>/", more.flow_edit, name="flow_edit"),
]
