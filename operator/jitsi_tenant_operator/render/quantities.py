"""Quantities written as the API server stores them, so that what is sent equals what is read.

Kubernetes keeps the largest unit that needs no fraction (apimachinery, resource.Quantity,
"canonical form").
"""

from __future__ import annotations

from jitsi_tenant_operator.api.scalars import mebibytes

_UNITS = {"M": 1, "G": 1024, "T": 1024 * 1024}


def memory(mebi: int) -> str:
    """`mebi` MiB, for instance 512Mi or 2Gi."""
    for unit in ("T", "G"):
        if mebi % _UNITS[unit] == 0:
            return f"{mebi // _UNITS[unit]}{unit}i"
    return f"{mebi}Mi"


def canonical_memory(amount: str) -> str:
    """An amount of memory of the API (Mi, Gi) in canonical form."""
    return memory(mebibytes(amount))


def storage_mebibytes(size: str) -> int:
    """The size of a volume of the API (Mi, Gi, Ti), in MiB."""
    return int(size[:-2]) * _UNITS[size[-2]]


def canonical_storage(size: str) -> str:
    """The size of a volume of the API (Mi, Gi, Ti) in canonical form."""
    return memory(storage_mebibytes(size))


def millicores(amount: str) -> int:
    """An amount of CPU of the API (cores, or thousandths with m), in thousandths of a core."""
    return int(amount[:-1]) if amount.endswith("m") else int(amount) * 1000


def cpu(milli: int) -> str:
    """`milli` thousandths of a core, for instance 500m or 2."""
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def canonical_cpu(amount: str) -> str:
    """An amount of CPU of the API in canonical form."""
    return cpu(millicores(amount))
