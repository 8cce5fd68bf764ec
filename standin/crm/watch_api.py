"""Answers for notification channels, which hear of changes of records.

Source: docs/reference/zoho-crm.md, "Notification channels".
"""

from datetime import datetime, timedelta
from typing import Any

from standin.crm.paging import paged, read_page
from standin.crm.results import Result, answer, bad, missing, rows_of
from standin.crm.rules import ORG_ZONE, module_stub, written
from standin.crm.templates import MODULES
from standin.errors import RefusalError
from standin.shapes import Shape
from standin.web.routing import Router
from standin.web.wire import Reply, Request
from standin.world import World

SCOPE = "ZohoCRM.notifications"
USUAL = timedelta(hours=1)
MOST_CHANNELS = 50
CHANNEL: Shape = {"channel_id": str, "events": [str], "notify_url": str, "token": str, "channel_expiry": str}
EVENTS = {"zoho": ("create", "edit", "delete", "all"), "seed": ("create", "edit", "update", "delete", "all")}


class WatchApi:
    """Answers calls; paths are relative to /crm/v8."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.store.collection("watch")

    def add_routes(self, router: Router) -> None:
        """Adds Zoho's address, and in the dialect `seed` another beside it."""
        bases = ["/actions/watch"]
        if self._world.habits.dialect == "seed":
            bases.append("/settings/actions/watch")
        for base in bases:
            router.add("GET", base, self.list_rows, SCOPE)
            router.add("POST", base, self.subscribe, SCOPE)
            router.add("PUT", base, self.replace, SCOPE)
            router.add("PATCH", base, self.change, SCOPE)
            router.add("DELETE", base, self.unsubscribe, SCOPE)

    def _alive(self) -> dict[str, dict[str, Any]]:
        now = self._world.now()
        return {row["id"]: row for row in self._rows.values() if datetime.fromisoformat(row["channel_expiry"]) > now}

    def list_rows(self, request: Request) -> Reply:
        """Lists channels that have not expired, by module and channel."""
        module, channel, page = request.param("module"), request.param("channel_id"), read_page(request)
        rows = [
            _shown(row)
            for row in self._alive().values()
            if channel in {None, row["channel_id"]}
            and (module is None or any(event.startswith(module + ".") for event in row["events"]))
        ]
        empty_is_204 = self._world.habits.empty_list_is_204
        return paged("watch", page.cut(rows), page, len(rows), empty_is_204=empty_is_204)

    def _expiry(self, wish: Any) -> datetime:
        """Returns one hour, or what is wished for within a week; anything else silently becomes one hour."""
        now = self._world.now()
        try:
            asked = datetime.fromisoformat(str(wish))
            fits = asked.tzinfo is not None and now < asked <= now + timedelta(days=self._world.habits.watch_max_days)
        except ValueError:
            fits = False
        return asked if fits else now + USUAL

    def _wrong(self, row: dict[str, Any], place: int) -> Result | None:
        path = f"$.watch[{place}]"
        for name in ("channel_id", "events", "notify_url"):
            if not row.get(name):
                return missing(name, f"{path}.{name}")
        for number, event in enumerate(row["events"]):
            module, _, what = str(event).partition(".")
            if module not in MODULES or what not in EVENTS[self._world.habits.dialect]:
                return bad("INVALID_DATA", "invalid data", api_name="events", json_path=f"{path}.events[{number}]")
        if len(str(row["notify_url"])) > 255 or not str(row["notify_url"]).startswith(("https://", "http://")):
            return bad("INVALID_DATA", "invalid data", api_name="notify_url", json_path=path + ".notify_url")
        if len(str(row.get("token") or "")) > 50:
            return bad("INVALID_DATA", "invalid data", api_name="token", json_path=path + ".token", maximum_length=50)
        return None

    def _write(self, request: Request, *, created: bool, merge: bool) -> Reply:
        results = []
        for place, row in enumerate(rows_of(request, "watch", most=MOST_CHANNELS, shape=CHANNEL)):
            identity = f"watch-{row.get('channel_id')}"
            old = self._alive().get(identity)
            if not created and old is None:
                results.append(bad("NOT_SUBSCRIBED", "the channel is not subscribed", channel_id=row.get("channel_id")))
                continue
            whole = {**(old or {}), **row} if merge else row
            wrong = self._wrong(whole, place)
            if wrong is None:
                expiry = written(self._expiry(row.get("channel_expiry")), ORG_ZONE)
                stored = self._world.store.put("watch", {**whole, "id": identity, "channel_expiry": expiry})
                wrong = self._good(stored, created=created)
            results.append(wrong)
        return answer("watch", results, created=created, mixed_is_207=self._world.habits.mixed_is_207)

    def _good(self, row: dict[str, Any], *, created: bool) -> Result:
        events = []
        for event in row["events"]:
            module = event.partition(".")[0]
            events.append(
                {
                    "channel_expiry": row["channel_expiry"],
                    "resource_uri": f"/crm/v8/{module}",
                    "resource_id": module_stub(self._world.prefix, module)["id"],
                    "resource_name": module,
                    "channel_id": row["channel_id"],
                }
            )
        word = "subscribed" if created else "updated"
        message = f"Successfully {word} for actions-watch of the given module"
        return {"code": "SUCCESS", "details": {"events": events}, "message": message, "status": "success"}

    def subscribe(self, request: Request) -> Reply:
        """Opens channels; 201, or 207 where some are wrong."""
        return self._write(request, created=True, merge=False)

    def replace(self, request: Request) -> Reply:
        """Opens channels, or replace those with the same ids."""
        return self._write(request, created=False, merge=False)

    def change(self, request: Request) -> Reply:
        """Changes some fields of channels."""
        return self._write(request, created=False, merge=True)

    def unsubscribe(self, request: Request) -> Reply:
        """Ends channels by their ids."""
        ids = [one for one in (request.param("channel_ids") or "").split(",") if one]
        if not ids:
            raise RefusalError("REQUIRED_PARAM_MISSING", "required param not found", {"param_name": "channel_ids"})
        results = []
        for channel in ids:
            if f"watch-{channel}" not in self._alive():
                results.append(bad("NOT_SUBSCRIBED", "the channel is not subscribed", channel_id=channel))
                continue
            self._world.store.remove("watch", f"watch-{channel}")
            message = "Successfully unsubscribed"
            results.append(
                {"code": "SUCCESS", "details": {"channel_id": channel}, "message": message, "status": "success"}
            )
        return answer("watch", results, mixed_is_207=self._world.habits.mixed_is_207)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    hidden = {"id", "created_time", "created_by", "modified_time", "modified_by", "token"}
    return {name: value for name, value in row.items() if name not in hidden}
