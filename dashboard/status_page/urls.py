"""Maps the addresses of the status page and of its links."""

from __future__ import annotations

from django.urls import path

from dashboard.status_page import links, public

urlpatterns = [
    path("status/<str:token>/", public.status_page, name="status_page"),
    path("status-links/", links.status_links, name="status_links"),
    path("status-links/add/", links.status_link_add, name="status_link_add"),
    path("status-links/<int:pk>/end/", links.status_link_end, name="status_link_end"),
]
