"""Addresses. Pages where people act or administer are in `dashboard.urls_admin`."""

from django.urls import include, path

from dashboard.views import executions_list, flows, overview, styleguide

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("flows/", flows.flows, name="flows"),
    path("flows/<int:pk>/", flows.flow, name="flow"),
    path("executions/", executions_list.executions, name="executions"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("", include("dashboard.urls_admin")),
    path("accounts/", include("allauth.account.urls")),
]
