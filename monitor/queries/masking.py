"""Personal data and secrets are taken out of what Zoho sent before anybody sees it. Pure.

By key: what stands under `Email`, `Last_Name`, `token` ... is hidden whatever it looks like. By pattern: an
e-mail address, telephone or card number, IBAN or token is hidden wherever it stands, in lists, in JSON within
a string, in error text, and in the keys themselves. When in doubt the text is hidden: an admin can look
at the whole of it, with a reason, and that is written down (notes `reliability.md` section 9, number 24).

Patterns are linear in the length of the text: what Zoho sends is not to be trusted with our CPU either.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

HIDDEN = "[hidden]"
MAX_DEPTH = 40

_PRIVATE = (
    "email mail mails emails mailto phone phones mobile cell fax tel telephone msisdn whatsapp "
    "name names firstname lastname surname fullname username nickname forename salutation contactname "
    "address addresses street city zip zipcode postcode postal latitude longitude lat lng geo ip ipaddress "
    "birth birthday birthdate dob age gender sex nationality religion passport ssn taxid vat national "
    "card cardnumber pan cvv cvc iban bic swift account accountnumber bank routing salary "
    "token tokens secret secrets password passwd pwd passphrase pin otp apikey zapikey credential credentials "
    "authorization auth cookie session signature privatekey clientsecret accesstoken refreshtoken authtoken "
    "recipient recipients owner "
    "telefon telefono correo nombre nom prenom vorname nachname anschrift adresse strasse plz ort geburtstag"
)
# `flow_name` or `Account_Type` say nothing of a person; `name` alone may.
_HARMLESS = (
    "flowname modulename fieldname appname eventname stagename statusname filename apiname hostname displayname "
    "connectionname triggername actionname workflowname rulename layoutname pipelinename campaignname productname "
    "accounttype mailtype phonetype emailoptout authtype addresstype tokentype expiresin"
)
# Endings of keys written without separators: useremail, customerphone, billingaddress.
_PRIVATE_ENDINGS = (
    "email", "phone", "mobile", "firstname", "lastname", "fullname", "username", "surname", "address", "street",
    "iban", "password", "secret", "token", "apikey", "zapikey", "birthday", "birthdate", "cardnumber",
)  # fmt: skip
_PEOPLE = "modifiedby createdby owner user users recipients recipient to cc bcc from replyto"
_PRIVATE_WORDS, _HARMLESS_KEYS, _PEOPLE_KEYS = (frozenset(words.split()) for words in (_PRIVATE, _HARMLESS, _PEOPLE))

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")
_KEY = re.compile(r"(?<![\w.\-])(?P<key>[\w.\-]{1,64})[\"']?\s{0,2}(?P<sign>[=:])\s{0,2}")
# A query string's value ends at white space, a sentence's (`name: John Doe, ...`) at the next stop.
_VALUES = {"=": re.compile(r"\"[^\"\n]*\"|[^\s&,;]+"), ":": re.compile(r"\"[^\"\n]*\"|(?:[^,;&|\n.]|\.(?!\s))+")}
_QUOTED_LOCAL_PART = re.compile(r'"[^"\n]{1,66}"@')
_CHUNK = re.compile(r'[^\s<>,;:"()\[\]]+')
_AT_SIGNS = ("@", "%40", "&#64", "&#x40", "\\u0040", "\uff20", "\ufe6b")
_TOKENS = re.compile(
    r"(?i:\b(?:zoho-oauthtoken|bearer|basic)\s+[\w.~+/=\-]{6,})"
    r"|\b1000\.[0-9a-zA-Z]{16,}(?:\.[0-9a-zA-Z]{16,})?"  # Zoho's grant, access and refresh tokens
    r"|\beyJ[\w\-]{8,2000}\.[\w\-]*(?:\.[\w\-]*)?"  # JSON web token
    r"|\b(?:sk|pk|rk|xox[abpr]|gh[pousr])[_\-][\w\-]{10,}"
    r"|\bAKIA[0-9A-Z]{12,}"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}-----)?"
)
_LONG_RUN = re.compile(r"[A-Za-z0-9+_=\-]{32,}")
_HEX = re.compile(r"[0-9a-fA-F\-]+")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])(?:\+|\(\+?)?\d[\d ().\-/\u00a0\u2011\u2013]*\d")
_DATE = re.compile(r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4})(?: \d{1,2})?")
_AMOUNT = re.compile(r"\d+\.\d{1,6}")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def mask(value: Any, *, definition: bool = False) -> Any:
    """The same structure with personal data and secrets hidden.

    Args:
        value: what JSON can hold.
        definition: it describes automation, not people: `name` is then a rule's or an action's, and hidden
            only below a key such as `modified_by`.

    Returns:
        New lists and dicts; lengths and order are kept, None, booleans and empty values stay.
    """
    return _mask(value, definition=definition, depth=0)


def mask_text(text: str) -> str:
    """Text with every e-mail address, telephone, card and account number, IP address and token replaced by a mark."""
    inner = _json_inside(text)
    if inner is not None:
        return json.dumps(mask(inner), ensure_ascii=False)
    return _mask_patterns(text)


def is_private_key(key: str, *, definition: bool = False) -> bool:
    """Whether the value under this key is hidden whatever it looks like."""
    key = "".join(char for char in unicodedata.normalize("NFKD", key) if not unicodedata.combining(char))
    words = [word.lower() for word in _WORDS.findall(key)]
    joined = "".join(words)
    if definition and (joined in _PEOPLE_KEYS or words[-1:] == ["by"]):
        return True
    if joined in _HARMLESS_KEYS:
        return False
    if definition and words[-1:] in (["name"], ["names"]):
        return False
    return not _PRIVATE_WORDS.isdisjoint(words) or joined in _PRIVATE_WORDS or joined.endswith(_PRIVATE_ENDINGS)


def _mask(value: Any, *, definition: bool, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return _mask_dict(value, definition=definition, depth=depth)
    if isinstance(value, list | tuple):
        return [_mask(item, definition=definition, depth=depth + 1) for item in value]
    if isinstance(value, str):
        return mask_text(value)
    if value is None or isinstance(value, bool | float):
        return value
    shown = _mask_patterns(str(value))
    return value if shown == str(value) else shown


def _mask_dict(value: dict[Any, Any], *, definition: bool, depth: int) -> dict[str, Any]:
    masked: dict[str, Any] = {}
    for key, item in value.items():
        shown = _mask_patterns(str(key))
        # Two keys may look the same once masked; neither may swallow the other.
        name, number = shown, 2
        while name in masked:
            name, number = f"{shown} ({number})", number + 1
        if is_private_key(str(key), definition=definition):
            masked[name] = _hide(item, depth)
        else:
            masked[name] = _mask(item, definition=definition, depth=depth + 1)
    return masked


def _hide(value: Any, depth: int) -> Any:
    """Every leaf hidden; the shape stays, so that one sees what was there and what was missing."""
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {_mask_patterns(str(key)): _hide(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(item, depth + 1) for item in value]
    return value if value is None or isinstance(value, bool) or value == "" else HIDDEN


def _json_inside(text: str) -> Any:
    """The structure that a string holds as JSON, or None."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return inner if isinstance(inner, dict | list) else None


