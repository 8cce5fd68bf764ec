"""Reads replies of Zoho into frozen dataclasses, one file an area; unknown fields are kept in `raw`.

A parser gives a value or raises `BadAnswer`, whatever JSON it is fed. In a list, one bad record is put
aside as `Rejected` and the rest goes on.
"""

from monitor.zoho.shapes.base import Json, Rejected
from monitor.zoho.shapes.connections import ConnectionPage, ConnectionRow, ConnectionTest
from monitor.zoho.shapes.executions import ExecutionPage, ExecutionRow, ExecutionStats, RetryReply
from monitor.zoho.shapes.flows import FlowDetail, FlowPage, FlowSummary
from monitor.zoho.shapes.org import CrmUser, Org
from monitor.zoho.shapes.rules import RulePage, RuleUsage, WorkflowRule

__all__ = [
    "ConnectionPage",
    "ConnectionRow",
    "ConnectionTest",
    "CrmUser",
    "ExecutionPage",
    "ExecutionRow",
    "ExecutionStats",
    "FlowDetail",
    "FlowPage",
    "FlowSummary",
    "Json",
    "Org",
    "Rejected",
    "RetryReply",
    "RulePage",
    "RuleUsage",
    "WorkflowRule",
]
