"""Takes every word that holds a digit for a parameter, but for numbers that are the cause. Pure.

Stays: the status of HTTP and of SMTP, an error code at a known place, names such as `utf-8`. What is left is the cheap
form of a text: nearly all messages of one cause have the same, so that all that follows is remembered by it.
"""

from __future__ import annotations

import re

from monitor.triage.marks import PLACE, keep
from monitor.triage.words import REASON, is_name

# Scripts whose words stand side by side: a number between them would take whole sentences with it.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3001-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff0f\uff1a-\uff20"
_ENDS = rf"\s,;()\[\]{{}}<>\"'`=|#“”„«»‘’–—→•·:{_UNSPACED}"
_TAIL = rf"[^{_ENDS}.!?…\\]"
# Possessive, from a word's beginning only: each character is looked at once, however long a word is. A row of dots
# ends a word, as in "parity error.......0".
_TOKEN = re.compile(
    rf"""(?x)
    (?<![^{_ENDS}.])(?<![^.]\.)
    (?: [a-fA-F]{{2}}:(?=[0-9a-fA-F]{{2}}:) )?
    [^{_ENDS}\d.]*+ (?: \.(?!\.) [^{_ENDS}\d.]*+ )*+
    \d {_TAIL}*+
    (?:
      (?: [.!?](?={_TAIL}) | \\(?!") | ,(?=\d)
        | :(?= :?[a-fA-F]{{0,3}}\d | [0-9a-fA-F]{{2}}: | (?<=:[0-9a-fA-F]{{2}}:)[0-9a-fA-F]{{2}}(?![^\W_]) ) )
      {_TAIL}*+
    )*+
    """
)
_LONGEST_KEPT, _LONGEST_CODE, _LONGEST_NAME_OF_DIGITS = 24, 12, 9
_DIGITS_OF_STATUS = 3
_BEFORE, _NEAR = 40, 16  # characters that tell what a number is