def _mask_patterns(text: str) -> str:
    text = _TOKENS.sub("[secret]", text)
    text = _mask_pairs(text)
    text = _mask_emails(text)
    text = _LONG_RUN.sub(_long_run, text)
    text = _IBAN.sub("[account number]", text)
    return _NUMBER.sub(_number, text)


def _mask_pairs(text: str) -> str:
    """`zapikey=...` of a query string, `password: ...` of an error text."""
    shown: list[str] = []
    position = 0
    while (found := _KEY.search(text, position)) is not None:
        shown.append(text[position : found.end()])
        position = found.end()
        if not is_private_key(found["key"]):
            continue
        value = _VALUES[found["sign"]].match(text, position)
        if value is not None and not value[0].startswith("[secret]"):
            shown.append(HIDDEN)
            position = value.end()
    return "".join([*shown, text[position:]])


def _mask_emails(text: str) -> str:
    if not any(sign in text for sign in _AT_SIGNS):
        return text
    text = _QUOTED_LOCAL_PART.sub("@", text)
    return _CHUNK.sub(_chunk, text)


def _chunk(match: re.Match[str]) -> str:
    chunk = match[0]
    if len(chunk) == 1 or not any(sign in chunk for sign in _AT_SIGNS):
        return chunk
    bare = chunk.rstrip(".!?'}")
    return "[e-mail]" + chunk[len(bare) :] if bare.strip("@.!?'}") else "[e-mail]"


def _long_run(match: re.Match[str]) -> str:
    """Long random text: mixed letters and digits. A name in words or a number alone is no token."""
    run = match[0]
    digits = sum(char.isdecimal() for char in run)
    letters = sum(char.isalpha() for char in run)
    mixed = _HEX.fullmatch(run) is not None or run not in (run.lower(), run.upper())
    return "[secret]" if digits >= 4 and letters >= 4 and mixed else run


def _number(match: re.Match[str]) -> str:
    run = match[0]
    digits = _digits(run)
    if len(digits) < 7 or _DATE.fullmatch(run) or _AMOUNT.fullmatch(run):
        return run
    if _IPV4.fullmatch(run):
        return "[IP address]"
    if _is_card(digits):
        return "[card]"
    if len(digits) > 15 and any(char.isspace() for char in run):
        return _several_numbers(run)
    return "[phone]" if _is_phone(run, len(digits)) else run


def _several_numbers(run: str) -> str:
    """Numbers with only spaces between them, one of which is too long for a telephone: judged apart."""
    shown: list[str] = []
    waiting: list[str] = []
    for piece in [*run.split(), "0" * 16]:
        if len(_digits(piece)) < 14:
            waiting.append(piece)
            continue
        if waiting:
            shown.append(_NUMBER.sub(_number, " ".join(waiting)) if len(waiting) < len(run.split()) else "[phone]")
            waiting = []
        shown.append("[card]" if _is_card(_digits(piece)) else piece)
    return " ".join(shown[:-1])


def _is_phone(run: str, digits: int) -> bool:
    """7 to 15 digits (ITU-T E.164) written like a telephone number; 9 to 13 where they stand bare.

    Zoho's own ids have 15 digits and more and are written bare, so they stay readable.
    """
    if run.startswith(("+", "00", "(")):
        return digits <= 17
    if run.isdecimal():
        return 9 <= digits <= 13
    return digits <= 15


def _digits(text: str) -> str:
    return "".join(str(int(char)) for char in text if char.isdecimal())


def _is_card(digits: str) -> bool:
    """13 to 19 digits that begin like a payment card (ISO/IEC 7812) and pass the Luhn check."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    total = 0
    for position, char in enumerate(reversed(digits)):
        number = int(char) * (2 if position % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0
