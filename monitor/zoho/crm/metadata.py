"""Calls for the modules of CRM and what they are made of.

Source: docs/reference/zoho-crm.md, "Settings of the organisation".
"""

from __future__ import annotations

from monitor.zoho.crm.base import CrmApi, first_of
from monitor.zoho.shapes import metadata as shapes
from monitor.zoho.shapes.crm_common import Page, page_of
from monitor.zoho.shapes.metadata import Module, Named


class CrmMetadata(CrmApi):
    """Scopes: `ZohoCRM.settings.{modules,fields,layouts,custom_views,related_lists}.READ`.

    None of these lists is paged but that of views.
    """

    def list_modules(self, status: str | None = None) -> Page[Module]:
        """Lists the modules.

        Args:
            status: visible, user_hidden, …; all if left out.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return page_of(self._get("settings", "modules", params={"status": status}), shapes.module, "modules")

    def get_module(self, api_name: str) -> Module:
        """Returns one module.

        Args:
            api_name: such as Leads.

        Raises:
            NotFound: Zoho does not have it.
            Refused: Zoho declines it.
        """
        return first_of(self._get("settings", "modules", api_name), "modules", shapes.module)

    def list_fields(self, module: str, field_type: str | None = None) -> Page[Named]:
        """Lists the fields of a module.

        Args:
            module: API name.
            field_type: all, used or unused.

        Raises:
            Refused: Zoho declines it.
        """
        params = {"module": module, "type": field_type}
        return page_of(self._get("settings", "fields", params=params), shapes.named, "fields")

    def list_layouts(self, module: str) -> Page[Named]:
        """Lists the layouts of a module.

        Args:
            module: API name.

        Raises:
            Refused: Zoho declines it.
        """
        return page_of(self._get("settings", "layouts", params={"module": module}), shapes.named, "layouts")

    def list_custom_views(self, module: str, page: int = 1, per_page: int = 200) -> Page[Named]:
        """Lists one page of the views of a module.

        Args:
            module: API name.
            page: from 1.
            per_page: 1 to 200.

        Raises:
            Refused: Zoho declines it.
        """
        params = {"module": module, "page": page, "per_page": per_page}
        return page_of(self._get("settings", "custom_views", params=params), shapes.named, "custom_views")

    def list_related_lists(self, module: str) -> Page[Named]:
        """Lists the related lists of a module.

        Args:
            module: API name.

        Raises:
            Refused: Zoho declines it.
        """
        payload = self._get("settings", "related_lists", params={"module": module})
        return page_of(payload, shapes.named, "related_lists")
