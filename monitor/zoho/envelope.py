"""Finds Zoho's own words about an error, in whatever form a body gives them. Pure.

One envelope is documented; the products' answers show many more: objects instead of lists, lists of lists, code and
message under `data`, `status`, `error`, `errors` or `response`, numbers as codes, other names for both.
Sources: docs/reference/zoho-flow.md, "Errors"; docs/reference/zoho-crm.md, "Errors of CRM" and "Other words".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from monitor.privacy import mask
from monitor.zoho import clean
from monitor.zoho.protocol import Answer, redact

TOLD = 200  # characters of a body in no known form that are told

_FAILURE_WORDS = frozenset({"failure", "error", "fail", "failed"})
_CODES = ("code", "errorCode", "error_code", "errorcode", "ERROR_CODE")
_MESSAGES = (
    "message", "errorMessage", "error_message", "error_description", "description", "detail", "details", "summary",
    "title", "reason",
)  # fmt: skip
# What an error says of itself; any other name holds a part of what was asked for.
_OWN_NAMES = frozenset(
    {*_CODES, *_MESSAGES, "status", "error", "success", "result", "type", "instance", "uri", "path", "timestamp",
     "request_id", "requestId"}
)  # fmt: skip
_SUCCESS_WORDS = frozenset({"success", "ok"})
# Beside an empty list any other code or message says no more than that there is nothing.
_REFUSING_CODE = re.compile(
    r"token|oauth|authenticat|authori[sz]|scope|permi(?:ssion|t)|denied|forbidden|not allowed|limit|too many|throttl"
    r"|exceed|unavailable|not (?:available|supported|enabled)|maintenance|invalid|expired|disabled|suspended|blocked"
    r"|error|fail|(?:flow|rule|workflow|account|org\w*|module|resource|url|job) not found",
    re.IGNORECASE,
)
_REFUSING_MESSAGE = re.compile(
    r"(?:token|ticket|session|licen[cs]e|trial|subscription) .{0,30}(?:expired|invalid|revoked)|\binvalid\b|oauth|scope"
    r"|permission|not permitted|unauthori[sz]ed|not authori[sz]ed|denied|forbidden|not allowed|limit (?:is )?reached"
    r"|exceeded|too many|throttl|slow down|unavailable|not (?:available|supported|enabled)|maintenance"
    r"|internal (?:server )?error|try again|went wrong",
    re.IGNORECASE,
)
_BAD_STATUS = re.compile(r"[45]\d\d")
_PLACES = ("json_path", "param_name", "api_name", "limit_reason")  # where CRM names what it objects to
_DEPTH, _NODES = 6, 200  # of a body, that are looked through
_INVALID_ID = re.compile(r"\bthe (?:related )?id given (?:seems to be|is) invalid\b", re.IGNORECASE)
_OWN_ID = re.compile(r"\$\.\w+(?:\[[\d*]+\])?(?:\.id)?")  # of the thing itself, not of a field inside it
_CHALLENGE = re.compile(r'\berror="?([A-Za-z0-9_.-]{1,64})')
_DESCRIPTION = re.compile(r'\berror_description="([^"]{1,200})')
_TITLE = re.compile(r"<title[^>]*>([^<]{1,300})</title", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Holds Zoho's own words about an error; `code` is "" when it names none.

    `place` is the parameter or field it objects to, `expects` the type it wants there; both "" where it names none.
    `is_numbered`: the code is a number, which means something else in each of Zoho's products.
    """

    code: str
    message: str
    place: str = ""
    expects: str = ""
    is_numbered: bool = False

    @property
    def names_missing_thing(self) -> bool:
        """Returns whether CRM says that the thing asked for does not exist.

        The same words with another code (NOT_ALLOWED) are about a locked thing, and with a place inside the body
        about one of its fields.
        """
        is_inside = self.place.startswith("$") and not _OWN_ID.fullmatch(self.place)
        return self.code.upper() == "INVALID_DATA" and not is_inside and bool(_INVALID_ID.search(self.message))


def find_envelope(body: object) -> Envelope | None:
    """Returns the error that a body speaks of, None where it speaks of none.

    Args:
        body: parsed JSON. A code in letters is believed before a number, a number before a bare message, and what
            stands first and outermost before the rest.
    """
    spoken = list(_spoken(body))
    if not spoken:
        return None
    best = max(spoken, key=_rank)
    return best if best.message else replace(best, message=next((one.message for one in spoken if one.message), ""))


def refusal_in(payload: object) -> Envelope | None:
    """Returns the error that a body holds and nothing else, however it is wrapped; None for every other body.

    Some answer an error with 200 and in the form of what was asked for: as the one row of a list, as the object in it.

    Args:
        payload: parsed JSON of a reply to a read: the results of a write may all be errors and yet be a value.
    """
    if not _is_nothing_else(payload, _DEPTH):
        return None
    found = find_envelope(payload)
    if found is None or (found.is_numbered and _is_success(found.code)):
        return None
    if _has_empty_list(payload, _DEPTH) and not _refuses(found):
        return None
    outer = payload if isinstance(payload, Mapping) else {}
    says_well = clean.word(outer.get("status")) in _SUCCESS_WORDS or _has_list(outer)
    return None if not found.code and says_well else found