_STATUSES = frozenset(
    map(str, (*range(400, 419), *range(420, 432), 440, 444, *range(449, 452), *range(460, 465), *range(494, 500)))
) | frozenset(map(str, (*range(500, 512), *range(520, 531), 540, 561, 598, 599)))
_STATUS_BEFORE = re.compile(
    r"""(?ix)
    (?: \bhttps?(?:/[\d.]+)?(?:[ _-]?(?:status|error|response|client|server))*(?:[ _-]?code)?
      | status(?:[ _-]?(?:code|is|of))* | (?:response|error|err|server|client)(?:[ _-]?code)? | \bcode )
    (?: \s(?:is|was|of|with) )?  ["'\])]? \s{0,2} [:=(\[\#-]{0,2} \s{0,2} ["'(\[]? \Z
    | \b(?:returned|answered|responded|replied|got|received|gave|failed|rejected)
      (?:\s(?:with|by|a|an|us))*(?:\s(?:http|status|code))*\s\(?\Z
    | \b(?:found|gateway|unavailable|timeout|unauthorized|forbidden|request|error|failed|denied|conflict|entity|requests
      |limit|exceeded)\s?[(\[]\Z
    """
)
_ACCESS_LOG = re.compile(r"""HTTP/[\d.]+["']\s(?:status:\s?)?\Z""")
_ALONE = re.compile(r"\s*(?:\Z|[:\-–—]\s)")
_SMTP = re.compile(r"[245]\d\d(?:-[245]\.\d{1,3}\.\d{1,3})?")
_ENHANCED = re.compile(r"#?[245]\.\d{1,3}\.\d{1,3}")
_ENHANCED_AFTER = re.compile(r"[ -]\(?#?[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_SMTP_NAMED = re.compile(r"(?i)\bsmtp[^\d]{0,16}\Z")
_SMTP_BEFORE = re.compile(r"(?i)(?:(?<!\d)[245]\d\d[ -]\(?|\bsmtp[^\d]{0,16}|\(#?|\b(?:dsn|said)[:=]\s?)\Z")

# Words before "code" that make it a thing's number, not an error's.
_OTHER_CODES = (
    "zip|post|postal|country|area|currency|product|item|promo|promotion|coupon|discount|voucher|verification|security"
    "|access|sales|tax|hsn|sac|bar|qr|color|colour|dial|dialing|state|sort|swift|branch|bank|bin|airport|department|dept"
    "|account|customer|vendor|project|cost|class|language|locale|region|invite|invitation|auth|otp|referral|tracking|plan"
    "|subscription|sku|site|store|location|gl|pin|gift|booking|your|the|source|machine|byte|message"
)
_ERROR_CODES = r"(?<!error)(?<!status)(?<!response)(?<!exit)(?<!return)"
_OTHER_CODE = re.compile(rf"(?i)(?:\b(?:{_OTHER_CODES})[ _-]?|[a-z]{_ERROR_CODES})code\W*\Z")
_CODE_BEFORE = re.compile(
    r"""(?ix)
    (?: code | \bexit\sstatus | \berr(?:or)?no
      | (?:err(?:or)?|exception|message|msg|fault|sql)[ _-]?(?:no\.?|nr\.?|num|number|id) )
    (?: \s(?:is|was|of) )? ["'\])]? \s{0,2} [:=(\[\#]{0,2} \s{0,2} ["'(\[]? -? \Z
    | \[errno\s\Z | \bsql(?:state|code)\W{0,4}\Z | \berror\s\d{3,5}\s\(\Z | \bhresult\W{0,4}\Z
    """
)
_ERROR_BEFORE = re.compile(r"(?i)(?<![a-z])(?:error|err)\s?[#(\[]?\Z")
_CODE = re.compile(r"-?\d{1,6}(?:[-.]\d{1,4})?|0x[0-9A-Fa-f]{1,8}|[0-9A-Z]{5}")
_PLAIN = re.compile(r"-?\d{1,6}")
_COUNTS = re.compile(r"\s(?:times|records?|rows?|items?|of\b|messages?|errors?)")
_GLUED_SIZE = re.compile(r"\d[\d.,]*(?:[KMGTPkmgtp]i?[Bb]|B)")
_DIGITS = "0123456789"
_NUMBERED = re.compile(r"[A-Za-z_]{1,20}[0-9]{1,3}")  # `r07=...`
_PREFIXED = re.compile(
    r"(?:ORA|TNS|PLS|DPY|DPI|SP2|IMP|EXP|RMAN|SQL|AADSTS|PGRST|MSB|ERR|ERROR|Error|Err|WSREP|JDBC|AH|EID)[-_]?"
    r"\d{3,6}[A-Z]?"
)


def cheap_form(text: str) -> str:
    """Puts a parameter's sign for each word with a digit, and marks the digits of numbers that stay.

    Args:
        text: clean text (`monitor.triage.clean`).
    """
    return _TOKEN.sub(_read, text)


def _read(found: re.Match[str]) -> str:
    token = found[0]
    length = len(token)
    if length > _LONGEST_KEPT:
        return PLACE
    first = token[0]
    if first.isalpha() or (length <= _LONGEST_NAME_OF_DIGITS and not token.isdecimal()):
        if is_name(token) or (not token[-1].isalnum() and is_name(token.rstrip("-+/&*%"))):
            return keep(token)
        if first.isalpha():
            return _named(found, token)
    if token[-1] in "Bb" and _GLUED_SIZE.fullmatch(token):
        return f"{PLACE} bytes"
    return (
        keep(token) if length <= _LONGEST_CODE and _is_cause(found.string, found.start(), found.end(), token) else PLACE
    )


def _named(found: re.Match[str], token: str) -> str:
    """Reads a word that begins with a letter: an error's code, a function, a numbered key, or a parameter."""
    text, end = found.string, found.end()
    if _PREFIXED.fullmatch(token) or _is_state(found, token) or text.startswith("()", end):
        return keep(token)
    return f"{token.rstrip(_DIGITS)}{PLACE}" if text.startswith("=", end) and _NUMBERED.fullmatch(token) else PLACE


def _is_cause(text: str, start: int, end: int, token: str) -> bool:
    """Says whether a number is a status or an error's code, by what stands around it."""
    if token[0] in "245#" and (len(token) == _DIGITS_OF_STATUS or "." in token) and _is_status(text, start, end, token):
        return True
    # Nearly all numbers have none of these before them: they are not worth a pattern.
    near = text[max(0, start - _NEAR) : start].lower()
    if not ("code" in near or "rr" in near or "sql" in near or "hresult" in near or "exit" in near):
        return False
    before = text[max(0, start - _BEFORE) : start]
    if _CODE.fullmatch(token) and _CODE_BEFORE.search(before):
        return _OTHER_CODE.search(before) is None
    return bool(_PLAIN.fullmatch(token) and _ERROR_BEFORE.search(before) and not _COUNTS.match(text, end))


def _is_status(text: str, start: int, end: int, token: str) -> bool:
    """Says whether a number is the status of an answer by HTTP or SMTP."""
    before = text[max(0, start - _BEFORE) : start]
    if _ENHANCED.fullmatch(token):
        return _SMTP_BEFORE.search(before) is not None
    if _SMTP.fullmatch(token) and (_ENHANCED_AFTER.match(text, end) or _SMTP_NAMED.search(before) or "-" in token):
        return True
    if token not in _STATUSES:
        return False
    if _STATUS_BEFORE.search(before):
        return not (_ACCESS_LOG.search(before) or _OTHER_CODE.search(before) or _COUNTS.match(text, end))
    is_first = not before.strip("\"'([ ")
    return REASON.match(text, end) is not None or (is_first and _ALONE.match(text, end) is not None)


def _is_state(found: re.Match[str], token: str) -> bool:
    """Says whether a word of five letters and digits is an SQLSTATE, such as `42P01` or `HY000`."""
    return len(token) == 5 and "sqlstate" in found.string[max(0, found.start() - _NEAR) : found.start()].lower()
