"""Lines of logs without the people in them.

Addresses of machines keep the part that names a network: of IPv4 the first two numbers, of IPv6 the
first 32 bits, written so that nothing takes them for an address any more. Names of rooms,
identifiers of XMPP (JIDs), nicknames, e-mail addresses, names of users, passwords and tokens become
`***`, all of them the same, so that nothing can be followed from line to line.

Many lines are worked on at once, each by itself, in a time that grows with their length alone:
no pattern looks for its end twice. Doing it again changes nothing.

A name in a sentence, without a key, a tag or an address, cannot be told from any other word and
stays; docs/logs.md says which lines of Jitsi have one.
"""

from __future__ import annotations

import ipaddress
import re

GONE = b"***"

_END = rb"\s\"'<>"
_METHODS = rb"(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE)"
_SERVED = (
    rb"http-bind|xmpp-websocket|colibri-ws|libs|css|images|static|sounds|fonts|lang|about|debug"
    rb"|colibri|stats|metrics|jibri|healthz?|config\.js|interface_config\.js|external_api\.js"
    rb"|favicon\.ico|manifest\.json|robots\.txt|pwa-worker\.js"
)
"""First parts of paths that Jitsi's web server has for everybody; any other is a room."""

_FIRST_PART = re.compile(rb"/(?:" + _SERVED + rb")(?=[/?#]|$)")
_URL = re.compile(rb"(?i)\b(https?|wss?|rtmps?|ftp)(:\\?/\\?/)([^\s\"'<>|`]*)")
_QUOTED_REQUEST = re.compile(rb"\"" + _METHODS + rb" (/[^\"\n]*)")
_REQUEST = re.compile(rb"(?<![\"A-Za-z])" + _METHODS + rb" (/[^\s\"]*)")
_FILE = re.compile(rb"(/usr/share/jitsi-meet|/config/recordings|/storage/recordings)(/[^\s\"']*)")

_WORD = re.compile(rb"[^\s,;)\]}&\"'<>|\\][^\s,;)\]}&\"'<>|]*+")
_WORDS = re.compile(
    # Words, up to the next key.
    rb"[^\s,;)\]}&\"'<>|\\][^\s,;)\]}&\"'<>|]*+"
    rb"(?:[ \t]+(?![\w.-]++[=:])[^\s,;)\]}&\"'<>|=({\[]++)*+"
)
_HEADER = re.compile(rb"[^\n\"]++")
_IN_QUOTES = re.compile(rb"(?:[^\"\\\n]|\\[^\n])*+")
_IN_SINGLE_QUOTES = re.compile(rb"[^'\n]*+")
_IN_ESCAPED_QUOTES = re.compile(rb"[^\"\n]*+")
_NUMBER = re.compile(rb"[-+0-9][^\s,}\]]*+")

_KEY = re.compile(
    rb"(?<![A-Za-z0-9_-])([A-Za-z0-9_-]++)"
    rb"(?:(?P<escaped>\\++)\"[ \t]*:[ \t]*\\++\""
    rb"|\"[ \t]*:[ \t]*(?:(?P<json>\")|(?P<number>(?=[-+0-9])))"
    rb"|(?:[ \t]*[=:][ \t]*|[ \t]+)(?:(?P<quote>\")|(?P<single>'))|(?P<bare>[ \t]*[=:][ \t]*)"
    rb"|(?:(?<=ufrag)|(?<=pwd))(?P<blank>[ \t]++))"
)
"""A key with what comes between it and its value."""
_TEXT_KEYS = (
    b"displayname",
    b"nick",
    b"nickname",
    b"subject",
    b"firstname",
    b"lastname",
    b"fullname",
)
"""How keys end, in lower case and without hyphens, whose value may be several words."""
_HEADER_KEYS = (b"authorization", b"cookie")
"""How keys end whose value is the rest of what is quoted, or of the line."""
_KEYS = (
    *(b"room", b"roomname", b"roomjid", b"confname", b"conferencename", b"conference", b"callname"),
    *(b"user", b"username", b"userid", b"login", b"participant", b"occupant", b"moderator"),
    *(
        b"statsid",
        b"email",
        b"mail",
        b"avatar",
        b"avatarurl",
        b"avataruri",
        b"jid",
        b"token",
        b"jwt",
    ),
    *(b"pass", b"password", b"passwd", b"passcode", b"pwd", b"secret", b"sessionid", b"sid"),
    *(b"apikey", b"streamkey", b"ufrag", b"fingerprint", b"previd", b"auth"),
    *_TEXT_KEYS,
    *_HEADER_KEYS,
)
"""How keys end whose value is of a person, or a secret."""

