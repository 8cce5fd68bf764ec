"""Lists what counts as private: the names of keys, and the patterns of secrets and of personal data. Pure.

`monitor.privacy` applies them; nobody else does. Patterns are linear in the length of the text: what Zoho sends is not
to be trusted with our CPU either.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Raise it with every change of what is masked: texts that were masked for searching are then masked anew.
VERSION = 9

# Letters that no normal form takes apart.
_PLAIN_LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE"}
    | {"đ": "d", "Đ": "D", "ı": "i"}
)


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.translate(_PLAIN_LETTERS))
    return "".join(char for char in letters if not unicodedata.combining(char))


def _words(text: str) -> frozenset[str]:
    return frozenset(_bare(text).split())


# --- keys of secrets: endings once everything but letters and digits is gone (`X-Api-Key`, `client_secret`)
_SECRET_ENDINGS = (
    "password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "authkey", "zapikey", "authorization",
    "passwort", "kennwort", "contrasena", "senha", "wachtwoord", "motdepasse", "passcode", "haslo", "losenord",
    "credential", "credentials", "cookie", "privatekey", "accesskey", "secretkey", "signature", "sessionid", "bearer",
)  # fmt: skip
_SECRET_KEYS = frozenset({"auth", "pin", "otp", "sig", "secrets", "passwords", "tokens", "apikeys", "session", "jwt"})
_SECRET_LAST_WORDS = frozenset({"pass", "pw"})  # `smtp_pass`, `userPw`; not `bypass`
# Wherever they stand in a key, as not every script parts words.
_FOREIGN_SECRETS = _words(
    "пароль пароля токен 密码 密碼 口令 令牌 密钥 密鑰 パスワード 暗証番号 トークン 비밀번호 암호 토큰"
)
# `{"name": "X-Api-Key", "value": "..."}`: how lists of headers and parameters are often written.
NAMES_OF_PAIRS = ("name", "key", "header", "param", "api_name", "label", "field", "question")
VALUES_OF_PAIRS = ("value", "values", "val", "answer")

# --- keys of personal data
_PRIVATE = (
    "email mail mails emails mailto phone phones mobile cell fax tel telephone msisdn whatsapp "
    "name names firstname lastname surname fullname username nickname forename salutation contactname "
    "address addresses street city zip zipcode postcode postal latitude longitude lat lng geo ip ipaddress "
    "birth birthday birthdate dob age gender sex nationality religion passport ssn taxid vat national "
    "card cardnumber pan cvv cvc iban bic swift account accountnumber bank routing salary "
    "token tokens secret secrets password passwd pwd passphrase pin otp apikey zapikey credential credentials "
    "authorization auth cookie session signature privatekey clientsecret accesstoken refreshtoken authtoken "
    "recipient recipients owner fname lname familyname givenname coordinates coords latlng latlong geolocation "
    "telefon telefono correo nombre nom prenom vorname nachname anschrift adresse strasse plz ort geburtstag "
    "apellido apellidos cognome nome sobrenome achternaam voornaam naam imie nazwisko familienname efternamn fornavn "
    "etternavn straße wohnort hausnummer indirizzo endereco direccion calle ville rue telefone telefoon cellulare "
    "celular rufnummer telefonnummer handynummer mobilnummer kundenname kontaktname benutzername nutzername "
    "empfangername empfaengername absendername ansprechpartnername hausnr passwort kennwort contrasena senha wachtwoord"
)
# They are looked for within a key too: scripts without spaces have no words to see, and others write them together.
_FOREIGN_WORDS = _words(
    "имя імя фамилия фамилии отчество прізвище фио телефон мобильный почта почты пошта адрес улица рождения паспорт "
    "姓名 名字 氏名 名前 お名 顧客名 客户名 客戶名 担当者名 用户名 用戶名 使用者名 电话 電話 手机 手機 携帯 传真 傳真 "
    "微信 地址 住址 住所 街道 城市 邮编 郵便番号 邮箱 郵箱 邮件 郵件 メール メアド アドレス 生日 誕生日 出生 生年月日 "
    "年龄 年齡 年齢 性别 性別 国籍 國籍 护照 護照 身份证 身份證 银行 銀行 口座 "
    "이름 성명 성함 고객명 전화 휴대폰 주소 메일 생년월일 생일 여권 계좌"
)
# `flow_name` or `Account_Type` say nothing of a person; `name` alone may.
_HARMLESS = (
    "flowname modulename fieldname appname eventname stagename statusname filename apiname hostname "
    "connectionname triggername actionname workflowname rulename layoutname pipelinename campaignname productname "
    "accounttype mailtype phonetype emailoptout authtype addresstype tokentype expiresin "
    "имяфайла имяпотока имяполя имямодуля имясобытия"
)
# Endings of keys written without separators: useremail, customerphone, billingaddress.
_PRIVATE_ENDINGS = (
    "email", "phone", "mobile", "firstname", "lastname", "fullname", "username", "surname", "address", "street",
    "iban", "password", "secret", "token", "apikey", "zapikey", "birthday", "birthdate", "cardnumber",
    "strasse", "adresse", "anschrift", "telefon", "telefonnummer", "handynummer", "mobilnummer", "vorname", "nachname",
    "kundenname", "kontaktname", "geburtstag", "hausnummer", "telefono", "telefone", "direccion", "endereco",
    "indirizzo", "apellido", "apellidos", "sobrenome", "achternaam", "voornaam", "nazwisko", "efternamn", "fornavn",
    "etternavn",
)  # fmt: skip
# Keys under which a name stands by itself, or an object of which each key says what it holds.
_PERSONS = (
    "who whom person persons people contact contacts customer customers client clients user users member members "
    "manager lead assignee assignees sender author authors attendee attendees participant participants invitee "
    "invitees employee employees patient patients signatory signer signers guest guests buyer payer payee beneficiary "
    "subscriber applicant candidate student teacher visitor organizer organiser approver reviewer reporter requester "
    "requestor to cc bcc from replyto assignedto billto shipto soldto deliverto login nick skype twitter "
    "salesrep doctor spouse mother father responsible "
    "kunde kundin kontakt ansprechpartner cliente contacto contatto contato"
)
# They may also end a key, as in "新客户".
_FOREIGN_PERSONS = tuple(
    _words(
        "клиент получатель отправитель сотрудник 客户 客戶 联系人 聯絡人 收件人 收货人 收貨人 顧客 お客様 担当者 "
        "고객 담당자"
    )
)
# What such a key may end with: `primary_contact`, `approved_by`.
_LAST_WORDS = (
    "contact contacts customer customers person people assignee assignees sender author authors attendee attendees by "
    "participant participants employee employees patient patients signatory signer applicant candidate"
)
_NO_PERSONS = "sortby orderby groupby filterby standby poweredby sortedby orderedby groupedby"
_PEOPLE = "modifiedby createdby owner user users recipients recipient to cc bcc from replyto"
# Where a full name would stand for no person: `Deal_Stage`, `trigger_type`.
_KINDS = (
    "status stage type kind source module event operation action state priority category rating industry currency "
    "country region plan product products tag tags picklist label title subject step trigger flow workflow rule app "
    "connection timezone language locale reason message error description"
)
# What tells what went wrong is no name, also where somebody typed it into the field of one.
_PLAIN = (
    "not no none null unknown invalid timeout error errors missing required disabled failed failure denied true false "
    "test the and for with from has was are but found empty already exists duplicate wrong limit value values field "
    "fields record records contact contacts lead leads account accounts deal deals task tasks call calls event events "
    "case cases product products quote quotes order orders invoice invoices vendor vendors campaign campaigns user "
    "users owner email mail phone name names address city street zip admin administrator system zoho flow crm flows "
    "company customer client created updated deleted update create delete new old request response server data payload "
    "api key token secret password van von der den del bin dos mrs herr frau"
)
_PRIVATE_WORDS, _HARMLESS_KEYS, _PEOPLE_KEYS, _PERSON_KEYS, _PERSON_ENDINGS, _NO_PERSON_KEYS = (
    _words(words) for words in (_PRIVATE, _HARMLESS, _PEOPLE, _PERSONS, _LAST_WORDS, _NO_PERSONS)
)
_KIND_WORDS, PLAIN_WORDS = (frozenset(words.split()) for words in (_KINDS, _PLAIN))
# Of the scripts that have capital letters: Latin, Greek and Cyrillic, as `_bare` leaves them.
_UPPER, _LOWER = "A-Z\u0391-\u03a9\u0400-\u042f\u0490", "a-z\u03b1-\u03c9\u0430-\u045f\u0491"
_WORDS = re.compile(rf"[{_UPPER}]+(?![{_LOWER}])|[{_UPPER}]?[{_LOWER}]+|(?:(?![{_UPPER}{_LOWER}])[^\W\d_])+")
_DIGITS = "0123456789"
# How many tests or seasons "pass", with what follows such a count; a password as short as that is none.
_SHORT_COUNT = re.compile(r"\d{1,3}")
COUNT_OF_PASSES = re.compile(
    r"\\?[\"']?\d{1,3}\\?[\"']?(?=[,;)&|%}\]\n，；。]|\.(?:\s|\Z)|\s{0,3}(?:\Z|of \d|\w{1,40}\s{0,2}[=:：]))"
)

_DOTTED = re.compile(r"v?\d{1,8}(?:\.\d{1,8}){1,5}")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[ \u00a0\u202f]\d{3}){1,4}")

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
    r"(?i)(?P<before>\b(?:zoho-oauthtoken|bearer|basic(?=\s+(?:(?-i:[^\s\"',;&]*[A-Z\d=+/])|[^\s\"',;&]{16})))\s+(?!(?:token|auth|authentication|authorization|information)\b)"
    rf"|{_SIGN_IN_NAMES}\"?(?:\s*[=:]\s*\"?|\s+\"?(?=[^\s\"',;&]*\d|[^\s\"',;&]{{16}})))(?P<secret>[^\s\"',;&]+)"
)
# "the password is hunter2", "api key: abc", "PIN 1234"; what people say of secrets beside it is no secret.
_SECRETS_IN_WORDS = (
    r"pass(?:word|code|phrase|wd)|pwd|pw|pin(?:[ -]?code)?|otp|(?:secret|access|private|api|auth)[ -]?(?:key|token)"
    r"|(?:one[ -]time|verification|security|secret|access|your) code|(?:client )?secret|token"
    r"|passwort|kennwort|contraseña|senha|wachtwoord|mot de passe|пароль|токен"
)
# Of scripts that part no words, and what says "is" there; a password is seldom written in them, what is said of it is.
_JOINED_SECRETS = "密码|密碼|口令|令牌|密钥|密鑰|パスワード|暗証番号|トークン|비밀번호|암호|토큰"
_JOINED_IS = "[是为為はが는은가이]"
_QUOTE, _UNQUOTE = "[\"'„“«‘「『]", "[\"'”“»’」』]"
SAID_SECRET = re.compile(
    rf"(?i)(?P<before>\b(?:{_SECRETS_IN_WORDS})(?P<says>\s{{0,2}}[:=：]\s{{0,2}}"
    r"|(?:\s(?:for|of)\s\S{1,60})?\s{1,2}(?:(?:is|was|ist|war|lautet|es|est|set to|changed to)\b\s{0,2}[:=]?\s{0,2})?)"
    rf"|(?:{_JOINED_SECRETS})\d?+(?P<joined>(?>\s{{0,2}}{_JOINED_IS}?\s{{0,2}}[:=：]?\s{{0,2}}))(?=[!-~“「『]))"
    rf"(?P<value>(?P<quote>{_QUOTE})[^\"'”“»’」』\n]{{1,200}}{_UNQUOTE}?"
    r"|(?!\[(?:hidden|secret|phone|card|number)\])[^\s,;\"'<>&，；。]{1,200})"
)
_SAID = (
    r"(?:in|un|not|non)[a-z]{0,20}|[a-z]{1,20}(?:ed|ing|able|ible)|wrong|missing|empty|too|no|weak|short|long|bad|null|none|blank"
    r"|nil|a|an|the|also|now|still|already|only|been|correct|valid|ok|okay|mandatory|optional|different|on|at|for|to|of|by|from"
    r"|as|needed|out|up|due|about|never|always|same|longer|shorter|older|new|old|ready|hidden|secret|stale|active|set|sent|safe"
    r"|lost|your|their|his|her|its|my|our|this|that|which|what|one|more|less|both|either|and|or|but|does|did|do|has|have|had|is"
    r"|was|were|are|be|will|would|can|could|may|must|should|cannot|failed|type|field|value|name|length|policy|reset|error|auth"
    r"|with|when|where|while|because|if|then|than|so|falsch|leer|ungültig|abgelaufen|nicht|zu|kein|keine|true|false|yes|manager"
    r"|header|endpoint|request|response|scope|scopes|exchange|store|refresh|grant|key|keys|rotation|here|there|just|very"
)
SAID_OF_SECRETS = re.compile(rf"(?i)(?:{_SAID})|\W+")
# What a pair says of a secret as a whole: `token: invalid`, `Unexpected token: }`.
SAID_AT_END = re.compile(
    r"(?i)(?:invalid|expired|missing|required|revoked|wrong|incorrect|empty|null|none|denied|unknown|unauthorized|unsupported|[}\])<>])"
    r"(?=[\s.,;)]*\Z)"
)
KEY_LENGTH = 40
SHORT_TOKENS = re.compile(r"1000\.[0-9A-Za-z._\-]{6,}")
USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]{0,30}://)(?P<secret>[^/?#\s@\"'<>]{1,500})@")
# What keys are made of, with the marks of accents and of kana that stand apart from their letters.
_IN_KEYS = r"\w.\-\u0300-\u036f\u3099\u309a"
SECRET_PAIR = re.compile(
    rf"(?<![{_IN_KEYS}])(?P<key>[{_IN_KEYS}]{{1,64}})\\?[\"']?\s{{0,2}}(?:[=:：＝]|%3[dD]|%3[aA])\s{{0,2}}"
)
SECRET_VALUE = re.compile(
    r"(?P<quote>\")(?:[^\"\\\n]|\\.)*|(?P<single>')(?:[^'\\\n]|\\.)*"
    r"|(?P<inner>\\\")(?:[^\"\\\n]|\\\\\\\")*|[^\s&,;\"'<>\\]+"
)
SCHEMES = ("bearer", "basic", "zoho-oauthtoken")
# Whoever knows the last part of a webhook's address can start the flow (docs/reference/zoho-flow.md).
HOOK = re.compile(
    r"(?P<before>/(?:webhooks?|hooks|services)/(?:[\w\-]{1,80}/){0,4})(?P<secret>[\w\-]{6,}|\[secret:[0-9a-f]{16}\])"
)
# In a log whatever stands behind a word with "hook" may be a key, also where the address is none of ours.
HOOK_PATH = re.compile(r"(?i)(?P<before>hook[\w\-]{0,40}(?:/|%2f|\\){1,4})(?P<rest>(?!\S{0,200}\.py\b)[^\s\"'?#<>]+)")
HOOK_PIECE = re.compile(r"(?i)(?:/|%2f|\\)+")
HOOK_WORDS = frozenset(("flow", "crm", "rotate", "retire", "switch", "delete", "unmasked"))
RANDOM_RUN = re.compile(r"[A-Za-z0-9+_=\-]{24,}")
LONGER_RUN = re.compile(r"[A-Za-z0-9+_=\-]{32,}")
MIXED_RUN = re.compile(r"[\w~+\-]{20,}")
# Pieces of a code in words: `ERROR`, `429`, `OAUTH2`, `24h`.
_WORD_OR_NUMBER = re.compile(r"[^\W\d_]*|\d+|(?=\w{2,7}\Z)(?:[^\W\d_]+\d{1,4}|\d{1,2}[^\W\d_]{1,4})")
_HEX = re.compile(r"[0-9a-fA-F\-]+")

# --- personal data in text
PAIR = re.compile(
    rf"(?<![{_IN_KEYS}])(?P<key>[{_IN_KEYS}]++)\\?[\"']?\s{{0,3}}(?P<sign>[=:：＝]|%3[dD]|%3[aA])\s{{0,3}}"
)
# `"name": "X-Api-Key", "value": "..."` within text that is not JSON as a whole.
NAMED_VALUE = re.compile(
    r"(?P<before>\b(?:name|key|header|param)\\?[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?(?P<key>[\w.\-]{1,64})\\?[\"']?\s{0,3}[,;]"
    r"\s{0,3}\\?[\"']?(?:values?|val)\\?[\"']?\s{0,3}[:=]\s{0,3})(?:\\?\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;}&]+)"
)
# A query string's value ends at white space, a sentence's (`name: John Doe, ...`) at the next stop.
QUERY_VALUE = re.compile(r"\"[^\"\n]*\"|[^\s&,;，；。]+")
SENTENCE_VALUE = re.compile(r"\"[^\"\n]*\"|(?:[^,;&|\n.，；。]|\.(?!\s))+")
SENTENCE_SIGNS = ":："
WHOLE_WORD = re.compile(r"\S+")
WHOLE_LINE = re.compile(r"[^\n]+")
QUOTED_LOCAL_PART = re.compile(r'"[^"\n]{1,66}"@')
CHUNK = re.compile(r'[^\s<>,;:"()\[\]]+')
AT_SIGNS = ("@", "%40", "&#64", "&#x40", "\\u0040", "\uff20", "\ufe6b")
URL_PATH = re.compile(r"(?i)\b(https?://[^\s/?#]+)\S*")
# Of a log, an address keeps its path and loses what stands behind "?" or "#"; without one it is left as it is.
URL_QUERY = re.compile(r"(?i)((?:\bhttps?:/|(?<![^\s\"'(=]))/[^\s?#]*)(?P<query>[?#]\S*)?")
# Whatever has the signs of one; `ipaddress` judges. One without any digit is a name in code ("a::b").
_IPV6 = (
    r"(?=[0-9A-Fa-f:.]*\d)(?:[0-9A-Fa-f]{0,4}:){2,8}"
    r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?:%\w{1,32})?"
)
IPV6 = re.compile(rf"\[{_IPV6}\]|(?<![\w:.]){_IPV6}(?![\w:])")
VERSION_BEFORE = re.compile(r"(?i)\b(?:version|release|build)s?\s{0,2}[:=]?\s{0,2}\Z")
GROUPED_CARD = re.compile(r"(?<![A-Za-z0-9_])\d{4}(?:_\d{4}){2}_\d{1,7}(?![A-Za-z0-9_])")
HAS_LETTER = re.compile(r"[^\W\d_]")
# A name behind a key such as `who` in a sentence: words that begin with a capital letter.
_WORD_OF_NAME = r"[^\W\d_a-z][\w'\u2019\-]{0,40}\.?"
_MORE_OF_NAME = rf"(?:[ ](?:(?:van|von|de|der|den|di|da|la|le|bin|al)[ ]){{0,2}}{_WORD_OF_NAME}){{1,3}}"
FULL_NAME = re.compile(rf"[\"']?{_WORD_OF_NAME}{_MORE_OF_NAME}")
# By itself it stands to the end of the value, and is none of the words that tell what went wrong.
_NO_NAMES = "(?i:not|no|none|null|unknown|invalid|timeout|error|missing|required|disabled|failed|denied|true|false)"
NAME_VALUE = re.compile(
    rf"\\?[\"']?(?!{_NO_NAMES}\b)(?:{_WORD_OF_NAME}{_MORE_OF_NAME}|{_WORD_OF_NAME}(?=[\"'\\]|\s*(?:[.,;|)&\n]|\Z)))"
)
IPV4 = re.compile(r"(?<!\d)\d{1,3}(?:\.\d{1,3}){3,}(?!\d)")
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
NUMBER = re.compile(r"(?<![A-Za-z0-9])(?:\+|\(\+?)?\d[\d ().\-/\u00a0\u2007\u2009-\u2013\u202f]*\d")
LONG_NUMBER = re.compile(r"\+?\d(?:[\s().\-–/]{0,2}\d){6,}")
_DAY, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:19|20)\d\d"
DATE = re.compile(rf"(?:{_YEAR}[-./]{_DAY}[-./]{_DAY}|{_DAY}[-./]{_DAY}[-./]{_YEAR})(?: \d{{1,2}})?")
AMOUNT = re.compile(r"(?<!\d)(?:0|[1-9]\d*)\.\d{1,6}")
# What makes a bare number an amount: the words before it or the unit behind it.
AMOUNT_BEFORE = re.compile(
    r"(?i)\b(?:limit|quota|maximum|minimum|max|min|amount|credits|calls|rows|records|runs|executions|tasks|total|sum|size|count|length|budget|exceeds?|exceeded|took)"
    r"(?: of| is| was| by)?\s{0,2}[:=]?\s{0,2}\Z"
)
AMOUNT_BEHIND = re.compile(
    r"(?i)\s?(?:ms|milliseconds|seconds|bytes|[kmg]b|rows|records|calls|credits|requests|characters|tasks|runs|executions|items|entries|times|points)\b"
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
    r"[\d@=:/\\&%：＝\uff20\ufe6b]"
    r"|(?i:bearer|basic|token|secret|zapikey|authorization|whsec_|eyJ|AKIA|BEGIN|(?:[spr]k|xox[abpr]|gh[pousr])[_\-])"
    r"|(?i:pass|pwd|\bpw\b|pin|otp|kennwort|contrase|senha|wachtwoord|mot de|code|key|паро|токен)"
    r"|密|口令|令牌|パス|暗証|トークン|비밀|암호|토큰"
)
DIGIT = re.compile(r"\d")


def _words_of(key: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(_bare(key))]


@lru_cache(4096)
def is_person_key(key: str) -> bool:
    """Says whether a name may stand under this key by itself, as under `contact`, `who` or `created_by`."""
    words = _words_of(key)
    joined = "".join(words)
    if joined in _NO_PERSON_KEYS:
        return False
    is_last = not _PERSON_ENDINGS.isdisjoint(words[-1:]) or joined.endswith(_FOREIGN_PERSONS)
    return joined in _PERSON_KEYS or is_last


@lru_cache(4096)
def is_kind_key(key: str) -> bool:
    """Says whether the value under this key says of what kind something is, or what an automation is called."""
    words = _words_of(key)
    return not _KIND_WORDS.isdisjoint(words[-1:]) or "".join(words) in _HARMLESS_KEYS or words[-2:] == ["flow", "name"]


def is_version(key: str, text: str) -> bool:
    """Says whether this is the version of something, which is written like an address of a computer."""
    return _words_of(key)[-1:] in (["version"], ["release"], ["build"]) and _DOTTED.fullmatch(text) is not None


def is_code(word: str) -> bool:
    """Says whether a word behind "PIN" or "API key" is one: it is no counter, and has a digit."""
    return len(word) >= 4 and any(char.isdecimal() for char in word)


def is_counted(number: str, before: str, behind: str) -> bool:
    """Says whether a number is no person's by the words around it: a count, bare or in thousands, or a version.

    Args:
        number, before, behind: as for `is_amount`.
    """
    is_plain = number.isdecimal() and len(number) <= 12
    if _DOTTED.fullmatch(number) and VERSION_BEFORE.search(before):
        return True
    if not (is_plain or _THOUSANDS.fullmatch(number)):
        return False
    return AMOUNT_BEFORE.search(before) is not None or AMOUNT_BEHIND.match(behind) is not None


@lru_cache(4096)
def is_secret_key(key: str) -> bool:
    """Says whether what stands under this key is a secret whatever it looks like."""
    return _is_named_secret(key) or not _SECRET_LAST_WORDS.isdisjoint(_words_of(key)[-1:])


def _is_named_secret(key: str) -> bool:
    plain = "".join(char for char in _bare(key).lower() if char.isalnum()).rstrip(_DIGITS)
    return plain in _SECRET_KEYS or plain.endswith(_SECRET_ENDINGS) or _holds(plain, _FOREIGN_SECRETS)


def _holds(joined: str, foreign: frozenset[str]) -> bool:
    return not joined.isascii() and any(word in joined for word in foreign)


def is_count_of_passes(key: str, value: object) -> bool:
    """Says whether a number counts what passes, under a key that may be a password's too: `nb_pass: 3`."""
    is_short = isinstance(value, int | str) and _SHORT_COUNT.fullmatch(str(value)) is not None
    return is_short and is_secret_key(key) and not _is_named_secret(key)


