"""How media comes in: the section of a JitsiPlatform for its video bridges."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from jitsi_tenant_operator.api.constraints import SetList
from jitsi_tenant_operator.api.model import Model, Rule
from jitsi_tenant_operator.api.scalars import Annotations, Cidr, Ipv4Address, ObjectName


class Exposure(StrEnum):
    """How media reaches a bridge."""

    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"
    HOST_PORT = "HostPort"


class TrafficPolicy(StrEnum):
    """Kubernetes' externalTrafficPolicy."""

    LOCAL = "Local"
    CLUSTER = "Cluster"


class LoadBalancer(Model):
    """Services of type LoadBalancer, for media."""

    class_name: ObjectName | None = None
    """The load balancer class; the cluster's own when not set."""
    annotations: Annotations = Field(default={})
    """Annotations for each such Service, for instance of MetalLB."""


class PortRange(Model):
    """Ports, both ends included."""

    rules: ClassVar = (
        Rule(
            "self.first <= self.last",
            "first must not be above last",
            lambda self: self.first <= self.last,
        ),
    )

    first: Annotated[int, Field(ge=1024, le=65535)] = 10000
    """The lowest port."""
    last: Annotated[int, Field(ge=1024, le=65535)] = 10999
    """The highest port."""


class PlatformMedia(Model):
    """How media reaches the bridges of all tenants."""

    rules: ClassVar = (
        Rule(
            "self.advertiseNodeAddress || self.exposure == 'LoadBalancer'"
            " || self.advertisedAddresses.size() > 0",
            "without the node's address, advertisedAddresses must name at least one",
            lambda self: (
                self.advertise_node_address
                or self.exposure is Exposure.LOAD_BALANCER
                or bool(self.advertised_addresses)
            ),
        ),
    )

    exposure: Exposure = Exposure.NODE_PORT
    """NodePort, LoadBalancer or HostPort."""
    advertise_node_address: bool = True
    """Whether the address of the bridge's node is given to clients (NodePort, HostPort)."""
    advertised_addresses: Annotated[
        tuple[Ipv4Address, ...],
        Field(max_length=4),
        SetList(),
    ] = ()
    """Further addresses that clients are given with the same port, for instance behind a NAT.

    IPv4 only: a bridge maps its own IPv4 address.
    """
    external_traffic_policy: TrafficPolicy = TrafficPolicy.LOCAL
    """Local keeps the client's address and takes no second hop."""
    load_balancer: LoadBalancer = LoadBalancer()
    """With LoadBalancer: how."""
    host_ports: PortRange = PortRange()
    """With HostPort: the ports that the operator may hand out."""
    client_networks: Annotated[
        tuple[Cidr, ...],
        Field(min_length=1, max_length=32),
        SetList(),
    ] = ("0.0.0.0/0", "::/0")
    """From where media may come."""