_RECORDING = re.compile(rb"(?<![^\s\"'=/])[^\s\"'=/]+?(?=_20[0-9]{2}(?:-[0-9]{2}){5})")
_REPLACED: tuple[tuple[re.Pattern[bytes], bytes], ...] = (
    # The user of nginx's access log, between address and time.
    (re.compile(rb" - (?!- \[)[^\n\[]{1,256}(?= \[[0-9]{2}/[A-Z][a-z]{2}/20)"), b" - ***"),
    (re.compile(rb"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,4}"), GONE),
    (re.compile(rb"(?i)\b(Bearer|Basic|Digest|Negotiate)[ \t]+[^\s\"',;]+"), rb"\1 ***"),
    (
        re.compile(
            rb"(?i)(<(?:[a-z0-9-]+:)?(?:nick|display-name|email|stats-id|subject|body|jwt|token|auth"
            rb"|response|challenge|success|password|username|name|avatar-url|id|room|url)"
            rb"(?:[ \t][^<>\n]{0,512})?>)[^<\n]+"
        ),
        rb"\1***",
    ),
)

_AT = rb"(?:@|%40|\\u0040)"
_LOCAL = rb"[^\s\"'<>()\[\]{},;=|&?#:/\\`@]"
_DOMAIN = rb"(?:[A-Za-z0-9._\x80-\xff-]+|\[[0-9A-Fa-f:.]+\])(?:/[^\s\"'<>,;)\]}]*)?"
_ADDRESSES = (
    re.compile(rb"(?<!" + _LOCAL + rb")" + _LOCAL + rb"+" + _AT + _DOMAIN),
    re.compile(rb"\"[^\"\n]{1,128}\"" + _AT + _DOMAIN),
    re.compile(rb"(?<=\S)" + _AT + _DOMAIN),
)