@lru_cache(4096)
def is_private_key(key: str, *, definition: bool = False) -> bool:
    """Says whether the value under this key is hidden whatever it looks like.

    Args:
        key: as Zoho or an app spells it.
        definition: it stands in a definition, where `name` is a rule's or an action's.
    """
    if is_secret_key(key):
        return True
    words = _words_of(key)
    joined = "".join(words)
    if definition and (joined in _PEOPLE_KEYS or words[-1:] == ["by"]):
        return True
    if joined in _HARMLESS_KEYS:
        return False
    if definition and words[-1:] in (["name"], ["names"]):
        return False
    if not _PRIVATE_WORDS.isdisjoint(words) or joined in _PRIVATE_WORDS or joined.endswith(_PRIVATE_ENDINGS):
        return True
    return _holds(joined, _FOREIGN_WORDS)


def is_random(run: str) -> bool:
    """Says whether a long run of letters and digits is random: a name in words or a number alone is no token."""
    digits, letters = sum(char.isdecimal() for char in run), sum(char.isalpha() for char in run)
    is_mixed = _HEX.fullmatch(run) is not None or run not in (run.lower(), run.upper())
    if len(run) >= KEY_LENGTH and digits and run not in (run.lower(), run.upper()):
        return True  # 32 random bytes have fewer digits than four one time in ten
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


ID_KEY = re.compile(r"(?:^|_)ids?$")
_LONG_ID = re.compile(r"[1-9]\d{16,18}")
# UnionPay and Maestro do issue cards of 17 to 19 digits, other schemes hardly any.
_LONG_CARDS = ("50", "56", "57", "58", "62", "63", "67")


def is_zoho_id(key: str, value: object) -> bool:
    """Says by key and 17 to 19 bare digits whether a value is an id of Zoho's; one in ten passes the Luhn check."""
    return ID_KEY.search(key) is not None and _LONG_ID.fullmatch(str(value)) is not None


def is_card(digits: str, *, is_bare: bool = False) -> bool:
    """Says whether 13 to 19 digits begin like a payment card (ISO/IEC 7812) and pass the Luhn check.

    Args:
        digits: of the number.
        is_bare: nothing stands between them. So Zoho writes its ids: an organisation's few digits and a counter filled
            up with zeros, together 17 to 19.
    """
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456":
        return False
    if is_bare and len(digits) >= 17 and "00000" in digits and not digits.startswith(_LONG_CARDS):
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
