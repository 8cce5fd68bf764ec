"""The requests of Zoho's post Kaizen 215 and of the page of connected workflows, as they stand there."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# Kaizen 215, step 5, without its comments.
UPDATE: Json = {
    "workflow_rules": [
        {
            "description": "Notify sales leadership and track strategic opportunities",
            "name": "VP Alert - High Value Deal.",
            "conditions": [
                {
                    "sequence_number": 1,
                    "criteria_details": {
                        "criteria": {
                            "group_operator": "AND",
                            "group": [
                                {"comparator": "greater_than", "field": {"api_name": "Amount"}, "value": "300000"},
                                {"comparator": "equal", "field": {"api_name": "Stage"}, "value": "Negotiation/Review"},
                            ],
                        }
                    },
                    "instant_actions": {
                        "actions": [
                            {
                                "type": "add_tags",
                                "module": "Deals",
                                "details": {"tags": [{"name": "Priority"}], "overwrite": True},
                            }
                        ]
                    },
                    "id": "4876876000016390025",
                }
            ],
        }
    ]
}

# Kaizen 215, step 6.
CREATE: Json = {
    "workflow_rules": [
        {
            "execute_when": {
                "details": {
                    "trigger_module": {"api_name": "Deals", "id": "4876876000000002181"},
                    "criteria": {
                        "comparator": "equal",
                        "field": {"api_name": "Stage", "id": "4876876000000002565"},
                        "type": "value",
                        "value": "Closed Lost",
                    },
                    "repeat": False,
                    "match_all": False,
                },
                "type": "field_update",
            },
            "module": {"api_name": "Deals", "id": "4876876000000002181"},
            "description": "Triggers tasks, tags, and follow-up reminders for high-value deals lost due to pricing",
            "name": "Lost Deal due to Pricing - Follow Up",
            "conditions": [
                {
                    "sequence_number": 1,
                    "instant_actions": {
                        "actions": [
                            {"name": "Lost Deal - Feedback", "id": "4876876000016794047", "type": "tasks"},
                            {
                                "details": {
                                    "module": {"api_name": "Deals", "id": "4876876000000002181"},
                                    "over_write": False,
                                    "tags": [
                                        {
                                            "name": "Lost due to Pricing",
                                            "id": "4876876000016794071",
                                            "color_code": "#658BA8",
                                        },
                                        {
                                            "name": "Re-engagement pending",
                                            "id": "4876876000016794075",
                                            "color_code": "#879BFC",
                                        },
                                    ],
                                },
                                "type": "add_tags",
                            },
                            {"name": "Deal Lost Alert", "id": "4876876000016794062", "type": "email_notifications"},
                        ]
                    },
                    "scheduled_actions": [
                        {
                            "execute_after": {"period": "business_days", "unit": 30},
                            "actions": [{"name": "Lost Deal - Feedback", "id": "4876876000016794047", "type": "tasks"}],
                        }
                    ],
                    "criteria_details": {
                        "criteria": {
                            "group_operator": "AND",
                            "group": [
                                {
                                    "comparator": "greater_equal",
                                    "field": {"api_name": "Amount", "id": "4876876000000002557"},
                                    "type": "value",
                                    "value": "30000",
                                },
                                {
                                    "comparator": "equal",
                                    "field": {"api_name": "Reason_For_Loss__s", "id": "4876876000002440001"},
                                    "type": "value",
                                    "value": "Price",
                                },
                            ],
                        }
                    },
                }
            ],
        }
    ]
}

# https://www.zoho.com/crm/developer/docs/api/v8/create-connected-workflow.html
CONNECTED: Json = {
    "connected_workflows": [
        {
            "name": "contacts-process",
            "description": "contacts connected workflow sample",
            "primary_module": {"api_name": "Contacts", "id": "4876876000000002179"},
        }
    ]
}
