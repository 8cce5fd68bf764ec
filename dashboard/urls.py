"""Addresses. Pages where people act or administer are in `dashboard.urls_admin`."""

from django.urls import include, path

from dashboard.views import overview, styleguide

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("", include("dashboard.urls_admin")),
    path("accounts/", include("allauth.account.urls")),
]
