"""Maps the addresses of problems, of what people do about them, and of writing failures off."""

from __future__ import annotations

from django.urls import path

from dashboard.problems import acts, compared, many, records, views, write_offs

urlpatterns = [
    path("problems/", views.problems, name="problems"),
    path("problems/acts/", many.problems_act, name="problems_act"),
    path("problems/<int:pk>/", views.problem, name="problem"),
    path("problems/<int:pk>/records/", records.problem_records, name="problem_records"),
    path("problems/<int:pk>/records.csv", records.problem_records_csv, name="problem_records_csv"),
    path("problems/<int:pk>/compared/", compared.problem_compared, name="problem_compared"),
    path("problems/<int:pk>/take/", acts.problem_take, name="problem_take"),
    path("problems/<int:pk>/assign/", acts.problem_assign, name="problem_assign"),
    path("problems/<int:pk>/note/", acts.problem_note, name="problem_note"),
    path("problems/<int:pk>/resolve/", acts.problem_resolve, name="problem_resolve"),
    path("problems/<int:pk>/archive/", acts.problem_archive, name="problem_archive"),
    path("problems/<int:pk>/reopen/", acts.problem_reopen, name="problem_reopen"),
    path("problems/<int:pk>/split/", acts.problem_split, name="problem_split"),
    path("problems/<int:pk>/accept/", acts.problem_accept, name="problem_accept"),
    path("problems/<int:pk>/accept-take-back/", acts.problem_accept_take_back, name="problem_accept_take_back"),
    path("problems/<int:pk>/take-back/", write_offs.problem_take_back, name="problem_take_back"),
    path("write-off/", write_offs.write_off, name="write_off"),
    path("write-off/confirm/", write_offs.write_off_confirm, name="write_off_confirm"),
    path("write-off/take-back/", write_offs.write_off_take_back, name="write_off_take_back"),
]
