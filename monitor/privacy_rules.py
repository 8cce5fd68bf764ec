"""Lists what counts as private: the names of keys, and the patterns of secrets and of personal data. Pure.

`monitor.privacy` applies them; nobody else does. Patterns are linear in the length of the text: what Zoho sends is not
to be trusted with our CPU either.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Raise it with every change of what is masked: texts that were masked for searching are then masked anew.
VERSION = 2

# --- keys of secrets: endings once everything but letters and digits is gone (`X-Api-Key`, `client_secret`)
_SECRET_ENDINGS = (
    "password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "authkey", "zapikey", "authorization",
    "credential", "credentials", "cookie", "privatekey", "accesskey", "secretkey", "signature", "sessionid", "bearer",
)  # fmt: skip
_SECRET_KEYS = frozenset({"auth", "pin", "otp", "sig", "secrets", "passwords", "tokens", "apikeys", "session", "jwt"})
# `{"name": "X-Api-Key", "value": "..."}`: how lists of headers and parameters are often written.
NAMES_OF_PAIRS = ("name", "key", "header", "param", "api_name")
VALUES_OF_PAIRS = ("value", "values", "val")

# --- keys of personal data
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

# --- secrets in text
TOKENS = re.compile(
    r"(?i:\b(?:zoho-oauthtoken|bearer|basic)\s+)(?P<bearer>[\w.~+/=\-]{6,})"
    r"|\b(?P<zoho>1000\.[0-9a-zA-Z]{8,}(?:\.[0-9a-zA-Z]{8,})?)"  # grant, access and refresh tokens
    r"|\b(?P<jwt>eyJ[\w\-]{8,2000}\.[\w\-]*(?:\.[\w\-]*)?)"
    r"|\b(?P<known>(?:sk|pk|rk|xox[abpr]|gh[pousr])[_\-][\w\-]{10,}|AKIA[0-9A-Z]{12,})"
    r"|\b(?P<webhook>whsec_[0-9A-Za-z+/=_\-]+)"  # Standard Webhooks
    r"|(?P<pem>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}-----)?)"
)
# In a text for people even the shortest word behind a scheme, or behind `=` or `:` and a token's name, goes. Behind a
# mere space ("authorization failed") only what has a digit or is long.
_SIGN_IN_NAMES = r"(?:access_?token|refresh_?token|client_?secret|zapikey|authorization)"
SIGN_INS = re.compile(
    r"(?i)(?P<before>\b(?:zoho-oauthtoken|bearer|basic)\s+(?!(?:token|auth|authentication|authorization|information)\b)"
    rf"|{_SIGN_IN_NAMES}\"?(?:\s*[=:]\s*\"?|\s+\"?(?=[^\s\"',;&]*\d|[^\s\"',;&]{{16}})))(?P<secret>[^\s\"',;&]+)"
)
SHORT_TOKENS = re.compile(r"1000\.[0-9A-Za-z._\-]{6,}")
USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]{0,30}://)(?P<secret>[^/?#\s@\"'<>]{1,500})@")
SECRET_PAIR = re.compile(r"(?<![\w.\-])(?P<key>[\w.\-]{1,64})\\?[\"']?\s{0,2}(?:=|:|%3[dD]|%3[aA])\s{0,2}")
SECRET_VALUE = re.compile(
    r"(?P<quote>\")(?:[^\"\\\n]|\\.)*|(?P<single>')(?:[^'\\\n]|\\.)*"
    r"|(?P<inner>\\\")(?:[^\"\\\n]|\\\\\\\")*|[^\s&,;\"'<>\\]+"
)
SCHEMES = ("bearer", "basic", "zoho-oauthtoken")
# Whoever knows the last part of a webhook's address can start the flow (docs/reference/zoho-flow.md).
HOOK = re.compile(
    r"(?P<before>/(?:webhooks?|hooks|services)/(?:[\w\-]{1,80}/){0,4})(?P<secret>[\w\-]{6,}|\[secret:[0-9a-f]{16}\])"
)
RANDOM_RUN = re.compile(r"[A-Za-z0-9+_=\-]{24,}")
LONGER_RUN = re.compile(r"[A-Za-z0-9+_=\-]{32,}")
MIXED_RUN = re.compile(r"[\w~+\-]{20,}")
# Pieces of a code in words: `ERROR`, `429`, `OAUTH2`, `24h`.
_WORD_OR_NUMBER = re.compile(r"[^\W\d_]*|\d+|(?=\w{2,7}\Z)(?:[^\W\d_]+\d{1,4}|\d{1,2}[^\W\d_]{1,4})")
_HEX = re.compile(r"[0-9a-fA-F\-]+")

# --- personal data in text
PAIR = re.compile(r"(?<![\w.\-])(?P<key>[\w.\-]++)\\?[\"']?\s{0,3}(?P<sign>=|:|%3[dD]|%3[aA])\s{0,3}")
# `"name": "X-Api-Key", "value": "..."` within text that is not JSON as a whole.
NAMED_VALUE = re.compile(
    r"(?P<before>\b(?:name|key|header|param)\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?(?P<key>[\w.\-]{1,64})\\?[\"']?\s{0,3}[,;]"
    r"\s{0,3}\\?[\"']?(?:values?|val)\\?[\"']?\s{0,3}[:=]\s{0,3})(?:\\?\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;}&]+)"
)
# A query string's value ends at white space, a sentence's (`name: John Doe, ...`) at the next stop.
QUERY_VALUE = re.compile(r"\"[^\"\n]*\"|[^\s&,;]+")
SENTENCE_VALUE = re.compile(r"\"[^\"\n]*\"|(?:[^,;&|\n.]|\.(?!\s))+")
WHOLE_WORD = re.compile(r"\S+")
WHOLE_LINE = re.compile(r"[^\n]+")
QUOTED_LOCAL_PART = re.compile(r'"[^"\n]{1,66}"@')
CHUNK = re.compile(r'[^\s<>,;:"()\[\]]+')
AT_SIGNS = ("@", "%40", "&#64", "&#x40", "\\u0040", "\uff20", "\ufe6b")
URL_PATH = re.compile(r"(?i)\b(https?://[^\s/?#]+)\S*")
# Of a log, an address keeps its path and loses what stands behind "?" or "#"; without one it is left as it is.
URL_QUERY = re.compile(r"(?i)((?:\bhttps?:/|(?<![^\s\"'(=]))/[^\s?#]*)(?P<query>[?#]\S*)?")
IPV4 = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3,}(?!\d)")
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
NUMBER = re.compile(r"(?<![A-Za-z0-9])(?:\+|\(\+?)?\d[\d ().\-/\u00a0\u2011\u2013]*\d")
LONG_NUMBER = re.compile(r"\+?\d(?:[\s().\-–/]{0,2}\d){6,}")
_DAY, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:19|20)\d\d"
DATE = re.compile(rf"(?:{_YEAR}[-./]{_DAY}[-./]{_DAY}|{_DAY}[-./]{_DAY}[-./]{_YEAR})(?: \d{{1,2}})?")
AMOUNT = re.compile(r"(?<!\d)(?:0|[1-9]\d*)\.\d{1,6}")
# What makes a bare number an amount: the words before it or the unit behind it.
AMOUNT_BEFORE = re.compile(
    r"(?i)\b(?:limit|quota|maximum|minimum|max|min|amount|total|sum|size|count|length|budget|exceeds?|exceeded|took)"
    r"(?: of| is| was| by)?\s{0,2}[:=]?\s{0,2}\Z"
)
AMOUNT_BEHIND = re.compile(
    r"(?i)\s?(?:ms|milliseconds|seconds|bytes|[kmg]b|rows|records|calls|credits|requests|characters|tasks)\b"
)
# A value of data that is a time or a plain number as a whole; Zoho's ids are such numbers.
TIME_OR_NUMBER = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+\-]\d\d:?\d\d)?)?"
    r"|\d{1,2}[./\-]\d{1,2}[./\-]\d{4}|[+\-]?\d+(?:\.\d{1,6})?(?: \d{14,25}){0,20}"
)
# A number that only text holds exactly (monitor.exact_numbers): an exponent, or more digits than a telephone has.
EXACT_NUMBER = re.compile(r"(?<!\d)(?:-?\d++(?:\.\d++)?[eE][+-]?\d++|(?=[\d.-]{18})-?\d++\.\d++)")
# --- logs: code that a traceback quotes
SOURCE_LINE = re.compile(r"(?m)^([ \t]{4}[^\n]*)$")
# A name that is given what a call, an item or an attribute holds; what is called or read is no secret.
CODE = re.compile(r"(?<![\w.\-])([A-Za-z_]\w{0,63} ?= ?(?:[A-Za-z_.]{1,100}[(\[]|self\.[A-Za-z_]{1,64}\b|None\b))")

# --- what a text must have for anything in it to be private, and for any number in it to be
SUSPECT = re.compile(
    r"[\d@=:/\\&%\uff20\ufe6b]"
    r"|(?i:bearer|basic|token|secret|zapikey|authorization|whsec_|eyJ|AKIA|BEGIN|(?:[spr]k|xox[abpr]|gh[pousr])[_\-])"
)
DIGIT = re.compile(r"\d")


@lru_cache(4096)
def is_secret_key(key: str) -> bool:
    """Says whether what stands under this key is a secret whatever it looks like."""
    plain = "".join(char for char in key.lower() if char.isalnum())
    return plain in _SECRET_KEYS or plain.endswith(_SECRET_ENDINGS)


@lru_cache(4096)
def is_private_key(key: str, *, definition: bool = False) -> bool:
    """Says whether the value under this key is hidden whatever it looks like.

    Args:
        key: as Zoho or an app spells it.
        definition: it stands in a definition, where `name` is a rule's or an action's.
    """
    if is_secret_key(key):
        return True
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


def is_random(run: str) -> bool:
    """Says whether a long run of letters and digits is random: a name in words or a number alone is no token."""
    digits, letters = sum(char.isdecimal() for char in run), sum(char.isalpha() for char in run)
    is_mixed = _HEX.fullmatch(run) is not None or run not in (run.lower(), run.upper())
    return digits >= 4 and letters >= 4 and is_mixed


def is_words(run: str) -> bool:
    """Says whether a run joined by `_` and `-` is made of words and numbers, as codes of errors are."""
    return all(_WORD_OR_NUMBER.fullmatch(piece) for piece in re.split("[_-]", run)) and not is_random(run)


def is_amount(number: str, before: str, behind: str) -> bool:
    """Says whether a long number is no private one: a date or a decimal, or a bare one that words call an amount.

    Args:
        number: the run of digits and of what stands between them.
        before: what stands before it, at least 24 characters where there are as many.
        behind: what stands behind it, likewise.
    """
    if DATE.fullmatch(number) or AMOUNT.fullmatch(number):
        return True
    is_named = AMOUNT_BEFORE.search(before) is not None or AMOUNT_BEHIND.match(behind) is not None
    return number.isdecimal() and len(number) <= 12 and is_named


def is_card(digits: str) -> bool:
    """Says whether 13 to 19 digits begin like a payment card (ISO/IEC 7812) and pass the Luhn check."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    total = 0
    for position, char in enumerate(reversed(digits)):
        number = int(char) * (2 if position % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def is_phone(run: str, digits: int) -> bool:
    """Says whether 7 to 15 digits (ITU-T E.164) are written like a telephone number; 9 to 13 where they stand bare.

    Zoho's own ids have 15 digits and more and are written bare.
    """
    if run.startswith(("+", "00", "(")):
        return digits <= 17
    if run.isdecimal():
        return 9 <= digits <= 13
    return digits <= 15
