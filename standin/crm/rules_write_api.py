"""Answers changes of workflow rules, and counts them.

Source: docs/reference/zoho-crm.md, "Workflow rules", "Errors of CRM".
"""

from collections import Counter
from typing import Any

from standin.crm.results import Result, answer, bad, good, ids_of, missing, rows_of
from standin.crm.rules import Rule, module_stub
from standin.crm.rules_api import BASE, SCOPE, invalid
from standin.crm.templates import ACTION_TYPES, MODULES, TRIGGERS
from standin.errors import RefusalError
from standin.shapes import ANY_OBJECT, Shape, check_crm
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply
from standin.world import World

NAME = "workflow_rules"
PATH = "$.workflow_rules[0]"
MAX_CONDITIONS = 10
ACTIONS: Shape = {"actions": [{"id": str, "type": str, "name": str}]}
RULE: Shape = {
    "id": str,
    "name": str,
    "description": str,
    "module": {"api_name": str, "id": str},
    "status": {"active": bool},
    "execute_when": {"type": str, "details": ANY_OBJECT},
    "conditions": [{"id": str, "instant_actions": ACTIONS, "scheduled_actions": [{"id": str, **ACTIONS}]}],
}
ORDER: Shape = {"reorder": {NAME: [{"id": str, "module_specific_sequence": int}]}}
COUNT_IDS = (
    100  # Zoho's OpenAPI files say 10, its post Kaizen 221 says 100: docs/reference/zoho-crm.md, "Workflow rules"
)


