"""Instants as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def micro_time(instant: datetime) -> str:
    """An aware instant as the API's MicroTime: RFC 3339 in UTC, with microseconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
