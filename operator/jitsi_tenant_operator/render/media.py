"""Where clients reach a bridge, by the platform's way of exposing media."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address

from jitsi_tenant_operator.api.media import Exposure, PlatformMedia
from jitsi_tenant_operator.render.context import MediaAddress

PORT = 10000
"""The UDP port that a bridge listens on, and that a load balancer offers."""
PORT_NAME = "media"
"""The name of that port in Services and containers."""

HOST_ADDRESS = "$(HOST_IP)"
"""Stands for the address of the bridge's node, which the pod learns when it starts there."""


def address(
    media: PlatformMedia,
    *,
    node_port: int | None = None,
    addresses: Sequence[str] = (),
    host_port: int | None = None,
) -> MediaAddress | None:
    """Where one bridge is reached, or None while that is not known.

    `node_port` and `addresses` are what the bridge's Service was given, `host_port` is what the
    operator set aside for it.
    """
    match media.exposure:
        case Exposure.NODE_PORT:
            return None if node_port is None else MediaAddress(node_port)
        case Exposure.HOST_PORT:
            return None if host_port is None else MediaAddress(host_port)
        case Exposure.LOAD_BALANCER:
            usable = tuple(found for found in addresses if _is_ipv4(found))
            return MediaAddress(PORT, usable) if usable else None


def public_addresses(
    media: PlatformMedia, found: MediaAddress, host_ip: str | None
) -> tuple[str, ...]:
    """The addresses that clients are given for a bridge on a node with address `host_ip`.

    A bridge maps its own IPv4 address, so that others than IPv4 are left out.
    """
    own = found.addresses
    if media.exposure is not Exposure.LOAD_BALANCER and media.advertise_node_address and host_ip:
        own = (host_ip,)
    return (*own, *media.advertised_addresses)


def advertised(media: PlatformMedia, found: MediaAddress) -> str:
    """JVB_ADVERTISE_IPS: every address with its port, that of the node as HOST_ADDRESS."""
    known = public_addresses(media, found, HOST_ADDRESS)
    return ",".join(f"{each}#{found.port}" for each in known)


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True
