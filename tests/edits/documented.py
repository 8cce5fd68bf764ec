"""The requests of Zoho's post Kaizen 215 and of the page of connected workflows, as they stand there."""

from __future__ import annotations

from typing import Any

from tests.zoho.rule_documents import LOST_DEAL

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
CREATE: Json = {"workflow_rules": [LOST_DEAL]}

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