class RulesWriteApi:
    """Answers calls; paths are relative to /crm/v8."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, router: Router) -> None:
        """Adds the writing endpoints and counts; they come before `/{rule_id}`, which would take `actions`."""
        router.add("POST", BASE, self.create, SCOPE)
        router.add("PUT", BASE, self.update, SCOPE)
        router.add("DELETE", BASE, self.delete_many, SCOPE)
        router.add("GET", BASE + "/actions/rules_count", self.rules_count, SCOPE)
        router.add("GET", BASE + "/actions/actions_count", self.actions_count, SCOPE)
        router.add("GET", BASE + "/actions/module_specific_count", self.module_count, SCOPE)
        router.add("PUT", BASE + "/actions/reorder", self.reorder, SCOPE)
        router.add("PUT", BASE + "/{rule_id}", self.update_one, SCOPE)
        router.add("DELETE", BASE + "/{rule_id}", self.delete_one, SCOPE)
        router.add("GET", "/workflow_configurations", self.configurations, SCOPE)

    def _rules(self) -> dict[str, Rule]:
        return self._world.rules.rules

    def create(self, request: Request) -> Reply:
        """Creates a rule."""
        body = rows_of(request, NAME, most=1, shape=RULE)[0]
        wrong = _wrong(body, new=True)
        if wrong is None:
            wrong = good(self._world.do("rule_create", body=body), "workflow created")
        return answer(NAME, [wrong], created=True)

    def update(self, request: Request) -> Reply:
        """Changes the rule whose id is in the body."""
        body = rows_of(request, NAME, most=1, shape=RULE)[0]
        return self._update(str(body.get("id", "")), body)

    def update_one(self, request: Request, rule_id: str) -> Reply:
        """Changes the rule in the address; an id in the body is ignored."""
        return self._update(rule_id, rows_of(request, NAME, most=1, shape=RULE)[0])

    def _update(self, rule_id: str, body: dict[str, Any]) -> Reply:
        rule, wrong = self._rules().get(rule_id), _wrong(body, new=False)
        if rule is None:
            wrong = _bad_id(rule_id)
        elif wrong is None and body.get("module") and body["module"].get("api_name") != rule.body["module"]["api_name"]:
            wrong = bad("NOT_ALLOWED", "module cannot be changed", api_name="module", json_path=PATH + ".module")
        if wrong is None:
            self._world.do("rule_update", rule_id=rule_id, body=body)
            wrong = good(rule_id, "workflow updated")
        return answer(NAME, [wrong])

    def _delete(self, rule_id: str) -> Result:
        rule = self._rules().get(rule_id)
        if rule is None:
            return _bad_id(rule_id)
        if rule.body["lock"]["status"]:
            return bad("NOT_ALLOWED", "the id given seems to be invalid", id=rule_id)
        self._world.do("rule_delete", rule_id=rule_id)
        return good(rule_id, "workflow deleted")

    def delete_one(self, request: Request, rule_id: str) -> Reply:
        """Deletes one rule."""
        return answer(NAME, [self._delete(rule_id)])

    def delete_many(self, request: Request) -> Reply:
        """Deletes up to ten rules, each by itself."""
        results = [self._delete(one) for one in ids_of(request, self._world.habits.ids_limit_code)]
        return answer(NAME, results, mixed_is_207=self._world.habits.mixed_is_207)

    def reorder(self, request: Request) -> Reply:
        """Reorders up to ten rules of a module: all or none."""
        module = request.param("module")
        if module not in MODULES:
            raise invalid("module", "INVALID_MODULE")
        wishes = (check_crm(request.json_object(), ORDER).get("reorder") or {}).get(NAME) or []
        if not 0 < len(wishes) <= 10:
            raise RefusalError("INVALID_DATA", "invalid data", {"api_name": NAME, "json_path": "$.reorder." + NAME})
        order = {str(one.get("id")): one.get("module_specific_sequence") for one in wishes}
        for rule_id, place in order.items():
            rule = self._rules().get(rule_id)
            if rule is None or rule.body["module"]["api_name"] != module or not isinstance(place, int):
                raise RefusalError("INVALID_DATA", "the id given seems to be invalid", {"id": rule_id})
        self._world.do("rule_reorder", order=order)
        return json_reply({"reorder": [good(rule_id, "rules reordered successfully") for rule_id in order]})

    def rules_count(self, request: Request) -> Reply:
        """Returns the limits of the edition and how much of them is used."""
        now, rules = self._world.now(), [*self._rules().values()]
        return json_reply(
            {
                "rules_count": {
                    "total_rules_limit": 2500,
                    "active_rules_limit": 2000,
                    "total_rules_limit_per_module": 125,
                    "active_rules_limit_per_module": 75,
                    "rules_per_process_limit": 10,
                    "scheduled_actions_per_rule_limit": 5,
                    "total_actions_per_rule_limit": 50,
                    "active_rules_configured": sum(rule.on.at(now) for rule in rules),
                    "total_rules_configured": len(rules),
                }
            }
        )

    def module_count(self, request: Request) -> Reply:
        """Counts rules by module, or of one module."""
        module, now = request.param("module"), self._world.now()
        if module is not None and module not in MODULES:
            raise invalid("module", "INVALID_MODULE")
        rules = [*self._rules().values()]
        names = [module] if module else sorted({rule.body["module"]["api_name"] for rule in rules})
        rows = []
        for name in names:
            own = [rule for rule in rules if rule.body["module"]["api_name"] == name]
            rows.append(
                {
                    "module": module_stub(self._world.prefix, name),
                    "active_rules_configured": sum(rule.on.at(now) for rule in own),
                    "total_rules_configured": len(own),
                }
            )
        return json_reply({"module_specific_count": rows})

    def actions_count(self, request: Request) -> Reply:
        """Returns how many actions of each type the given rules have.

        Source: https://github.com/zoho/crm-oas, getWorkflowRulesActionsCount.
        """
        ids = [one for one in (request.param("ids") or "").split(",") if one]
        if not ids:
            message = "One of the expected parameter is missing"
            raise RefusalError("REQUIRED_PARAM_MISSING", message, {"param_name": "ids"})
        if len(ids) > COUNT_IDS or any(one not in self._rules() for one in ids):
            raise invalid("ids")
        return json_reply({NAME: [_counted(self._rules()[one].body) for one in ids]})

    def configurations(self, request: Request) -> Reply:
        """Returns what triggers and actions a module allows (docs/reference/zoho-crm.md, "Workflow rules")."""
        module = request.param("module")
        if module is None:
            raise RefusalError("REQUIRED_PARAM_MISSING", "required param not found", {"param_name": "module"})
        if module not in MODULES:
            raise invalid("module", "INVALID_MODULE")
        triggers = [
            {
                "api_name": name,
                "deprecated": False,
                "name": name.title().replace("_", ""),
                "scheduled_actions_supported": name != "delete",
                "actions": [one for one in ACTION_TYPES if name != "delete" or one != "assign_owner"],
            }
            for name in TRIGGERS
        ]
        actions = [{"api_name": one, "name": one.replace("_", " ").title()} for one in ACTION_TYPES]
        return json_reply({"workflow_configurations": {"triggers": triggers, "actions": actions}})


def _counted(rule: dict[str, Any]) -> dict[str, Any]:
    """Returns the numbers of actions in each group of each condition of a rule."""

    def count(group: dict[str, Any] | None) -> dict[str, Any]:
        kinds = Counter(str(action.get("type")) for action in (group or {}).get("actions") or [])
        return {"actions_count": [{"type": kind, "value": number} for kind, number in kinds.items()]}

    conditions = [
        {
            "id": condition.get("id"),
            "sequence_number": place,
            "instant_actions": count(condition.get("instant_actions")),
            "scheduled_actions": [count(group) for group in condition.get("scheduled_actions") or []] or None,
        }
        for place, condition in enumerate(rule.get("conditions") or [], start=1)
    ]
    return {"id": rule["id"], "conditions": conditions}


def _bad_id(rule_id: str) -> Result:
    return bad("INVALID_DATA", "the id given seems to be invalid", id=rule_id)


def _wrong(body: dict[str, Any], *, new: bool) -> Result | None:
    """Returns what is wrong with a rule's body: the first error as documented, or None."""
    for name in ("name", "module", "execute_when", "conditions"):
        if new and not body.get(name):
            return missing(name, f"{PATH}.{name}")
    if len(str(body.get("name") or "")) > 100:
        return bad("INVALID_DATA", "invalid data", api_name="name", json_path=PATH + ".name", maximum_length=100)
    module = body.get("module")
    if new and (module is None or module.get("api_name") not in MODULES):
        return bad("INVALID_DATA", "the module is invalid", api_name="module", json_path=PATH + ".module")
    when = body.get("execute_when")
    if when is not None and when.get("type") not in TRIGGERS:
        return bad("INVALID_DATA", "invalid data", api_name="type", json_path=PATH + ".execute_when.type")
    if len(body.get("conditions") or []) > MAX_CONDITIONS:
        return bad("LIMIT_EXCEEDED", "limit exceeded", api_name="conditions", limit=MAX_CONDITIONS)
    return None
