"""How much of a pod's memory its Java heap may take."""

from __future__ import annotations

from jitsi_tenant_operator.api.scalars import mebibytes

_OVERHEAD = 256


def limit(memory: str) -> str:
    """The heap for a memory limit of the API, as Java's -Xmx takes it, for instance 1536m.

    A quarter of the limit, at least 256 MiB, is left to threads, buffers and the JVM itself.
    """
    whole = mebibytes(memory)
    return f"{whole - max(_OVERHEAD, whole // 4)}m"
