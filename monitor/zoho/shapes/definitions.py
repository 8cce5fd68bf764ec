"""Reads what a flow is made of: triggers and actions of every known kind, unknown fields kept.

Reading and writing back gives the same JSON: `read_trigger(x).as_json() == x`, also for kinds and fields
that are not known here. Source: docs/reference/zoho-flow.md, "Triggers and actions".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar, Self

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json

_TEXT = {"json": str}
_OBJECT = {"json": dict}
_LIST = {"json": list}
_NUMBER = {"json": int}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Holds JSON with some known fields; all others, and known ones of a strange type, are in `extra`."""

    extra: Json = field(default_factory=dict)

    @classmethod
    def read(cls, raw: Mapping[str, object]) -> Self:
        """Reads any JSON object; never fails.

        Never fails.

        Args:
            raw: any JSON object.
        """
        rest = clean.mapping(raw)
        known: dict[str, object] = {}
        for item in fields(cls):
            wanted = item.metadata.get("json")
            if wanted and type(rest.get(item.name)) is wanted:
                known[item.name] = rest.pop(item.name)
        return cls(extra=rest, **known)

    def as_json(self) -> Json:
        """Returns the JSON to send; fields that are None are left out."""
        names = [item.name for item in fields(self) if item.metadata.get("json")]
        found = {name: getattr(self, name) for name in names}
        return {**{name: value for name, value in found.items() if value is not None}, **self.extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger(Part):
    """Holds what starts a flow, of a kind not known here; the known kinds are the classes below."""

    kind: ClassVar[str] = ""
    type: str | None = field(default=None, metadata=_TEXT)
    app: str | None = field(default=None, metadata=_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTrigger(Trigger):
    """Starts a flow when an app sends an event: create, update, delete or one of the app's own."""

    kind: ClassVar[str] = "webhook"
    module: str | None = field(default=None, metadata=_TEXT)
    event: str | None = field(default=None, metadata=_TEXT)
    filter: Json | None = field(default=None, metadata=_OBJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingTrigger(Trigger):
    """Starts a flow by asking an app. `poll_interval` in minutes: 5, 10, 15, 30 or 60."""

    kind: ClassVar[str] = "polling"
    module: str | None = field(default=None, metadata=_TEXT)
    action: str | None = field(default=None, metadata=_TEXT)
    poll_interval: int | None = field(default=None, metadata=_NUMBER)
    criteria: Json | None = field(default=None, metadata=_OBJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTrigger(Trigger):
    """Starts a flow by the clock. `schedule` has frequency, time, timezone and days."""

    kind: ClassVar[str] = "schedule"
    schedule: Json | None = field(default=None, metadata=_OBJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualTrigger(Trigger):
    """Starts a flow by a person's hand."""

    kind: ClassVar[str] = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomWebhookTrigger(Trigger):
    """Starts a flow for anybody who knows the address: `webhook_url` is a secret, not in the repr."""

    kind: ClassVar[str] = "custom_webhook"
    webhook_url: str | None = field(default=None, metadata=_TEXT, repr=False)
    method: str | None = field(default=None, metadata=_TEXT)
    headers: Json | None = field(default=None, metadata=_OBJECT, repr=False)


_TRIGGERS: dict[str, type[Trigger]] = {
    kind.kind: kind for kind in (WebhookTrigger, PollingTrigger, ScheduleTrigger, ManualTrigger, CustomWebhookTrigger)
}


def read_trigger(raw: Mapping[str, object]) -> Trigger:
    """Reads the trigger in `raw`, by its "type"; a plain `Trigger` for a kind not known here."""
    return _TRIGGERS.get(clean.word(raw.get("type")), Trigger).read(raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Part):
    """Holds one step of a flow. `config` is its kind's own, typed by `read_config`; `on_error` what to do instead."""

    action_id: str | None = field(default=None, metadata=_TEXT)
    app: str | None = field(default=None, metadata=_TEXT)
    action: str | None = field(default=None, metadata=_TEXT)
    config: Json | None = field(default=None, metadata=_OBJECT, repr=False)
    on_error: Json | None = field(default=None, metadata=_OBJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConfig(Part):
    """Creates, updates, searches or deletes a record of an app."""

    module: str | None = field(default=None, metadata=_TEXT)
    record_id: str | None = field(default=None, metadata=_TEXT)
    fields: Json | None = field(default=None, metadata=_OBJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailConfig(Part):
    """Sends a mail."""

    to: str | None = field(default=None, metadata=_TEXT)
    subject: str | None = field(default=None, metadata=_TEXT)
    body: str | None = field(default=None, metadata=_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequestConfig(Part):
    """Calls any address; `timeout` in milliseconds. Headers and body may hold secrets: not in the repr."""

    method: str | None = field(default=None, metadata=_TEXT)
    url: str | None = field(default=None, metadata=_TEXT, repr=False)
    headers: Json | None = field(default=None, metadata=_OBJECT, repr=False)
    body: Json | None = field(default=None, metadata=_OBJECT, repr=False)
    timeout: int | None = field(default=None, metadata=_NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomFunctionConfig(Part):
    """Runs code: `language` javascript or deluge, `timeout` in milliseconds (at most 30 seconds)."""

    language: str | None = field(default=None, metadata=_TEXT)
    code: str | None = field(default=None, metadata=_TEXT, repr=False)
    input_variables: list[object] | None = field(default=None, metadata=_LIST)
    timeout: int | None = field(default=None, metadata=_NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionConfig(Part):
    """Branches: `if_true` and `if_false` are lists of actions, read by `branch`."""

    condition: Json | None = field(default=None, metadata=_OBJECT)
    if_true: list[object] | None = field(default=None, metadata=_LIST)
    if_false: list[object] | None = field(default=None, metadata=_LIST)

    def branch(self, outcome: bool) -> list[Action]:
        """Returns the actions taken when the condition is met, or not."""
        return read_actions(self.if_true if outcome else self.if_false)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherConfig(Part):
    """Holds a kind not known here; everything is in `extra`."""


_CONFIGS: dict[str, type[Part]] = {
    "condition": ConditionConfig,
    "http_request": HttpRequestConfig,
    "custom_function": CustomFunctionConfig,
    "send_email": EmailConfig,
    "create_record": RecordConfig,
    "update_record": RecordConfig,
    "search_record": RecordConfig,
    "delete_record": RecordConfig,
}


def read_action(raw: Mapping[str, object]) -> Action:
    """Reads the action in `raw`. Never fails."""
    return Action.read(raw)


def read_actions(raw: object) -> list[Action]:
    """Reads the actions of a list; entries that are no objects are left out."""
    return [read_action(item) for item in raw if isinstance(item, Mapping)] if isinstance(raw, list) else []


def read_config(action: Action) -> Part:
    """Reads the action's `config` typed by its kind; `OtherConfig` for all kinds not known here."""
    return _CONFIGS.get(clean.word(action.action), OtherConfig).read(action.config or {})


def all_actions(actions: list[Action]) -> list[Action]:
    """Returns the actions and, depth first, those of every branch below them."""
    found: list[Action] = []
    for action in actions:
        found.append(action)
        config = read_config(action)
        if isinstance(config, ConditionConfig):
            for outcome in (True, False):
                found.extend(all_actions(config.branch(outcome)))
    return found
