"""Answers COQL, composite requests and bulk reads (docs/reference/zoho-crm.md, "Records and queries")."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standin.crm import coql
from standin.crm.records import fields_of
from standin.crm.rules import ORG_ZONE, written
from standin.crm.templates import MODULES
from standin.errors import RefusalError
from standin.shapes import ANY_OBJECT, Shape, check_crm
from standin.web.routing import Router
from standin.web.wire import Reply, Request, json_reply, no_content
from standin.world import World

MAX_COMPOSITE = 5
PART: Shape = {"method": str, "uri": str, "url": str, "params": ANY_OBJECT}
BULK: Shape = {"query": {"fields": [str]}}
JOB_SECONDS = 20
Dispatch = Callable[[Request], Reply]


class QueryApi:
    """Answers calls; `dispatch` answers the parts of a composite request."""

    def __init__(self, world: World, dispatch: Dispatch) -> None:
        self._world = world
        self._dispatch = dispatch

    def add_routes(self, router: Router) -> None:
        """Adds what lies under /crm/v8; the dialect decides which of the addresses exist."""
        if self._world.habits.dialect == "seed":
            router.add("GET", "/coql", self.coql_by_get, "ZohoCRM.coql", verb="READ")
            router.add("POST", "/composite", self.composite, "ZohoCRM.composite_requests", verb="CUSTOM")
            self.add_bulk_routes(router, "/bulk/read")
        router.add("POST", "/coql", self.coql, "ZohoCRM.coql", verb="READ")
        router.add("POST", "/__composite_requests", self.composite, "ZohoCRM.composite_requests", verb="CUSTOM")

    def add_bulk_routes(self, router: Router, base: str) -> None:
        """Adds bulk read, which lies beside /crm/v8, at /crm/bulk/v8/read."""
        router.add("POST", base, self.bulk_create, "ZohoCRM.bulk")
        router.add("GET", base + "/{job_id}", self.bulk_get, "ZohoCRM.bulk")
        router.add("GET", base + "/{job_id}/result", self.bulk_result, "ZohoCRM.bulk")

    def coql(self, request: Request) -> Reply:
        """Answers `{"select_query": "…"}`; 204 without a row."""
        text = request.json_object().get("select_query")
        if not isinstance(text, str):
            raise RefusalError("MANDATORY_NOT_FOUND", "required field not found", {"api_name": "select_query"})
        return self._run(text)

    def coql_by_get(self, request: Request) -> Reply:
        """Answers the query that is a parameter, in the dialect `seed`."""
        return self._run(request.param("select_query") or "")

    def _run(self, text: str) -> Reply:
        query = coql.parse(text)
        rows, more = coql.run(query, self._world.records.of(query.module))
        if not rows and self._world.habits.empty_list_is_204:
            return no_content()
        return json_reply({"data": rows, "info": {"count": len(rows), "more_records": more}})

    def composite(self, request: Request) -> Reply:
        """Answers up to five calls in one; each part has its own status."""
        name = "composite_request" if request.path.endswith("/composite") else "__composite_requests"
        parts = check_crm(request.json_object(), {name: [PART]}).get(name)
        if not parts:
            raise RefusalError("MANDATORY_NOT_FOUND", "required field not found", {"api_name": name})
        if len(parts) > MAX_COMPOSITE:
            raise RefusalError("LIMIT_EXCEEDED", "more than 5 requests", {"api_name": name, "limit": MAX_COMPOSITE})
        answers = [self._part(request, place, part) for place, part in enumerate(parts, start=1)]
        is_flat = self._world.habits.dialect == "seed"
        mixed = {one["status"] for one in answers} == {"success", "error"} and not is_flat
        return json_reply({name: answers}, 207 if mixed and self._world.habits.mixed_is_207 else 200)

    def _part(self, request: Request, place: int, part: dict[str, Any]) -> dict[str, Any]:
        target = urlsplit(str(part.get("uri") or part.get("url") or ""))
        query = {**parse_qs(target.query), **{name: [str(one)] for name, one in (part.get("params") or {}).items()}}
        body = json.dumps(part["body"]).encode() if part.get("body") is not None else b""
        inner = Request(
            str(part.get("method", "GET")).upper(),
            target.path,
            query,
            request.headers,
            body,
            request.base_url,
            request.granted,
        )
        reply = self._dispatch(inner)
        good, content = reply.status < 400, reply.json() if reply.body else None
        response = {"status_code": reply.status, "headers": reply.headers, "body": content}
        if self._world.habits.dialect == "seed":  # flat, with the request's id
            told = {"code": "SUCCESS" if good else "FAILURE", "status": "success" if good else "error"}
            return {"sub_request_id": str(part.get("sub_request_id", place)), **told, "details": response}
        if good:
            told = {"code": "SUCCESS", "message": "composite sub request executed successfully", "status": "success"}
        else:
            refusal = content if isinstance(content, dict) else {}
            told = {
                "code": refusal.get("code", "INVALID_DATA"),
                "message": refusal.get("message", ""),
                "status": "error",
            }
        return {**told, "details": {"response": response}}

    def bulk_create(self, request: Request) -> Reply:
        """Creates a job that is done after some seconds."""
        query = check_crm(request.json_object(), BULK).get("query") or {}
        module = query.get("module")
        name = module.get("api_name") if isinstance(module, dict) else module
        name = name if isinstance(name, str) else ""
        if name not in MODULES:
            raise RefusalError(
                "INVALID_DATA", "the module is invalid", {"api_name": "module", "json_path": "$.query.module"}
            )
        known = [field for field, _, _ in fields_of(name)]
        fields = [str(field) for field in query.get("fields") or known]
        if any(field not in known for field in fields):
            raise RefusalError("INVALID_DATA", "invalid field", {"json_path": "$.query.fields"})
        made = self._world.now()
        job = self._world.store.put("bulk_read", {"module": name, "fields": fields, "at": made.isoformat()})
        about = {
            "id": job["id"],
            "operation": "read",
            "created_by": job["created_by"],
            "created_time": written(made, ORG_ZONE),
        }
        if self._world.habits.dialect == "seed":  # the bare job
            return json_reply({"data": [{"status": "queued", **about}]}, 201)
        row = {"status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully."}
        return json_reply({"data": [{**row, "details": {**about, "state": "ADDED"}}], "info": {}}, 201)

    def _job(self, job_id: str) -> tuple[dict[str, Any], bool]:
        job = self._world.store.collection("bulk_read").get(job_id)
        if job is None:
            raise RefusalError("RESOURCE_NOT_FOUND", "The requested resource doesn't exist.", {"id": job_id}, 404)
        return job, (self._world.now() - datetime.fromisoformat(job["at"])).total_seconds() >= JOB_SECONDS

    def bulk_get(self, request: Request, job_id: str) -> Reply:
        """Returns how far a job is."""
        job, done = self._job(job_id)
        row: dict[str, Any] = {"id": job_id, "operation": "read", "state": "COMPLETED" if done else "IN PROGRESS"}
        row |= {"query": {"module": {"api_name": job["module"]}, "fields": job["fields"], "page": 1}}
        row |= {"created_by": job["created_by"], "created_time": job["created_time"], "file_type": "csv"}
        if done:
            count = len(self._world.records.of(job["module"]))
            address = f"/crm/bulk/v8/read/{job_id}/result"
            row["result"] = {
                "page": 1,
                "count": count,
                "download_url": address,
                "per_page": 200_000,
                "more_records": False,
            }
        return json_reply({"data": [row]})

    def bulk_result(self, request: Request, job_id: str) -> Reply:
        """Returns the zipped CSV of a finished job."""
        job, done = self._job(job_id)
        if not done:
            raise RefusalError("NOT_ALLOWED", "the job is not finished", {"id": job_id})
        text, packed = io.StringIO(), io.BytesIO()
        table = csv.DictWriter(text, job["fields"], extrasaction="ignore")
        table.writeheader()
        for row in self._world.records.of(job["module"]):
            table.writerow(row)
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo(f"{job_id}.csv"), text.getvalue())
        named = {"Content-Disposition": f"attachment;filename={job_id}.zip"}
        return Reply(200, packed.getvalue(), {"Content-Type": "application/zip", **named})
