"""Maps the addresses of channels beside mail. What went there is listed with the mails."""

from __future__ import annotations

from django.urls import path

from dashboard.channels import views

urlpatterns = [
    path("channels/", views.channels, name="channels"),
    path("channels/services/", views.channel_services, name="channel_services"),
    path("channels/add/", views.channel_add, name="channel_add"),
    path("channels/<int:pk>/", views.channel, name="channel"),
    path("channels/<int:pk>/edit/", views.channel_edit, name="channel_edit"),
    path("channels/<int:pk>/test/", views.channel_test, name="channel_test"),
    path("channels/<int:pk>/switch/", views.channel_switch, name="channel_switch"),
    path("channels/<int:pk>/rotate/", views.channel_rotate, name="channel_rotate"),
    path("channels/<int:pk>/retire/", views.channel_retire, name="channel_retire"),
    path("channels/<int:pk>/delete/", views.channel_delete, name="channel_delete"),
]
