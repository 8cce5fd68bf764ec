"""Answers for the organisation and its users (docs/reference/zoho-crm.md, "Settings of the organisation")."""

from typing import Any

from standin.crm.paging import paged, read_page
from standin.crm.rules import ORG_ZONE, crm_id, written
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply
from standin.world import World

EDITION = {"unlimited": "ultimate"}
PEOPLE = (("Marta", "Ops", "Administrator"), ("Deniz", "Sales", "Standard"), ("Kit", "Finance", "Standard"))


class OrgApi:
    """Answers calls; paths are relative to /crm/v8."""

    def __init__(self, world: World, plan: str) -> None:
        self._world = world
        self._plan = plan

    def add_routes(self, router: Router) -> None:
        """Adds /org and /users."""
        router.add("GET", "/org", self.org, "ZohoCRM.org")
        router.add("GET", "/users", self.users, "ZohoCRM.users")
        router.add("GET", "/users/{user_id}", self.user, "ZohoCRM.users")

    def org(self, request: Request) -> Reply:
        """Returns the organisation; `license_details.paid_type` says what calls it may make."""
        prefix, habits = self._world.prefix, self._world.habits
        portal = habits.portal
        trial = None if habits.trial_type == "none" else habits.trial_type
        paid = "free" if trial else EDITION.get(self._plan, self._plan)
        paid = paid if habits.paid_type == "plan" else habits.paid_type
        return json_reply(
            {
                "org": [
                    {
                        "id": crm_id(prefix, portal),
                        "zgid": f"{prefix}{portal:04d}",
                        "company_name": "Zephyr Works" if portal == 1 else f"Zephyr Works {portal}",
                        "type": habits.organisation_kind,
                        "alias": None,
                        "primary_email": "marta.ops@example.com",
                        "domain_name": "org" + prefix,
                        "country_code": "IN",
                        "currency": "Indian Rupee - INR",
                        "iso_code": "INR",
                        "time_zone": "Asia/Kolkata",
                        "mc_status": False,
                        "license_details": {
                            "paid": paid != "free",
                            "paid_type": paid,
                            "paid_expiry": None,
                            "trial_type": trial,
                            "trial_expiry": None,
                            "users_license_purchased": 3,
                            "portal_users_license_purchased": 0,
                        },
                    }
                ]
            }
        )

    def _people(self) -> list[dict[str, Any]]:
        prefix = self._world.prefix
        return [
            {
                "id": crm_id(prefix, 90_001 + number),
                "first_name": first,
                "last_name": last,
                "full_name": f"{first} {last}",
                "email": f"{first}.{last}@example.com".lower(),
                "status": "active",
                "confirm": True,
                "zuid": prefix + f"77{number}",
                "role": {"name": "CEO" if number == 0 else "Manager", "id": crm_id(prefix, 70 + number)},
                "profile": {"name": profile, "id": crm_id(prefix, 80 + (profile == "Standard"))},
                "time_zone": "Asia/Kolkata",
                "language": "en_US",
                "locale": "en_US",
                "created_time": written(self._world.anchor, ORG_ZONE),
            }
            for number, (first, last, profile) in enumerate(PEOPLE)
        ]

    def users(self, request: Request) -> Reply:
        """Lists users by type; `CurrentUser` is the one that made the client."""
        people, page = self._people(), read_page(request)
        kind = request.param("type") or "AllUsers"
        if kind == "CurrentUser":
            people = people[:1]
        elif kind in {"AdminUsers", "ActiveConfirmedAdmins"}:
            people = [one for one in people if one["profile"]["name"] == "Administrator"]
        elif kind in {"DeactiveUsers", "NotConfirmedUsers", "DeletedUsers"}:
            people = []
        empty_is_204 = self._world.habits.empty_list_is_204
        return paged("users", page.cut(people), page, len(people), empty_is_204=empty_is_204)

    def user(self, request: Request, user_id: str) -> Reply:
        """Returns one user; 204 for an id that is not known."""
        found = [one for one in self._people() if one["id"] == user_id]
        return json_reply({"users": found}) if found else Reply(204)
