"""Modules of CRM and what they are made of. Source: seed zoho-crm-api.md, section 2; notes, section 1."""

from __future__ import annotations

from monitor.zoho.crm.base import CrmApi, first_of
from monitor.zoho.shapes import metadata as shapes
from monitor.zoho.shapes.crm_common import Page, page_of
from monitor.zoho.shapes.metadata import Module, Named


class CrmMetadata(CrmApi):
    """Scopes: `ZohoCRM.settings.{modules,fields,layouts,custom_views,related_lists}.READ`.

    None of these lists is paged but that of views. Source of all: seed, section 2; notes, section 1.
    """

    def list_modules(self, status: str | None = None) -> Page[Module]:
        """The modules.

        Parameters: `status` visible, user_hidden, …; all if left out.
        Errors: those of every call. Source: seed, section 2; notes, section 1 (modules.json).
        """
        return page_of(self._get("settings", "modules", params={"status": status}), shapes.module, "modules")

    def get_module(self, api_name: str) -> Module:
        """One module.

        Parameters: `api_name` such as Leads. Errors: `NotFound`, `Refused`.
        Source: notes, section 1 (modules.json).
        """
        return first_of(self._get("settings", "modules", api_name), "modules", shapes.module)

    def list_fields(self, module: str, field_type: str | None = None) -> Page[Named]:
        """The fields of a module.

        Parameters: `module` its API name; `field_type` all, used or unused.
        Errors: `Refused`. Source: seed, section 2 (fields.json).
        """
        params = {"module": module, "type": field_type}
        return page_of(self._get("settings", "fields", params=params), shapes.named, "fields")

    def list_layouts(self, module: str) -> Page[Named]:
        """The layouts of a module.

        Parameters: `module` its API name. Errors: `Refused`.
        Source: seed, section 2 (layouts.json).
        """
        return page_of(self._get("settings", "layouts", params={"module": module}), shapes.named, "layouts")

    def list_custom_views(self, module: str, page: int = 1, per_page: int = 200) -> Page[Named]:
        """One page of the views of a module.

        Parameters: `module` its API name; `page` from 1; `per_page` 1 to 200.
        Errors: `Refused`. Source: seed, section 2 (custom_views.json).
        """
        params = {"module": module, "page": page, "per_page": per_page}
        return page_of(self._get("settings", "custom_views", params=params), shapes.named, "custom_views")

    def list_related_lists(self, module: str) -> Page[Named]:
        """The related lists of a module.

        Parameters: `module` its API name. Errors: `Refused`.
        Source: seed, section 2 (related_lists.json).
        """
        payload = self._get("settings", "related_lists", params={"module": module})
        return page_of(payload, shapes.named, "related_lists")
