"""Calls for the organisation and its users.

Source: docs/reference/zoho-crm.md, "Settings of the organisation".
"""

from __future__ import annotations

from monitor.zoho.crm.base import CrmApi, first_of
from monitor.zoho.shapes import org as shapes
from monitor.zoho.shapes.crm_common import Page, page_of
from monitor.zoho.shapes.org import CrmUser, Org


class CrmOrg(CrmApi):
    """Reads whose account this is. Scopes: `ZohoCRM.org.READ`, `ZohoCRM.users.READ`."""

    def org(self) -> Org:
        """Returns the organisation: edition, time zone, names. One call, and the best proof of credentials.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return first_of(self._get("org"), "org", shapes.org)

    def current_user(self) -> CrmUser:
        """Returns the user whose token this is.

        Raises:
            ZohoError: see `ApiClient`.
        """
        return first_of(self._get("users", params={"type": "CurrentUser"}), "users", shapes.crm_user)

    def list_users(self, user_type: str = "AllUsers", page: int = 1, per_page: int = 200) -> Page[CrmUser]:
        """Lists one page of users, empty for a 204.

        Args:
            user_type: AllUsers, ActiveUsers, AdminUsers, …
            page: from 1.
            per_page: 1 to 200.

        Raises:
            ZohoError: see `ApiClient`.
        """
        params = {"type": user_type, "page": page, "per_page": per_page}
        return page_of(self._get("users", params=params), shapes.crm_user, "users")

    def get_user(self, user_id: str) -> CrmUser:
        """Returns one user.

        Args:
            user_id: Zoho's id of the user.

        Raises:
            NotFound: Zoho does not have it.
        """
        return first_of(self._get("users", user_id), "users", shapes.crm_user)
