"""Bounded scalar types of the API: each is refused by the API server with the same rule as here.

Patterns keep to RE2, which the API server uses: no look-ahead, no back-reference.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})+"
_AMOUNT = r"[1-9][0-9]{0,3}"

DnsLabel = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$", max_length=63)]
"""An RFC 1123 label: a namespace, a port name."""

ObjectName = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
"""The name of another Kubernetes object."""

SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)]
"""A key inside a Secret or ConfigMap."""

Host = Annotated[str, StringConstraints(pattern=rf"^{_HOST}$", max_length=253)]
"""A fully qualified DNS name, in lower case."""

Duration = Annotated[
    str,
    StringConstraints(
        pattern=rf"^P({_AMOUNT}Y)?({_AMOUNT}M)?({_AMOUNT}W)?({_AMOUNT}D)?(T{_AMOUNT}[HMS])?$",
        min_length=3,
        max_length=32,
    ),
    Field(examples=["P10D", "P2M", "PT48H"]),
]
"""A duration of ISO 8601 that is longer than nothing."""

CalendarDate = Annotated[date, Field(examples=["2026-06-01"])]
"""A day, as YYYY-MM-DD."""

Instant = Annotated[datetime, Field(examples=["2026-06-01T08:00:00Z"])]
"""An instant, as RFC 3339."""

LocalTime = Annotated[
    str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)
]
"""A time of day in the platform's zone, as HH:MM."""

Email = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}$", max_length=254
    ),
]
"""An e-mail address."""

HttpsUrl = Annotated[
    str,
    StringConstraints(
        pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%/?#=&+,;:@!-]*)?$",
        max_length=1024,
    ),
]
"""An https:// address without quotes, blanks or braces."""

LdapUrl = Annotated[
    str,
    StringConstraints(pattern=r"^ldaps?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$", max_length=256),
]
"""The address of an LDAP server."""

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$", max_length=2)]
"""A country, as ISO 3166-1 alpha-2."""

Language = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}([A-Z]{2}|-[A-Za-z0-9]{2,8})?$", max_length=12)
]
"""A language code as Jitsi Meet names its translations, for instance fr, en, ptBR."""

Cpu = Annotated[
    str,
    StringConstraints(pattern=r"^([1-9][0-9]{0,5}m|[1-9][0-9]{0,2})$", max_length=7),
    Field(examples=["500m", "4"]),
]
"""An amount of CPU, in cores or in thousandths of a core (m)."""

Memory = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,6}[MG]i$", max_length=9),
    Field(examples=["512Mi", "4Gi"]),
]
"""An amount of memory, in MiB or GiB."""

StorageSize = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,5}[MGT]i$", max_length=8),
    Field(examples=["50Gi"]),
]
"""The size of a volume, in MiB, GiB or TiB."""

IpAddress = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]{2,39})$", max_length=39)
]
"""An IPv4 or IPv6 address."""

Cidr = Annotated[
    str,
    StringConstraints(
        pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]{2,39})/[0-9]{1,3}$", max_length=43
    ),
]
"""A network, as address/prefix length."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64)]
"""A SHA-256 digest in lower-case hexadecimal."""

Release = Annotated[
    str,
    StringConstraints(pattern=r"^stable-[1-9][0-9]{3,5}(-[1-9][0-9]{0,2})?$", max_length=20),
    Field(examples=["stable-11146-2"]),
]
"""A release tag of the Jitsi images, which all images of one tenant share."""

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""A line of free text."""

LongText = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
"""A paragraph of free text."""


def mebibytes(memory: str) -> int:
    """`memory`, as the API writes it with Mi or Gi, in MiB."""
    amount, unit = int(memory[:-2]), memory[-2:]
    return amount * {"Mi": 1, "Gi": 1024}[unit]
