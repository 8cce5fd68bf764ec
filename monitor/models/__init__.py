"""Defines the tables, one file a subject. Each table has one writer and nobody else writes it:

| writer                  | tables                                                                       |
|-------------------------|------------------------------------------------------------------------------|
| people (forms, commands)| User, SavedView, ZohoAccount, AlertRule, HookEndpoint, Channel, Route,       |
|                         | EscalationPolicy, EscalationStep                                             |
| `monitor.connection`    | Organisation, ApiToken, ApiBudget, ApiCall                                   |
| `monitor.ingest`        | SyncState, StreamState, Flow, FlowProgress, Connection,                        |
|                         | ConnectionChange, Execution, WorkflowRule, UsageSnapshot,                    |
|                         | ConnectedWorkflow, WebhookFailure, AutomationFact, FlowVersion,              |
|                         | RuleVersion, ConnectedVersion, Quarantine, Retention, PrunedHour,            |
|                         | WatchChannel, PushTurn                                                       |
| `monitor.hooks`         | PushEvent, HookTraffic, WatchChoice                                          |
| `monitor.rollups`       | HourBucket, DayBucket, AccountHour, AccountDay, ChainMark, CountedFlow       |
| `monitor.triage`        | Problem, FailureGroup, Failure, CrmFailure, WriteOff, RecordField,           |
|                         | ProblemAct                                                                   |
| `monitor.alerting`      | AlertState, AlertCursor, Transition, Incident, IncidentAlert, IncidentEvent, |
|                         | Notice, Snooze, Silence, Correction, RuleBudget, Escalation, RunningStep     |
| `monitor.notify`        | Delivery, MailServer, ChannelMessage, ChannelStanding, SendAttempt,          |
|                         | Digest (and `dispatch_state`, the mark it claims)                            |
| `monitor.retry`         | RetryAttempt, RetryBatch, RetryItem, RetryPin, RetryPolicy                   |
| `monitor.edits`         | Edit                                                                         |
| `monitor.sign_in`       | SignInCount, KnownNetwork                                                    |
| `monitor.ownership`     | Ownership, Tag, TagUse                                                       |
| `monitor.status_links`  | StatusLink                                                                   |
| `monitor.accepted_findings` | AcceptedFinding                                                          |
| `monitor.audit`         | AuditEntry, AuditTally                                                       |
| `monitor.hide_secrets`  | DigestKey                                                                    |
| supervisor, tasks       | WorkerBeat                                                                   |

DirtyHour is the hand-over into `rollups`: ingest and retry add rows, rollups takes them away. CountedHour is the one
into `triage`: rollups adds rows, triage takes them away. CountedFlow is the one into `alerting`, which keeps in
AlertCursor how far it has looked. PushEvent is the hand-over from the hooks door into `ingest`, which claims rows
(`state`, `claimed_at`, `done_at`, `outcome`) and takes old ones away. Notice and Occasion are the one into `notify`:
alerting adds notices in the transaction in which an incident opens, grows or closes; triage and retry add occasions in
the transaction of the act, and notify itself those of its digests; notify claims both by `dispatch_state`. Transition
is the one from alerts to incidents, claimed in the same way.
StageRun and AuditEntry are append-only for every stage.
"""

