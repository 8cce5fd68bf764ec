"""Stores what people change at Zoho. Written by `monitor.edits` only."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from monitor.languages import gettext_noop
from monitor.models.accounts import ZohoAccount
from monitor.models.addresses import address_of
from monitor.models.sent_once import SentOnce


class Edit(SentOnce):
    """Records a person's wish to change something at Zoho, and what became of it.

    Source: docs/reference/edits.md, "States of an edit".
    """

    class State(models.TextChoices):
        WISHED = "wished", gettext_noop("Waiting to be sent")
        SENDING = "sending", gettext_noop("Being sent")
        DONE = "done", gettext_noop("Done")
        REFUSED = "refused", gettext_noop("Refused by Zoho")
        UNKNOWN = "unknown", gettext_noop("Outcome unknown")
        SETTLED_DONE = "settled_done", gettext_noop("Done, as was read later")
        SETTLED_NOT_DONE = "settled_not_done", gettext_noop("Not done, as was read later")
        CANCELLED = "cancelled", gettext_noop("Not sent")

    class Subject(models.TextChoices):
        """Names what is changed."""

        RULE = "rule", gettext_noop("Workflow rule")
        ORDER = "rule_order", gettext_noop("Order of workflow rules")
        CONNECTED = "connected_workflow", gettext_noop("Connected workflow")
        FLOW = "flow", gettext_noop("Flow")

    class Act(models.TextChoices):
        """Names what is done."""

        ACTIVATE = "activate", gettext_noop("Activate")
        DEACTIVATE = "deactivate", gettext_noop("Deactivate")
        DESCRIBE = "describe", gettext_noop("Rename or describe")
        CHANGE = "change", gettext_noop("Change criteria and actions")
        CREATE = "create", gettext_noop("Create")
        REORDER = "reorder", gettext_noop("Reorder")
        DELETE = "delete", gettext_noop("Delete")
        TEST_TRIGGER = "test_trigger", gettext_noop("Test the trigger")
        TEST_ACTIONS = "test_actions", gettext_noop("Test the actions")

    OPEN_STATES = (State.WISHED, State.SENDING, State.UNKNOWN)
    DONE_STATES = (State.DONE, State.SETTLED_DONE)
    FINAL_STATES = (State.DONE, State.REFUSED, State.SETTLED_DONE, State.SETTLED_NOT_DONE, State.CANCELLED)

    account = models.ForeignKey(ZohoAccount, on_delete=models.CASCADE, related_name="edits", db_index=False)
    subject = models.CharField(max_length=20, choices=Subject.choices)
    subject_id = models.CharField(
        max_length=64, blank=True, help_text="Zoho's id; of what is created empty until Zoho names it; a module's name"
    )
    subject_key = models.CharField(max_length=80, help_text="what only one open edit may be about at a time")
    name = models.CharField(max_length=500, blank=True, help_text="of the thing when it was asked for")
    module = models.CharField(max_length=200, blank=True)
    act = models.CharField(max_length=14, choices=Act.choices)
    body = models.JSONField(default=dict, help_text="what is sent")
    base = models.JSONField(default=dict, help_text="the definition that it was judged on, without secrets")
    base_sha256 = models.CharField(max_length=64, blank=True, help_text="of that definition; empty where there is none")
    wanted = models.JSONField(default=dict, help_text="the definition that is to be there afterwards")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    undoes = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="undone_by")
    state = models.CharField(max_length=16, choices=State.choices, default=State.WISHED)
    code = models.CharField(max_length=64, blank=True, help_text="Zoho's code, or why it was not sent")
    result = models.JSONField(null=True, help_text="the definition as it was read back")

    class Meta:
        ordering = ["-requested_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "subject_key"],
                condition=models.Q(state__in=["wished", "sending", "unknown"]),
                name="one_open_edit_per_subject",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state__in=[
                        "wished",
                        "sending",
                        "done",
                        "refused",
                        "unknown",
                        "settled_done",
                        "settled_not_done",
                        "cancelled",
                    ]
                ),
                name="edit_state_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "next_check_at"],
                name="edit_due",
                condition=models.Q(state__in=["wished", "sending", "unknown"]),
            ),
            models.Index(fields=["account", "subject", "subject_id", "-id"], name="edit_of_subject"),
            models.Index(fields=["-requested_at", "-id"], name="edit_newest"),
        ]

    def __str__(self) -> str:
        return f"edit {self.pk}: {self.state}"

    def get_absolute_url(self) -> str:
        return address_of("edit", self.pk)

    @property
    def is_done(self) -> bool:
        return self.state in self.DONE_STATES
