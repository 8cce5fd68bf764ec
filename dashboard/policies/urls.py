"""Maps the addresses of policies of retries."""

from __future__ import annotations

from django.urls import path

from dashboard.policies import views

urlpatterns = [
    path("retries/policies/", views.retry_policies, name="retry_policies"),
    path("flows/<int:pk>/retry-policy/", views.retry_policy_of_flow, name="retry_policy_of_flow"),
    path("problems/<int:pk>/retry-policy/", views.retry_policy_of_problem, name="retry_policy_of_problem"),
    path("retries/policies/<int:pk>/", views.retry_policy, name="retry_policy"),
    path("retries/policies/<int:pk>/retries/", views.retry_policy_retries, name="retry_policy_retries"),
    path("retries/policies/<int:pk>/change/", views.retry_policy_change, name="retry_policy_change"),
    path("retries/policies/<int:pk>/on/", views.retry_policy_on, name="retry_policy_on"),
    path("retries/policies/<int:pk>/off/", views.retry_policy_off, name="retry_policy_off"),
    path("retries/policies/<int:pk>/delete/", views.retry_policy_delete, name="retry_policy_delete"),
]
