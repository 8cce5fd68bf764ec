"""Takes URLs, e-mail addresses, paths, files and hosts out of a text in cheap form. Pure."""

from __future__ import annotations

import re

from monitor.triage.marks import PLACE as _P

_TOP = (
    "com|net|org|edu|gov|mil|biz|io|eu|de|uk|au|jp|cn|ca|fr|hk|tw|kr|sg|ch|nl|ru|pl|br|es|pt|se|dk|fi|ie|nz|za|ae|mx|tr|il"
    "|vn|localdomain"
)
# Words that names of fields end with, too, such as "order.id" and "trigger.order.no": hosts only behind such a label,
# or where at least two dots stand before them.
_SECOND = "co|com|net|org|gov|edu|ac|or|ne"
_TOP_WORDS = "in|id|no|it|is|me|my|at|be|us|th|ar|sa|ph|co"
_TOP_PRIVATE = "local|lan|internal|intra|corp|cloud|app|dev|ai|tv|example|test|shop|online"
_SCHEMES = f"https?|ftps?|sftp|wss?|hdfs|s{_P}|jdbc|spark|file|tcp|udp|amqp|redis|mongodb|postgres(?:ql)?|mysql"
_IN_URL = r"[^\s\"'<>()\[\]{}]*"
_URL = re.compile(rf"(?<![A-Za-z])[A-Za-z][A-Za-z+\d]{{1,15}}://{_IN_URL}|(?<![\w.])www\.[^\s\"'<>()]+")
# The part behind "://" held a digit and is a sign by now.
_URL_CUT = re.compile(rf"\b(?:{_SCHEMES}):{_P}{_IN_URL}")
# Groups of an address of version 6 that hold no digit are left of it.
_V6 = re.compile(rf"(?<![\w.:])(?=[^\s]{{0,45}}{_P})(?:[0-9a-fA-F{_P}]{{0,4}}:){{2,8}}[0-9a-fA-F{_P}]{{0,4}}(?![\w:.])")
_MAIL = re.compile(r"<?(?<![\w.+'-])[\w.+-][\w.+'-]{0,80}@[\w-]{1,80}(?:\.[\w-]{1,80})*>?")
_NOT_IN_PATH = r"\s\"'<>()\[\]{},;=|"
_PATH = re.compile(
    rf"(?<![\w/<.)\]{_P}])(?:[A-Za-z]:(?=[/\\]\w))?(?:~|\.\.?)?[/\\](?=[\w.~$%{_P}/\\])"
    rf"(?:[^{_NOT_IN_PATH}:.!?]|[.:](?=[^{_NOT_IN_PATH}:.]))*+"
)
_RELATIVE = re.compile(r"(?<![\w/.-])[\w-]++(?:\.[\w-]++)*+(?:/[\w.-]{1,80}){1,20}\.\w{1,5}\b")
_FILE = re.compile(
    rf"(?<![\w/.{_P}-])[\w{_P}-]{{1,80}}(?:\.[\w{_P}-]{{1,80}}){{0,4}}?\.(?:pdf|csv|tsv|xlsx?|docx?|pptx?|png|jpe?g|gif|svg|txt|zip"
    r"|json|xml|ya?ml|html?|log|tar|gz|bak|tmp|jar|msg|eml|ics)\b"
)
# Names of classes are written the other way round and stay.
_NO_HOST = "com|org|net|java|javax|io|edu|gov|sun|akka|scala|android|kotlin"
_LABEL = r"[\w-]{1,63}\."
_HOST = re.compile(
    rf"(?<![\w.@/$-])(?:\*\.)?(?!(?:{_NO_HOST})\.)"
    rf"(?:(?:{_LABEL}){{1,8}}(?:{_TOP})|(?:{_LABEL}){{1,7}}(?:{_SECOND})\.(?:{_TOP_WORDS})|(?:{_LABEL}){{2,8}}(?:{_TOP_PRIVATE}))"
    rf"\b(?![\w.(-]*[A-Za-z(])(?::{_P})?"
)
# A name with two dots beside an address or before a port is that computer's, whatever it ends with.
_COMPUTER = rf"(?!(?:{_NO_HOST})\.)[a-z\d-]{{1,63}}(?:\.[a-z\d-]{{1,63}}){{1,8}}\.[a-z]{{2,12}}"
_SOURCES = ("java", "py", "js", "scala", "go", "cs", "rb", "php", "kt", "ts", "cc", "cpp")
_NO_SOURCE = "".join(rf"(?<!\.{ending})" for ending in _SOURCES)
_HOST_AND_PORT = re.compile(rf"(?<![\w.@/$-]){_COMPUTER}{_NO_SOURCE}:{_P}")
_HOST_AND_ADDRESS = re.compile(rf"(?<![\w.@/$-]){_COMPUTER}(?=\s?\[{_P}\]|\s\({_P}\))")
_ADDRESS_AND_HOST = re.compile(rf"({_P}\s?\(){_COMPUTER}(?=\))")


def without_addresses(text: str) -> str:
    """Puts a parameter's sign for each address, path, file and host.

    Args:
        text: in cheap form; what holds a digit is a sign by now.
    """
    if ":" in text or "www." in text:
        text = _V6.sub(_P, _URL_CUT.sub(_P, _URL.sub(_P, text)))
    if "@" in text:
        text = _MAIL.sub(_P, text)
    if "/" in text or "\\" in text:
        text = _RELATIVE.sub(_P, _PATH.sub(_P, text))
    if "." in text:
        text = _ADDRESS_AND_HOST.sub(rf"\1{_P}", _HOST_AND_ADDRESS.sub(_P, text))
        text = _HOST_AND_PORT.sub(_P, _HOST.sub(_P, _FILE.sub(_P, text)))
    return text
