"""Maps the addresses of people, of one's own profile and of signing in.

Of allauth's addresses only those are open that work here: nobody signs up or resets a password by mail, an
admin adds people and sets passwords (People).
"""

from __future__ import annotations

from allauth.account import views as allauth_views
from django.urls import path

from dashboard.people import profile, views
from dashboard.people.sign_in import ChangePasswordView, SignInView

urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/add/", views.person_add, name="person_add"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/password/", views.person_password, name="person_password"),
    path("profile/", profile.profile, name="profile"),
    path("accounts/login/", SignInView.as_view(), name="account_login"),
    path("accounts/logout/", allauth_views.logout, name="account_logout"),
    path("accounts/inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("accounts/password/change/", ChangePasswordView.as_view(), name="account_change_password"),
]
