"""Stores who looks after a flow or workflow rule, and its tags. People's; a mirrored row never holds it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from monitor.models.crm import WorkflowRule
from monitor.models.flows import Flow
from monitor.tags import LONGEST_TAG


class Tag(models.Model):
    """Holds a plain word that flows and workflow rules are marked with, in the one form of `monitor.tags`."""

    name = models.CharField(max_length=LONGEST_TAG, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Ownership(models.Model):
    """Holds the owner and the tags of one flow, or of one workflow rule, and what people are to know of it.

    Written by `monitor.ownership` only.
    """

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, null=True, related_name="ownership")
    rule = models.OneToOneField(WorkflowRule, on_delete=models.CASCADE, null=True, related_name="ownership")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    tags = models.ManyToManyField(Tag, through="TagUse", related_name="ownerships")
    runbook = models.CharField(max_length=500, blank=True, help_text="address of what to do when it fails")
    note = models.CharField(max_length=500, blank=True)
    value = models.CharField(max_length=200, blank=True, help_text="what one successful run is worth, in words")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(flow__isnull=False, rule=None) | models.Q(flow=None, rule__isnull=False),
                name="an_ownership_is_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"ownership of flow {self.flow_id}" if self.flow_id else f"ownership of workflow rule {self.rule_id}"


class TagUse(models.Model):
    """Records that a flow or workflow rule has a tag."""

    ownership = models.ForeignKey(Ownership, on_delete=models.CASCADE, related_name="tag_uses")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="uses")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ownership", "tag"], name="a_tag_is_used_once")]

    def __str__(self) -> str:
        return f"{self.ownership_id}: {self.tag_id}"
