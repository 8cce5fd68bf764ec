"""Maps the addresses of executions and of their retries."""

from __future__ import annotations

from django.urls import path

from dashboard.executions import files, news, retries, saved_views, views

urlpatterns = [
    path("executions/", views.executions, name="executions"),
    path("executions/file/", files.executions_file, name="executions_file"),
    path("executions/views/add/", saved_views.view_add, name="executions_view_add"),
    path("executions/views/<int:pk>/", saved_views.view_edit, name="executions_view_edit"),
    path("executions/views/<int:pk>/delete/", saved_views.view_delete, name="executions_view_delete"),
    path("executions/news/", news.executions_news, name="executions_news"),
    path("executions/unmasked/", views.executions_unmasked, name="executions_unmasked"),
    path("executions/<int:pk>/", views.execution, name="execution"),
    path("executions/<int:pk>/unmask/", views.unmask, name="execution_unmask"),
    path("executions/<int:pk>/retry/", retries.retry, name="execution_retry"),
    path("executions/<int:pk>/retry-state/", retries.retry_state, name="execution_retry_state"),
    path("retries/<int:pk>/cancel/", retries.retry_cancel, name="retry_cancel"),
    path("retries/<int:pk>/not-run/", retries.retry_not_run, name="retry_not_run"),
]
