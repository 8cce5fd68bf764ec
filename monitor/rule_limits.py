"""Holds the documented limits of a workflow rule: what is checked before a change, offered by forms, and audited.

Source: docs/reference/zoho-crm.md, "Workflow rules". What an organisation may have besides, Zoho tells by its API.
"""

RULE_NAME, RULE_DESCRIPTION = 100, 1_000  # characters
CONDITIONS = 10  # of a rule
INSTANT_ACTIONS, SCHEDULED_GROUPS = 5, 5  # of a condition
