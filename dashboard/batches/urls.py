"""Maps the addresses of batches of retries and of retries whose outcome is unknown."""

from __future__ import annotations

from django.urls import path

from dashboard.batches import records, request, unknown, views

urlpatterns = [
    path("batches/", views.batches, name="batches"),
    path("batches/preview/", request.batch_preview, name="batch_preview"),
    path("batches/confirm/", request.batch_confirm, name="batch_confirm"),
    path("batches/<int:pk>/", views.batch, name="batch"),
    path("batches/<int:pk>/state/", views.batch_state, name="batch_state"),
    path("batches/<int:pk>/items.csv", views.batch_items, name="batch_items"),
    path("batches/<int:pk>/records/", records.batch_records, name="batch_records"),
    path("batches/<int:pk>/records.csv", records.batch_records_csv, name="batch_records_csv"),
    path("batches/<int:pk>/suspend/", views.batch_suspend, name="batch_suspend"),
    path("batches/<int:pk>/resume/", views.batch_resume, name="batch_resume"),
    path("batches/<int:pk>/cancel/", views.batch_cancel, name="batch_cancel"),
    path("retries/unknown/", unknown.retries_unknown, name="retries_unknown"),
    path("retries/<int:pk>/settle/", unknown.retry_settle, name="retry_settle"),
]
