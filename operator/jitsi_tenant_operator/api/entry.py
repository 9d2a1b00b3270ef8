"""How browsers come in: the sections of a JitsiPlatform for its Ingress or Gateway."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from jitsi_tenant_operator.api.constraints import SetList
from jitsi_tenant_operator.api.model import Model, Rule
from jitsi_tenant_operator.api.scalars import Annotations, Cidr, DnsLabel, Labels, ObjectName


class EntryType(StrEnum):
    """How web traffic enters."""

    INGRESS = "Ingress"
    GATEWAY = "Gateway"


class IngressEntry(Model):
    """Entry through an Ingress of each tenant."""

    class_name: ObjectName
    """The IngressClass."""
    annotations: Annotations = Field(default={})
    """Annotations for each Ingress, for instance of the controller."""


class GatewayEntry(Model):
    """Entry through a Gateway that all tenants share."""

    name: ObjectName
    """The Gateway."""
    namespace: DnsLabel
    """Its namespace."""
    section_name: ObjectName | None = None
    """The listener that the routes attach to; all when not set."""


class IssuerKind(StrEnum):
    """A kind of cert-manager issuer."""

    CLUSTER_ISSUER = "ClusterIssuer"
    ISSUER = "Issuer"


class Issuer(Model):
    """A cert-manager issuer."""

    name: ObjectName
    """Its name."""
    kind: IssuerKind = IssuerKind.CLUSTER_ISSUER
    """Its kind."""


class EntryTls(Model):
    """Where the certificates of Ingresses come from; a Gateway brings its own."""

    rules: ClassVar = (
        Rule(
            "has(self.issuer) != has(self.secretName)",
            "set exactly one of issuer and secretName",
            lambda self: (self.issuer is None) != (self.secret_name is None),
        ),
    )

    issuer: Issuer | None = None
    """A cert-manager issuer that makes a certificate for each tenant."""
    secret_name: ObjectName | None = None
    """A wildcard certificate's Secret, which must be present in each tenant's namespace."""


class Entry(Model):
    """How browsers reach a tenant's web pods."""

    rules: ClassVar = (
        Rule(
            "self.type == 'Ingress' ? has(self.ingress) && has(self.tls) : has(self.gateway)",
            "an Ingress entry needs ingress and tls, a Gateway entry needs gateway",
            lambda self: (
                self.ingress is not None and self.tls is not None
                if self.type is EntryType.INGRESS
                else self.gateway is not None
            ),
        ),
    )

    type: EntryType = EntryType.INGRESS
    """Ingress or Gateway."""
    ingress: IngressEntry | None = None
    """With an Ingress: its class."""
    gateway: GatewayEntry | None = None
    """With a Gateway: which one."""
    tls: EntryTls | None = None
    """With an Ingress: its certificates."""
    namespaces: Labels = Field(
        default={"kubernetes.io/metadata.name": "ingress-nginx"}, min_length=1
    )
    """The labels of the namespaces whose pods carry the entry's traffic to the web pods."""
    networks: Annotated[
        tuple[Cidr, ...],
        Field(max_length=32),
        SetList(),
    ] = ()
    """The networks that the entry's traffic comes from as well.

    For an Ingress controller or a Gateway with hostNetwork, the addresses that its nodes connect
    with: it has no address of a pod, by which `namespaces` could let it in.
    """
