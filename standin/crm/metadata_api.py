"""Answers for modules, fields, layouts, views and related lists.

Source: docs/reference/zoho-crm.md, "Settings of the organisation".
"""

from typing import Any

from standin.crm.records import fields_of
from standin.crm.rules import crm_id, module_stub
from standin.crm.rules_api import invalid
from standin.crm.templates import MODULES
from standin.errors import RefusalError
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply
from standin.world import World

SCOPE = "ZohoCRM.settings"


class MetadataApi:
    """Answers calls; paths are relative to /crm/v8."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_routes(self, router: Router) -> None:
        """Adds what describes modules."""
        router.add("GET", "/settings/modules", self.modules, SCOPE + ".modules")
        router.add("GET", "/settings/modules/{api_name}", self.module, SCOPE + ".modules")
        for name, rows in (
            ("fields", self._fields),
            ("layouts", self._layouts),
            ("custom_views", self._views),
            ("related_lists", self._related),
        ):
            router.add("GET", f"/settings/{name}", _OfModule(name, rows), f"{SCOPE}.{name}")

    def _module(self, name: str) -> dict[str, Any]:
        stub = module_stub(self._world.prefix, name)
        return {
            **stub,
            "module_name": name,
            "singular_label": name.rstrip("s").replace("_", " "),
            "plural_label": name.replace("_", " "),
            "api_supported": True,
            "viewable": True,
            "editable": True,
            "creatable": True,
            "deletable": True,
            "generated_type": "default",
            "status": "visible",
            "modified_time": None,
            "modified_by": None,
        }

    def modules(self, request: Request) -> Reply:
        """Returns every module."""
        return json_reply({"modules": [self._module(name) for name in MODULES]})

    def module(self, request: Request, api_name: str) -> Reply:
        """Returns one module."""
        if api_name not in MODULES:
            raise RefusalError("INVALID_MODULE", "the module name given seems to be invalid", {}, 400)
        return json_reply({"modules": [self._module(api_name)]})

    def _id(self, module: str, kind: int, number: int = 0) -> str:
        return crm_id(self._world.prefix, kind * 1_000_000 + MODULES.index(module) * 1_000 + number)

    def _fields(self, module: str) -> list[dict[str, Any]]:
        return [
            {
                "id": self._id(module, 2, number),
                "api_name": name,
                "field_label": label,
                "data_type": kind,
                "visible": True,
                "read_only": name in {"id", "Created_Time", "Modified_Time"},
                "system_mandatory": name in {"Last_Name", "Deal_Name", "Name"},
                "custom_field": False,
            }
            for number, (name, label, kind) in enumerate(fields_of(module))
        ]

    def _layouts(self, module: str) -> list[dict[str, Any]]:
        return [
            {
                "id": self._id(module, 3),
                "name": "Standard",
                "display_label": "Standard",
                "status": "active",
                "visible": True,
                "sections": [{"name": f"{module} Information", "fields": self._fields(module)}],
            }
        ]

    def _views(self, module: str) -> list[dict[str, Any]]:
        return [
            {
                "id": self._id(module, 4, number),
                "name": name,
                "display_value": name,
                "system_name": name.upper().replace(" ", ""),
                "default": number == 0,
                "system_defined": True,
            }
            for number, name in enumerate((f"All {module}", f"My {module}", f"Recently Modified {module}"))
        ]

    def _related(self, module: str) -> list[dict[str, Any]]:
        return [
            {
                "id": self._id(module, 5, number),
                "api_name": name,
                "name": name,
                "display_label": name,
                "module": {"api_name": name, "id": self._id(module, 6, number)},
                "visible": True,
            }
            for number, name in enumerate(("Notes", "Attachments", "Tasks"))
        ]


class _OfModule:
    """Holds a list that belongs to the module in the mandatory parameter `module`."""

    def __init__(self, name: str, rows: Any) -> None:
        self._name = name
        self._rows = rows

    def __call__(self, request: Request) -> Reply:
        module = request.param("module")
        if module is None:
            raise RefusalError(
                "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": "module"}
            )
        if module not in MODULES:
            raise invalid("module", "INVALID_MODULE")
        return json_reply({self._name: self._rows(module)})
