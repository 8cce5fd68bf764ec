"""Stores which filters of the list of executions people have given a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

LONGEST_NAME = 60
LONGEST_QUERY = 1000


class SavedView(models.Model):
    """Keeps the filters of the list of executions under a name: one's own, or shared with everybody."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.CharField(max_length=LONGEST_QUERY, help_text="the filters as they stand in the list's address")
    is_shared = models.BooleanField("shared with everybody", default=False)
    is_default = models.BooleanField("opens first", default=False, help_text="for the person who saved it")

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["person", "name"], name="one_view_of_a_name_per_person"),
            models.UniqueConstraint(
                fields=["person"], condition=models.Q(is_default=True), name="one_default_view_per_person"
            ),
        ]
        indexes = [models.Index(fields=["name"], name="view_shared", condition=models.Q(is_shared=True))]

    def __str__(self) -> str:
        return self.name
