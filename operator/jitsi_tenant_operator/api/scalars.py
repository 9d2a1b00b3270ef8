"""Bounded scalar types of the API: each is refused by the API server with the same rule as here.

Patterns keep to RE2, which the API server uses: no look-ahead, no back-reference.
"""

from __future__ import annotations

import ipaddress
from datetime import date, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from jitsi_tenant_operator.api.constraints import Expected, Verified, Written

MAX_LABEL = 63
"""How long a DNS label can be, in characters."""

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_WORD = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})+"
_DAY = r"20[0-9]{2}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
_OFFSET = r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_V4 = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
_V6 = r"[0-9a-fA-F:]{2,39}"


def _is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not isinstance(address, ipaddress.IPv6Address) or address.ipv4_mapped is None


def _is_cidr(text: str) -> bool:
    address, _, length = text.partition("/")
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return _is_ip(address) and str(int(length)) == length


DnsLabel = Annotated[
    str,
    StringConstraints(pattern=rf"^{_LABEL}$", max_length=63),
    Expected("a name of lower-case letters, digits and hyphens, at most 63 characters"),
]
"""An RFC 1123 label: a namespace, a port name."""

ObjectName = Annotated[
    str,
    StringConstraints(pattern=rf"^{_WORD}(\.{_WORD})*$", max_length=253),
    Expected("the name of a Kubernetes object: lower-case letters, digits, hyphens and dots"),
]
"""The name of another Kubernetes object."""

SecretKey = Annotated[
    str,
    StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253),
    Expected("a key of a Secret or ConfigMap: letters, digits, hyphens, underscores and dots"),
]
"""A key inside a Secret or ConfigMap."""

Host = Annotated[
    str,
    StringConstraints(pattern=rf"^{_HOST}$", max_length=253),
    Expected("a full DNS name in lower case, such as meet.example.org"),
]
"""A fully qualified DNS name, in lower case."""

Duration = Annotated[
    str,
    StringConstraints(
        pattern=r"^P([1-9][0-9]?Y)?([1-9][0-9]{0,2}M)?([1-9][0-9]{0,2}W)?([1-9][0-9]{0,3}D)?"
        r"(T[1-9][0-9]{0,3}[HMS])?$",
        min_length=3,
        max_length=32,
    ),
    Expected("a duration of ISO 8601, such as P10D, P2M or PT48H"),
]
"""A duration of ISO 8601 that is longer than nothing."""

CalendarDate = Annotated[
    date,
    Written(rf"^{_DAY}$", date.fromisoformat),
    Expected("a day of this century as YYYY-MM-DD, such as 2026-06-01"),
]
"""A day, as YYYY-MM-DD."""

Instant = Annotated[
    AwareDatetime,
    Written(rf"^{_DAY}T{_TIME}{_OFFSET}$", datetime.fromisoformat),
    Expected("an instant of RFC 3339 with its zone, such as 2026-06-01T08:00:00Z"),
]
"""An instant, as RFC 3339."""

LocalTime = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5),
    Expected("a time of day in quotes, such as '04:30'"),
]
"""A time of day in the platform's zone, as HH:MM."""

Email = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}$", max_length=254
    ),
    Expected("an e-mail address"),
]
"""An e-mail address."""

HttpsUrl = Annotated[
    str,
    StringConstraints(
        pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%/?#=&+,;:@!-]*)?$",
        max_length=1024,
    ),
    Expected("an https:// address without quotes, blanks or braces"),
]
"""An https:// address without quotes, blanks or braces."""

LdapUrl = Annotated[
    str,
    StringConstraints(pattern=r"^ldaps?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$", max_length=256),
    Expected("the address of an LDAP server, such as ldaps://directory.example.org"),
]
"""The address of an LDAP server."""

CountryCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{2}$", max_length=2),
    Expected("a country of ISO 3166-1 in two capital letters, such as FR"),
]
"""A country, as ISO 3166-1 alpha-2."""

Language = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2,3}([A-Z]{2}|-[A-Za-z0-9]{2,8})?$", max_length=12),
    Expected("a language of Jitsi Meet, such as fr, en or ptBR"),
]
"""A language code as Jitsi Meet names its translations, for instance fr, en, ptBR."""

Cpu = Annotated[
    str,
    StringConstraints(pattern=r"^([1-9][0-9]{0,5}m|[1-9][0-9]{0,2})$", max_length=7),
    Expected("an amount of CPU in quotes, in cores or thousandths of a core, such as '4' or 500m"),
]
"""An amount of CPU, in cores or in thousandths of a core (m)."""

Memory = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,6}[MG]i$", max_length=9),
    Expected("an amount of memory in Mi or Gi, such as 512Mi or 4Gi"),
]
"""An amount of memory, in MiB or GiB."""

StorageSize = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,5}[MGT]i$", max_length=8),
    Expected("the size of a volume in Mi, Gi or Ti, such as 50Gi"),
]
"""The size of a volume, in MiB, GiB or TiB."""

Ipv4Address = Annotated[
    str,
    StringConstraints(pattern=rf"^{_V4}$", max_length=15),
    Verified("isIP(self)", "must be an IPv4 address", _is_ip),
    Expected("an IPv4 address"),
]
"""An IPv4 address."""

Cidr = Annotated[
    str,
    StringConstraints(pattern=rf"^({_V4}|{_V6})/[0-9]{{1,3}}$", max_length=43),
    Verified("isCIDR(self)", "must be an IPv4 or IPv6 network", _is_cidr),
    Expected("a network as address/prefix length, such as 192.0.2.0/24"),
]
"""A network, as address/prefix length."""

Sha256 = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64),
    Expected("a SHA-256 digest: 64 hexadecimal digits in lower case"),
]
"""A SHA-256 digest in lower-case hexadecimal."""

Release = Annotated[
    str,
    StringConstraints(pattern=r"^stable-[1-9][0-9]{3,5}(-[1-9][0-9]{0,2})?$", max_length=20),
    Expected("a stable release of the Jitsi images, such as stable-11146-2"),
]
"""A release tag of the Jitsi images, which all images of one tenant share."""

ShortText = Annotated[
    str,
    StringConstraints(pattern=r"^[^\p{Cc}\p{Zl}\p{Zp}]+$", min_length=1, max_length=128),
    Expected("one line of text, 1 to 128 characters"),
]
"""A line of free text."""

LongText = Annotated[
    str,
    StringConstraints(pattern=r"^[\P{Cc}\n]+$", min_length=1, max_length=1024),
    Expected("text of 1 to 1024 characters, without control characters"),
]
"""A paragraph of free text."""

LabelKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?"
        r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$",
        max_length=317,
    ),
    Expected("the key of a label, such as example.org/role"),
]

LabelValue = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$", max_length=63),
    Expected("the value of a label: at most 63 letters, digits, hyphens, underscores and dots"),
]

Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=16)]

Annotations = Annotated[
    dict[LabelKey, Annotated[str, StringConstraints(max_length=1024)]], Field(max_length=16)
]


def mebibytes(memory: str) -> int:
    """`memory`, as the API writes it with Mi or Gi, in MiB."""
    amount, unit = int(memory[:-2]), memory[-2:]
    return amount * {"Mi": 1, "Gi": 1024}[unit]
