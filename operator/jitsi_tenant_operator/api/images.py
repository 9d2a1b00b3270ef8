"""Which Jitsi images a platform runs, and where they come from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.constraints import Expected, MapList, SetList
from jitsi_tenant_operator.api.model import Model
from jitsi_tenant_operator.api.scalars import DnsLabel, ObjectName, Release

ImagePath = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-][a-z0-9]+)*)*$", max_length=255
    ),
    Expected("a registry and path in lower case, such as registry.example.org/jitsi"),
]


class Channel(Model):
    """A release channel of Jitsi, followed by the tenants that name it."""

    name: DnsLabel
    """Its name."""
    release: Release
    """The release that its tenants run."""


class PullPolicy(StrEnum):
    """Kubernetes' imagePullPolicy."""

    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"


class JitsiImages(Model):
    """Which Jitsi images run, and where they come from."""

    registry: ImagePath = "ghcr.io/jitsi"
    """The registry and path in front of web, prosody, jicofo, jvb and jibri."""
    pull_policy: PullPolicy = PullPolicy.IF_NOT_PRESENT
    """When images are pulled."""
    pull_secrets: Annotated[
        tuple[ObjectName, ...],
        Field(max_length=4),
        SetList(),
    ] = ()
    """Secrets with registry credentials, which must be present in each tenant's namespace."""
    channels: Annotated[
        tuple[Channel, ...],
        Field(min_length=1, max_length=16),
        MapList("name"),
    ] = (Channel(name="stable", release="stable-11146-2"),)
    """The release channels."""
