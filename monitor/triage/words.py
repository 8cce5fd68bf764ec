"""Lists words with a meaning of their own in messages: what errors consist of, and names that hold a digit. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

# A value of the trigger data that consists of these is left where it stands: it says what went wrong.
_SMALL = (
    "a an and are as at be been but by can cannot could did do does for from had has have if in into is it its"
    " may more must no not of off on only or out please should so than that the their then there these they this"
    " to too try up was were when which while will with without would yes you your again already after before"
    " between both each every"
)
_OF_ERRORS = (
    "abort aborted absent accept accepted access account accounts action active add added address allowed answer"
    " api app application approval approve approved archived argument authentication authorization authorized bad"
    " bill blocked body busy call campaign campaigns cancel canceled cancelled case cases change changed check"
    " client closed code column company completed config configuration conflict connect connected connection"
    " contact contacts content convert corrupt create created credit credits customer customers data database date"
    " deal deals declined default delete deleted denied department description details detected different disabled"
    " domain down draft duplicate edit email empty enabled end ended entry error errors event events exceeded"
    " exception execution exist exists expected expired external fail failed failure false fatal fetch field"
    " fields file files find finished first flow forbidden form format found function gateway get group host http"
    " https id inactive incorrect insert insufficient internal invalid invoice invoices item items json key large"
    " last lead leads length level limit limits line list load locked login long lost mail mandatory many mapping"
    " match max maximum memory message method min minimum missing mode module name network new none null number"
    " object offline ok old online open operation order orders overdue owner page paid parameter parse password"
    " path payment pending permission phone post posted process processing product products project put query"
    " queue quota quote range rate read reason record records refused rejected remote request required reset"
    " resource response result retry revoked role row rows rule run running save saved scope script search send"
    " sent server service session short size space stage standard start started state status stop stopped storage"
    " string subject submitted subscription success successful support system table tag task tasks tax template"
    " temporary test text ticket tickets time timeout title token tokens total transaction trigger true type"
    " unauthorized unavailable undefined unique unknown unsupported update updated upload url user users valid"
    " validation value values vendor vendors version void waiting warning webhook workflow wrong write xml zip"
    " zoho"
)
_SAID = frozenset(_SMALL.split()) | frozenset(_OF_ERRORS.split())
_WORD = re.compile(r"[^\W_]+")

# Names that hold a digit and mean what they say; a number in one is no parameter.
_NAMES = re.compile(
    r"""
      utf-?(?:7|8|16|32)(?:-?(?:le|be|sig|mb\d))? | ucs-?[24] | iso[-_]?8859-\d{1,2} | iso[-_]?(?:8601|4217|3166|20022)
    | (?:windows|cp|ibm|mac)-?(?:125\d|437|850|932|936|1252) | latin-?\d | koi8-[ru] | big5 | gb2312 | gb18030
    | sha-?[0123](?:-?\d{3})? | sha\d{3} | md[45] | crc32c? | blake2[bs]? | [rhep]s(?:256|384|512) | 3?des3?
    | aes-?\d{3}(?:-\w{3})? | ed25519 | x25519 | x\.?509(?:v3)? | pkcs-?\d{1,2} | p12 | rc4
    | o?auth-?[12](?:\.0)? | openid2 | 2fa | 2-step | 2-factor | saml2?(?:\.0)? | http/?[123](?:\.[01])? | h2c? | h3
    | tls[ v]?1(?:\.[0-3])? | ssl-?v?[23] | ip-?v?[46] | socks[45] | smb[23] | nfsv[34] | ssh-?2
    | base-?(?:16|32|58|64)(?:url)? | i18n | l10n | k8s | a11y | p2p | b2[bc] | w3c | [45]xx | rfc-?\d{3,4}
    | e\.164
    | s3 | ec2 | r2 | o365 | office365 | d365 | web[23] | log4j | neo4j | db2 | mp[34] | h26[45] | 7-?zip
    | bzip2 | lz4 | x86(?:[-_]64)? | arm64 | amd64 | win32 | u?int(?:8|16|32|64) | float(?:16|32|64) | v[1-9]\d?
    | python[23] | es[56]
    """,
    re.VERBOSE,
)

# What HTTP calls its statuses, as it stands behind the number.
REASON = re.compile(
    r"""(?ix)\s?[:\-–—]?\s?
    (?: bad\s(?:request|gateway) | un-?authori[sz]ed | payment\srequired | forbidden | (?:page\s)?not\sfound
      | method\snot | not\sacceptable | proxy\sauth | request\s(?:time|entity|uri|header|too) | conflict | gone\b
      | length\srequired | precondition | payload | uri\stoo | unsupported\smedia | range\snot | expectation
      | i'm\sa | misdirected | unprocessable | locked\b | failed\sdep | too\s(?:early|many) | upgrade | unavailable
      | (?:internal\s)?server\serror | not\simplemented | service\s | gateway\stime | http\sversion | insufficient
      | loop\sdet | network\sauth | client\serror | web\sserver | origin\s | connection\stimed | ssl\shandshake )
    """
)


@lru_cache(4096)
def is_said_of_errors(text: str) -> bool:
    """Says whether every word of a text is one that errors consist of."""
    words = _WORD.findall(text.casefold())
    return bool(words) and all(word in _SAID or word.isdecimal() for word in words)


@lru_cache(4096)
def is_name(token: str) -> bool:
    """Says whether a word with a digit is a name, such as `utf-8`, `sha256` or `oauth2`."""
    return _NAMES.fullmatch(token.casefold()) is not None