from monitor.models.accepted import AcceptedFinding
from monitor.models.accounts import (
    MOST_AT_ONCE,
    MOST_CALLS,
    MOST_CREDITS,
    ApiBudget,
    ApiCall,
    ApiToken,
    DataCenter,
    Organisation,
    Plan,
    Product,
    ZohoAccount,
)
from monitor.models.alerts import AlertCursor, AlertRule, AlertState, RuleBudget, Transition
from monitor.models.buckets import (
    AccountDay,
    AccountHour,
    ChainMark,
    CountedFlow,
    CountedHour,
    DayBucket,
    DirtyHour,
    HourBucket,
)
from monitor.models.channels import Channel, ChannelMessage, ChannelStanding, SendAttempt
from monitor.models.corrections import (
    Correction,
    LeftOut,
    left_out_of,
    marked_account_hours,
    marked_hours,
    marked_hours_of_flows,
)
from monitor.models.crm import AutomationFact, ConnectedWorkflow, UsageSnapshot, WebhookFailure, WorkflowRule
from monitor.models.definitions import (
    ConnectedVersion,
    DefinitionVersion,
    DigestKey,
    FlowVersion,
    HasDefinition,
    RuleVersion,
)
from monitor.models.deliveries import Delivery, MailServer
from monitor.models.digests import Digest, DigestSection
from monitor.models.edits import Edit
from monitor.models.executions import ENDED, Execution, ExecutionEvent, Quarantine
from monitor.models.flows import (
    BROKEN,
    FLOW_REFUSED,
    SWITCHED_OFF,
    Connection,
    ConnectionChange,
    Flow,
    FlowProgress,
    HistoryOrder,
)
from monitor.models.hooks import (
    MOST_RATE,
    USUAL_RATE,
    HookEndpoint,
    HookTraffic,
    PushEvent,
    PushTurn,
    Secret,
    WatchChannel,
    WatchChoice,
)
from monitor.models.incidents import Incident, IncidentAlert, IncidentEvent, Notice, Silence, Snooze
from monitor.models.lookups import Among
from monitor.models.occasions import (
    Occasion,
    notify_of_act,
    notify_of_batch,
    notify_of_unknown,
    notify_of_unknown_change,
)
from monitor.models.outbox import Outgoing
from monitor.models.ownership import Ownership, Tag, TagUse
from monitor.models.people import Role, User, system_user
from monitor.models.pins import RetryPin
from monitor.models.policies import RetryPolicy
from monitor.models.retention import NEVER_PRUNED, Ages, PrunedHour, Retention, ages
from monitor.models.retries import (
    ITEM_TOKEN,
    POLICY_TOKEN,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    counted_in_a_day,
    zoho_ahead,
)
from monitor.models.routes import Escalation, EscalationPolicy, EscalationStep, Route, RunningStep
from monitor.models.runs import AuditEntry, AuditTally, StageRun, WorkerBeat
from monitor.models.saved_views import SavedView
from monitor.models.sign_in import KnownNetwork, SignInCount
from monitor.models.status_links import StatusLink
from monitor.models.sync import Stream, StreamState, SyncState
from monitor.models.triage import CrmFailure, Failure, FailureGroup, Problem, ProblemAct, RecordField, WriteOff

__all__ = [
    "BROKEN",
    "ENDED",
    "FLOW_REFUSED",
    "ITEM_TOKEN",
    "MOST_AT_ONCE",
    "MOST_CALLS",
    "MOST_CREDITS",
    "MOST_RATE",
    "NEVER_PRUNED",
    "POLICY_TOKEN",
    "SWITCHED_OFF",
    "USUAL_RATE",
    "AcceptedFinding",
    "AccountDay",
    "AccountHour",
    "Ages",
    "AlertCursor",
    "AlertRule",
    "AlertState",
    "Among",
    "ApiBudget",
    "ApiCall",
    "ApiToken",
    "AuditEntry",
    "AuditTally",
    "AutomationFact",
    "ChainMark",
    "Channel",
    "ChannelMessage",
    "ChannelStanding",
    "ConnectedVersion",
    "ConnectedWorkflow",
    "Connection",
    "ConnectionChange",
    "Correction",
    "CountedFlow",
    "CountedHour",
    "CrmFailure",
    "DataCenter",
    "DayBucket",
    "DefinitionVersion",
    "Delivery",
    "Digest",
    "DigestKey",
    "DigestSection",
    "DirtyHour",
    "Edit",
    "Escalation",
    "EscalationPolicy",
    "EscalationStep",
    "Execution",
    "ExecutionEvent",
    "Failure",
    "FailureGroup",
    "Flow",
    "FlowProgress",
    "FlowVersion",
    "HasDefinition",
    "HistoryOrder",
    "HookEndpoint",
    "HookTraffic",
    "HourBucket",
    "Incident",
    "IncidentAlert",
    "IncidentEvent",
    "KnownNetwork",
    "LeftOut",
    "MailServer",
    "Notice",
    "Occasion",
    "Organisation",
    "Outgoing",
    "Ownership",
    "Plan",
    "Problem",
    "ProblemAct",
    "Product",
    "PrunedHour",
    "PushEvent",
    "PushTurn",
    "Quarantine",
    "RecordField",
    "Retention",
    "RetryAttempt",
    "RetryBatch",
    "RetryItem",
    "RetryPin",
    "RetryPolicy",
    "Role",
    "Route",
    "RuleBudget",
    "RuleVersion",
    "RunningStep",
    "SavedView",
    "Secret",
    "SendAttempt",
    "SignInCount",
    "Silence",
    "Snooze",
    "StageRun",
    "StatusLink",
    "Stream",
    "StreamState",
    "SyncState",
    "Tag",
    "TagUse",
    "Transition",
    "UsageSnapshot",
    "User",
    "WatchChannel",
    "WatchChoice",
    "WebhookFailure",
    "WorkerBeat",
    "WorkflowRule",
    "WriteOff",
    "ZohoAccount",
    "ages",
    "counted_in_a_day",
    "left_out_of",
    "marked_account_hours",
    "marked_hours",
    "marked_hours_of_flows",
    "notify_of_act",
    "notify_of_batch",
    "notify_of_unknown",
    "notify_of_unknown_change",
    "system_user",
    "zoho_ahead",
]