_COLON = rb"(?::|%3[Aa])"
_ENCODED_COLONS = re.compile(
    rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]*+(?:" + _COLON + rb"[0-9A-Fa-f]*+){2,}(?:(?:\.[0-9]{1,3}){3})?"
)
_COLONS = re.compile(rb":[0-9A-Fa-f]*+:[0-9A-Fa-f:]*+(?:(?:\.[0-9]{1,3}){3})?")
_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
_MOST_COLONS = 6
"""In a run of hexadecimal numbers that is no address of IPv6."""
_MAC = re.compile(rb"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_IPV4 = re.compile(rb"([0-9]{1,3}\.[0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}")
_IPV4_IN_NAME = re.compile(
    rb"(?<![0-9])(?<![0-9]-)([0-9]{1,3}-[0-9]{1,3})-[0-9]{1,3}-[0-9]{1,3}(?![0-9]|-[0-9])"
)
_OPAQUE = re.compile(
    rb"(?<![A-Za-z0-9_+-])(?:[0-9a-f]{32,}+|[0-9A-F]{32,}+|(?=[A-Za-z0-9_+-]{40})"
    rb"(?=[A-Za-z0-9_+-]{0,128}?[0-9])(?=[A-Za-z0-9_+-]{0,128}?[a-z])(?=[A-Za-z0-9_+-]{0,128}?[A-Z])[A-Za-z0-9_+-]{40,}+)"
    rb"(?![A-Za-z0-9_+-])=*"
)
"""Long words of digits and letters, as keys and digests are; no name of a pod or class is one."""


def anonymise(lines: bytes) -> bytes:
    """`lines` without the people in them: as many lines, in their order, with their times."""
    lines = _URL.sub(_without_path, lines)
    lines = _QUOTED_REQUEST.sub(_request, lines)
    lines = _REQUEST.sub(lambda match: match[1] + b" " + _path(match[2]), lines)
    lines = _FILE.sub(lambda match: match[1] + _path(match[2]), lines)
    if b"_20" in lines:
        lines = _RECORDING.sub(GONE, lines)
    for pattern, replacement in _REPLACED:
        lines = pattern.sub(replacement, lines)
    lines = _without_values(lines)
    for address in _ADDRESSES:
        lines = address.sub(GONE, lines)
    if b"%3" in lines:
        lines = _ENCODED_COLONS.sub(lambda match: _network(match[0]), lines)
    lines = _without_ipv6(lines)
    lines = _IPV4.sub(rb"\1.x.x", lines)
    lines = _IPV4_IN_NAME.sub(rb"\1-x-x", lines)
    return _OPAQUE.sub(GONE, lines)


def _without_values(lines: bytes) -> bytes:
    """`lines` without the values of keys that are of a person."""
    made: list[bytes] = []
    done = 0
    for match in _KEY.finditer(lines):
        key = match[1].lower().replace(b"-", b"").replace(b"_", b"")
        if match.start() < done or not key.endswith(_KEYS):
            continue
        value = _value_pattern(match.lastgroup or "", key).match(lines, match.end())
        if value is None:
            continue
        made += (lines[done : match.end()], b'"***"' if match.lastgroup == "number" else GONE)
        if match.lastgroup == "escaped":
            made.append(match["escaped"])
        done = value.end()
    made.append(lines[done:])
    return b"".join(made)


def _value_pattern(between: str, key: bytes) -> re.Pattern[bytes]:
    if between in _QUOTED:
        return _QUOTED[between]
    if key.endswith(_HEADER_KEYS):
        return _HEADER
    return _WORDS if key.endswith(_TEXT_KEYS) else _WORD


_QUOTED = {
    "escaped": _IN_ESCAPED_QUOTES,
    "json": _IN_QUOTES,
    "quote": _IN_QUOTES,
    "single": _IN_SINGLE_QUOTES,
    "number": _NUMBER,
}


def _without_ipv6(lines: bytes) -> bytes:
    """`lines` without addresses of IPv6, and what else is many hexadecimal numbers with colons."""
    made: list[bytes] = []
    done = 0
    for match in _COLONS.finditer(lines):
        start = match.start()
        while start > done and lines[start - 1] in _HEXADECIMAL:
            start -= 1
        made += (lines[done:start], _network(lines[start : match.end()]))
        done = match.end()
    made.append(lines[done:])
    return b"".join(made)


def _without_path(match: re.Match[bytes]) -> bytes:
    """An address of the web with its host, and of its path what everybody has."""
    rest = match[3].replace(b"\\/", b"/")
    end = next((place for place, byte in enumerate(rest) if byte in b"/?#\\"), len(rest))
    host = re.split(_AT, rest[:end])[-1]
    return match[1] + match[2] + host + (_path(rest[end:]) if end < len(rest) else b"")


def _request(match: re.Match[bytes]) -> bytes:
    target, space, protocol = match[2].rpartition(b" ")
    if not protocol.startswith(b"HTTP/"):
        target, space, protocol = match[2], b"", b""
    return b'"' + match[1] + b" " + _path(target) + space + protocol


def _path(path: bytes) -> bytes:
    """A path without the room and what else is in it, and without the values of its query."""
    place, mark, _ = path.replace(b"#", b"?").partition(b"?")
    query = b"?***" if mark else b""
    known = _FIRST_PART.match(place)
    if known is None:
        return (b"/***" if len(place) > 1 else place) + query
    return known[0] + (b"/***" if len(place) > known.end() + 1 else place[known.end() :]) + query


def _network(text: bytes) -> bytes:
    """What stands for a run of hexadecimal numbers with colons."""
    run = re.sub(_COLON, b":", text) if b"%" in text else text
    numbers = run.split(b":")
    if run.strip(b":") == b"" or (b"::" not in run and len(numbers) <= _MOST_COLONS + 1):
        return GONE if _MAC.fullmatch(run) else text
    try:
        address = ipaddress.IPv6Address(run.decode())
    except ValueError:
        return GONE
    mapped = address.ipv4_mapped
    if mapped is not None:
        return b"%d.%d.x.x" % tuple(mapped.packed[:2])
    first = int.from_bytes(address.packed[:4])
    return b"%x:%x:x" % (first >> 16, first & 0xFFFF)