def _is_nothing_else(node: object, depth: int, *, in_list: bool = False) -> bool:
    """Returns whether nothing stands in a body but an error's own words; of what was asked for there is nothing.

    Around a list nothing may stand under other names, too. In a list such a name makes a row, spoiled or not.
    """
    if isinstance(node, list):
        return depth > 0 and all(
            isinstance(item, Mapping | list) and _is_nothing_else(item, depth - 1, in_list=True) for item in node
        )
    if not isinstance(node, Mapping):
        return False
    return depth > 0 and all(
        name in _OWN_NAMES
        or (not in_list and not value)
        or (isinstance(value, Mapping | list) and value and _is_nothing_else(value, depth - 1, in_list=in_list))
        for name, value in node.items()
    )


def _has_empty_list(node: object, depth: int) -> bool:
    """Returns whether a list that was asked for is there and empty, with nothing around it that speaks of a failure."""
    if not isinstance(node, Mapping) or depth == 0 or _says_failure(node):
        return False
    return any(
        value == [] or _has_empty_list(value, depth - 1)
        for name, value in node.items()
        if name not in _OWN_NAMES and name != "errors"
    )


def _says_failure(node: Mapping[str, object]) -> bool:
    words = {clean.word(node.get("status")), clean.word(node.get("result"))}
    return bool(words & _FAILURE_WORDS) or node.get("success") is False or any(map(node.get, ("error", "errors")))


def _refuses(found: Envelope) -> bool:
    """Returns whether an error that stands beside an empty list is one in words or numbers known for it."""
    if found.is_numbered:
        is_known = _BAD_STATUS.fullmatch(found.code) is not None
    else:
        is_known = _REFUSING_CODE.search(found.code.replace("_", " ")) is not None
    return is_known or _REFUSING_MESSAGE.search(found.message) is not None


def _is_success(code: str) -> bool:
    """Returns whether a number says that all went well, as some products' own 0 and HTTP's 2xx do."""
    return code == "0" or (len(code) == 3 and code.startswith("2"))


def _has_list(outer: Mapping[str, object]) -> bool:
    data = outer.get("data")
    inner = data.values() if isinstance(data, Mapping) else ()
    return any(isinstance(value, list) for value in (*outer.values(), *inner))


def words_of(answer: Answer) -> Envelope:
    """Returns what an error says in whatever form it comes, its body in short where nothing else is known of it."""
    payload = answer.any_json
    found = find_envelope(payload)
    if found is not None:
        return found
    asked = answer.headers.get("www-authenticate", "")
    code, why = _CHALLENGE.search(asked), _DESCRIPTION.search(asked)
    if code is not None:
        return Envelope(code[1], redact(why[1]) if why else "by WWW-Authenticate")
    return Envelope("", _in_short(answer, payload))


def _in_short(answer: Answer, payload: object) -> str:
    if payload is not None and not isinstance(payload, str):
        return f"in other words than Zoho's: {_shown(clean.json_text(mask(payload), 2_000))}"
    if answer.is_html:
        title = _TITLE.search(answer.body[:20_000].decode("utf-8", "replace"))
        return answer.kind + (f" (“{_shown(title[1])}”)" if title else "")
    text = _shown(answer.body[:2_000].decode("utf-8", "replace"))
    return f"“{text}”" if text else answer.kind


def _shown(text: str) -> str:
    """Returns a text that may hold anything, people's data too, as a message may show it."""
    return redact(text)[:TOLD]


def _rank(found: Envelope) -> int:
    if not found.code:
        return 1
    return 2 if found.is_numbered else 3


def _spoken(body: object) -> Iterator[Envelope]:
    """Yields each error spoken of, outermost and first ones first."""
    level, seen = [body], 0
    for _ in range(_DEPTH):
        below: list[object] = []
        for node in level:
            seen += 1
            if seen > _NODES:
                return
            if isinstance(node, Mapping):
                found = read_envelope(node)
                if found is not None:
                    yield found
                below += [item for item in node.values() if isinstance(item, Mapping | list)]
            elif isinstance(node, list):
                below += [item for item in node if isinstance(item, Mapping | list)]
        level = below


def read_envelope(node: Mapping[str, object]) -> Envelope | None:
    """Reads one object, without what is inside; None where it speaks of no error."""
    status = clean.word(node.get("status"))
    if status == "success":
        return None
    error = node.get("error")
    code, is_numbered = _code(node)
    if code.upper() == "SUCCESS":
        return None
    if not code and isinstance(error, str):
        code = clean.line(error, clean.CODE_LIMIT)
    message = next((text for text in (_text(node.get(name)) for name in _MESSAGES) if text), "")
    if not code and not message and status not in _FAILURE_WORDS:
        return None
    details = node.get("details")
    about: Mapping[str, object] = details if isinstance(details, Mapping) else {}
    places = (about.get(name) for name in _PLACES)
    place = next((redact(item) for item in places if isinstance(item, str) and item), "")
    return Envelope(
        code=code,
        message=f"{message} ({place})" if place else message,
        place=place,
        expects=clean.word(about.get("expected_data_type")),
        is_numbered=is_numbered,
    )


def _code(node: Mapping[str, object]) -> tuple[str, bool]:
    for name in _CODES:
        value = node.get(name)
        if isinstance(value, str) and value.strip():
            code = clean.line(value, clean.CODE_LIMIT)
            return code, code.lstrip("-").isdecimal()
        if isinstance(value, int) and not isinstance(value, bool):
            return clean.whole_text(value), True
    return "", False


def _text(value: object) -> str:
    return redact(value) if isinstance(value, str) else ""
