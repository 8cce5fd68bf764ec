"""Stores what flows, rules and connected workflows were made of, version by version. Written by `monitor.ingest`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import models
from django.db.models import Q

from monitor.app_names import plain_app
from monitor.models.accounts import ZohoAccount
from monitor.vault import EncryptedTextField

DEEPEST_BRANCH = 20  # branches within branches


def actions_in(content: Any, depth: int = 0) -> Iterator[tuple[str, str, str]]:
    """Walks the definition of a flow, into branches and loops as well, in the order in which it is written. Pure.

    Yields:
        Zoho's id of each action, its app and its kind; the last two are "" where they are not known.
    """
    if depth > DEEPEST_BRANCH:
        return
    if isinstance(content, Mapping):
        if content.get("action_id"):
            yield str(content["action_id"]), _word(content.get("app")), _word(content.get("action"))
        for inner in content.values():
            yield from actions_in(inner, depth + 1)
    elif isinstance(content, list):
        for inner in content:
            yield from actions_in(inner, depth + 1)


def _word(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""


def packed_apps(apps: Iterable[str]) -> str:
    """Writes the apps of a flow as its row keeps them: as they are compared, each once, between line ends. Pure."""
    names = sorted({plain_app(app) for app in apps} - {""})
    return "\n".join(["", *names, ""]) if names else ""


def apps_of(trigger_app: str, content: Any) -> str:
    """Writes the apps of a flow's trigger and actions as its row keeps them. Pure."""
    return packed_apps([trigger_app, *(app for _, app, _ in actions_in(content))])


def uses_app(app: str) -> Q:
    """Makes the condition that a flow uses an app, in its trigger or in one of its actions, however it is spelled."""
    name = plain_app(app)
    return Q(apps__contains=f"\n{name}\n") if name else Q(pk__in=[])


class HasDefinition(models.Model):
    """Adds to a thing how far the versions of its definition have come."""

    definition_signature = models.CharField(
        max_length=64, blank=True, help_text="of the list's row when the definition was last read"
    )
    definition_read_at = models.DateTimeField(null=True, help_text="when the definition was last read")
    definition_seen_at = models.DateTimeField(null=True, help_text="last sync that still had that definition")
    definition_tries = models.PositiveSmallIntegerField(default=0, help_text="failed readings since the last good one")
    definition_retry_at = models.DateTimeField(null=True, help_text="not read before then: it failed")

    class Meta:
        abstract = True


class DefinitionVersion(models.Model):
    """Holds a definition as it stood from `first_seen_at` on, with what changed from the version before.

    It was first seen between `seen_before`, the last sync that still had the former, and `first_seen_at`. A
    definition that goes back to an earlier content is a version again.
    """

    number = models.PositiveIntegerField(help_text="from 1, for each thing")
    sha256 = models.CharField(max_length=64, help_text="of the content as canonical JSON")
    content = models.JSONField(help_text="without counters and secrets; a secret's mark carries a keyed digest")
    changes = models.JSONField(default=list, help_text="per field: path, kind, before, after")
    change_count = models.PositiveIntegerField(default=0)
    seen_before = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    modified_by = models.CharField(max_length=500, blank=True)
    modified_time = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"version {self.number}"


class FlowVersion(DefinitionVersion):
    flow = models.ForeignKey("monitor.Flow", on_delete=models.CASCADE, related_name="versions")

    class Meta(DefinitionVersion.Meta):
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="one_row_per_flow_version")]
        indexes = [models.Index(fields=["-first_seen_at", "-id"], name="flowversion_newest")]


class RuleVersion(DefinitionVersion):
    rule = models.ForeignKey("monitor.WorkflowRule", on_delete=models.CASCADE, related_name="versions")

    class Meta(DefinitionVersion.Meta):
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="one_row_per_rule_version")]
        indexes = [models.Index(fields=["-first_seen_at", "-id"], name="ruleversion_newest")]


class ConnectedVersion(DefinitionVersion):
    workflow = models.ForeignKey("monitor.ConnectedWorkflow", on_delete=models.CASCADE, related_name="versions")

    class Meta(DefinitionVersion.Meta):
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="one_row_per_connected_version")]
        indexes = [models.Index(fields=["-first_seen_at", "-id"], name="connectedversion_newest")]


class DigestKey(models.Model):
    """Holds the key of the digests of an account's secrets.

    It is made once and stands encrypted: an encryption key that is replaced must not make every secret look changed.
    """

    account = models.OneToOneField(ZohoAccount, on_delete=models.CASCADE, related_name="digest_key")
    key = EncryptedTextField()

    def __str__(self) -> str:
        return f"digest key of account {self.account_id}"
