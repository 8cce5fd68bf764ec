"""Spoils a body as a whole: shape, type, encoding, size (docs/reference/faults.md, F14 to F18)."""

import gzip
import io
from typing import Any

from standin.web.wire import JSON, Reply, Request, html_reply, json_reply
from standin.world import World

SHAPES: dict[str, object] = {
    "empty_object": {},
    "list": [],
    "null": None,
    "text": "ok",
    "data_null": {"status": "success", "data": None},
    "data_missing": {"status": "success"},
    "rows_missing": {"status": "success", "data": {}},
    "rows_null": {"status": "success", "data": {"executions": None, "flows": None}},
    "rows_not_a_list": {"status": "success", "data": {"executions": {}, "flows": "none"}},
    "failure_with_200": {
        "status": "failure",
        "error": {"code": "INTERNAL_ERROR", "message": "Server error", "details": ""},
    },
}


def shape(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends valid JSON of the wrong shape (F14); `shape` is one of SHAPES, or `content` gives it."""
    wanted = str(args.get("shape", "empty_object"))
    return json_reply(args["content"] if "content" in args else SHAPES[wanted], int(args.get("status", 200)))


def html(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends a page instead of JSON, as a captive portal or a proxy does (F15)."""
    return html_reply("<html><body><h1>Please sign in</h1></body></html>", int(args.get("status", 200)))


def no_content(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends 204 where a list is due (F15)."""
    return Reply(204, headers=_kept(reply))


def content_type(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends the right body under a wrong type (F16); None sends no type."""
    kind = args.get("type", "text/plain")
    reply.headers.pop("Content-Type", None)
    if kind is not None:
        reply.headers["Content-Type"] = str(kind)
    return reply


def encoding(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Changes the encoding (F16): `how` is bom, utf16 or bad_utf8; an empty body (204) has no encoding."""
    how = args.get("how", "bom")
    if not reply.body:
        return reply
    if how == "bom":
        reply.body = b"\xef\xbb\xbf" + reply.body
    elif how == "utf16":
        reply.body = reply.body.decode().encode("utf-16")
    else:
        reply.body = reply.body.replace(b'": "', b'": "\xff\xfe', 1)
    return reply


def gzip_bomb(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends a small body that unpacks to `megabytes` of JSON text (F17)."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as out:
        out.write(b'{"status": "success", "data": "')
        for _ in range(int(args.get("megabytes", 200))):
            out.write(b"a" * 1024 * 1024)
        out.write(b'"}')
    return Reply(200, packed.getvalue(), {"Content-Type": JSON, "Content-Encoding": "gzip"})


def bad_gzip(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends a body that is said to be gzip and is not (F17)."""
    return Reply(200, b"\x1f\x8b\x08\x00" + reply.body, {"Content-Type": JSON, "Content-Encoding": "gzip"})


def huge(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends valid JSON of `megabytes`, without compression (F17)."""
    padding = b"a" * (int(args.get("megabytes", 50)) * 1024 * 1024)
    return Reply(200, b'{"padding": "' + padding + b'", ' + reply.body.lstrip()[1:], {"Content-Type": JSON})


def odd_json(world: World, request: Request, reply: Reply, args: dict[str, Any]) -> Reply:
    """Sends odd JSON (F18): `what` is nested, huge_int, duplicate_keys, nan or infinity."""
    what = args.get("what", "nested")
    depth = int(args.get("depth", 100_000))
    bodies = {
        "nested": b"[" * depth + b"]" * depth,
        "huge_int": b'{"status": "success", "data": ' + b"7" * 5000 + b"}",
        "duplicate_keys": b'{"status": "failure", ' + reply.body.lstrip()[1:],
        "nan": reply.body.replace(b'"duration_ms": ', b'"duration_ms": NaN, "was": ', 1),
        "infinity": reply.body.replace(b'"duration_ms": ', b'"duration_ms": 1e999, "was": ', 1),
    }
    return Reply(200, bodies[str(what)], {"Content-Type": JSON})


def _kept(reply: Reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith("X-")}


BODIES = {
    "shape": shape,
    "html": html,
    "no_content": no_content,
    "content_type": content_type,
    "encoding": encoding,
    "gzip_bomb": gzip_bomb,
    "bad_gzip": bad_gzip,
    "huge": huge,
    "odd_json": odd_json,
}
