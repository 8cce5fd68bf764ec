"""Addresses. Pages where people act or administer are in `dashboard.urls_admin`.

Of allauth's addresses only those are open that work here: nobody signs up or resets a password by mail, an
admin adds people and sets passwords (People).
"""

from allauth.account import views as sign_in
from django.urls import include, path

from dashboard.views import executions_list, flows, overview, styleguide, versions

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("flows/", flows.flows, name="flows"),
    path("flows/<int:pk>/", flows.flow, name="flow"),
    path("flows/<int:pk>/read/", flows.flow_read, name="flow_read"),
    path("flows/<int:pk>/versions/<int:number>/", versions.flow_version, name="flow_version"),
    path("executions/", executions_list.executions, name="executions"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("", include("dashboard.urls_admin")),
    path("accounts/login/", sign_in.login, name="account_login"),
    path("accounts/logout/", sign_in.logout, name="account_logout"),
    path("accounts/inactive/", sign_in.account_inactive, name="account_inactive"),
    path("accounts/password/change/", sign_in.password_change, name="account_change_password"),
]
