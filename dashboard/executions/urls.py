"""Maps the addresses of executions and of their retries."""

from __future__ import annotations

from django.urls import path

from dashboard.executions import files, news, retries, views

urlpatterns = [
    path("executions/", views.executions, name="executions"),
    path("executions/file/", files.executions_file, name="executions_file"),
    path("executions/news/", news.executions_news, name="executions_news"),
    path("executions/unmasked/", views.executions_unmasked, name="executions_unmasked"),
    path("executions/<int:pk>/", views.execution, name="execution"),
    path("executions/<int:pk>/unmask/", views.unmask, name="execution_unmask"),
    path("executions/<int:pk>/retry/", retries.retry, name="execution_retry"),
    path("executions/<int:pk>/retry-state/", retries.retry_state, name="execution_retry_state"),
    path("retries/<int:pk>/cancel/", retries.retry_cancel, name="retry_cancel"),
    path("retries/<int:pk>/not-run/", retries.retry_not_run, name="retry_not_run"),
]
