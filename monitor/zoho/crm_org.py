"""The organisation and its users. Source: notes/zoho-api.md, section 1."""

from __future__ import annotations

from monitor.zoho.crm_base import CrmApi, first_of
from monitor.zoho.shapes import org as shapes
from monitor.zoho.shapes.org import CrmUser, Org


class CrmOrg(CrmApi):
    """Whose account this is."""

    def org(self) -> Org:
        """The organisation: edition, time zone, names. One call, and the best proof of credentials."""
        return first_of(self._get("org"), "org", shapes.org)

    def current_user(self) -> CrmUser:
        """The user whose token this is."""
        return first_of(self._get("users", params={"type": "CurrentUser"}), "users", shapes.crm_user)
