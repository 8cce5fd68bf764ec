"""The organisation and its users. Source: notes/zoho-api.md, section 1."""

from __future__ import annotations

from monitor.zoho.crm.base import CrmApi, first_of
from monitor.zoho.shapes import org as shapes
from monitor.zoho.shapes.crm_common import Page, page_of
from monitor.zoho.shapes.org import CrmUser, Org


class CrmOrg(CrmApi):
    """Whose account this is. Scopes: `ZohoCRM.org.READ`, `ZohoCRM.users.READ`."""

    def org(self) -> Org:
        """The organisation: edition, time zone, names. One call, and the best proof of credentials.

        Errors: those of every call. Source: notes, section 1 (org.json).
        """
        return first_of(self._get("org"), "org", shapes.org)

    def current_user(self) -> CrmUser:
        """The user whose token this is.

        Errors: those of every call. Source: notes, section 1 (users.json).
        """
        return first_of(self._get("users", params={"type": "CurrentUser"}), "users", shapes.crm_user)

    def list_users(self, user_type: str = "AllUsers", page: int = 1, per_page: int = 200) -> Page[CrmUser]:
        """One page of users, empty for a 204.

        Parameters: `user_type` AllUsers, ActiveUsers, AdminUsers, …; `page` from 1; `per_page` 1 to 200.
        Errors: those of every call. Source: notes, section 1 (users.json).
        """
        params = {"type": user_type, "page": page, "per_page": per_page}
        return page_of(self._get("users", params=params), shapes.crm_user, "users")

    def get_user(self, user_id: str) -> CrmUser:
        """One user.

        Parameters: `user_id` of the user. Errors: `NotFound`.
        Source: notes, section 1 (users.json).
        """
        return first_of(self._get("users", user_id), "users", shapes.crm_user)
