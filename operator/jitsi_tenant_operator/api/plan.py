"""JitsiPlan: a formula that a company sells, as capacity, sizes and features."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from jitsi_tenant_operator.api.constraints import SetList
from jitsi_tenant_operator.api.model import (
    CustomResource,
    Definition,
    Model,
    PrinterColumn,
    Rule,
)
from jitsi_tenant_operator.api.scalars import Cpu, Memory, ShortText, StorageSize, mebibytes


class Feature(StrEnum):
    """What can be subscribed to beyond meetings."""

    RECORDING = "Recording"
    LIVESTREAMING = "Livestreaming"


class ReplicaRange(Model):
    """From how many to how many."""

    rules: ClassVar = (
        Rule(
            "self.minimum <= self.maximum",
            "minimum must not be above maximum",
            lambda self: self.minimum <= self.maximum,
        ),
    )

    minimum: Annotated[int, Field(ge=1, le=50)] = 1
    """How many always run."""
    maximum: Annotated[int, Field(ge=1, le=50)] = 1
    """How many may run."""


class ComponentSize(Model):
    """What one pod asks for and may use."""

    cpu: Cpu
    """The CPU that is reserved."""
    memory: Memory
    """The memory that is reserved and is the limit: a heap is derived from it."""


class WebSize(ComponentSize):
    """The web pods."""

    cpu: Cpu = "50m"
    """The CPU that is reserved."""
    memory: Memory = "128Mi"
    """The memory that is reserved and is the limit."""
    replicas: Annotated[int, Field(ge=1, le=10)] = 2
    """How many web pods run."""


class ProsodySize(ComponentSize):
    """The pod of the XMPP server."""

    cpu: Cpu = "100m"
    """The CPU that is reserved."""
    memory: Memory = "512Mi"
    """The memory that is reserved and is the limit."""


class JvmSize(ComponentSize):
    """A pod with a Java heap."""

    rules: ClassVar = (
        Rule(
            "quantity(self.memory).compareTo(quantity('512Mi')) >= 0",
            "a Java component needs at least 512Mi of memory",
            lambda self: mebibytes(self.memory) >= mebibytes("512Mi"),
        ),
    )


class JicofoSize(JvmSize):
    """The pod of the conference focus."""

    cpu: Cpu = "100m"
    """The CPU that is reserved."""
    memory: Memory = "1Gi"
    """The memory that is reserved and is the limit: the heap is derived from it."""


class BridgeSize(JvmSize):
    """The pod of one video bridge."""

    cpu: Cpu = "1"
    """The CPU that is reserved."""
    memory: Memory = "2Gi"
    """The memory that is reserved and is the limit: the heap is derived from it."""


class RecorderSize(ComponentSize):
    """One recorder, which holds 2 GiB of shared memory within its limit."""

    rules: ClassVar = (
        Rule(
            "quantity(self.memory).compareTo(quantity('4Gi')) >= 0",
            "a recorder needs at least 4Gi of memory",
            lambda self: mebibytes(self.memory) >= mebibytes("4Gi"),
        ),
    )

    cpu: Cpu = "2"
    """The CPU that is reserved."""
    memory: Memory = "6Gi"
    """The memory that is reserved and is the limit."""


class Sizes(Model):
    """The size of each component's pods."""

    web: WebSize = WebSize()
    """nginx with the web application."""
    prosody: ProsodySize = ProsodySize()
    """The XMPP server."""
    jicofo: JicofoSize = JicofoSize()
    """The conference focus."""
    bridge: BridgeSize = BridgeSize()
    """One video bridge."""
    recorder: RecorderSize = RecorderSize()
    """One recorder."""


class Storage(Model):
    """The sizes of a tenant's volumes."""

    recordings: StorageSize = "50Gi"
    """For recordings."""
    accounts: StorageSize = "1Gi"
    """For the accounts of internal authentication."""


class Capacity(Model):
    """What a tenant of this plan may use."""

    participants: Annotated[int, Field(ge=2, le=500)] = 75
    """How many people may meet in one room."""
    bridges: ReplicaRange = ReplicaRange()
    """How many video bridges."""
    recorders: Annotated[int, Field(ge=0, le=20)] = 1
    """How many recordings or streams may run at once."""
    storage: Storage = Storage()
    """The sizes of volumes."""


class JitsiPlanSpec(Model):
    """A formula."""

    rules: ClassVar = (
        Rule(
            "self.features.size() == 0 || self.capacity.recorders >= 1",
            "a plan with Recording or Livestreaming needs capacity.recorders of at least 1",
            lambda self: not self.features or self.capacity.recorders >= 1,
        ),
    )

    description: ShortText | None = None
    """What it is, for a person."""
    capacity: Capacity = Capacity()
    """How much."""
    features: Annotated[tuple[Feature, ...], Field(max_length=8), SetList()] = ()
    """The options that a contract with this plan can hold."""
    sizes: Sizes = Sizes()
    """How large its pods are."""


class JitsiPlan(CustomResource):
    """A formula: capacity, sizes and features of the tenants that have it."""

    definition: ClassVar = Definition(
        kind="JitsiPlan",
        plural="jitsiplans",
        short_names=("jplan",),
        namespaced=False,
        columns=(
            PrinterColumn("Participants", ".spec.capacity.participants", "integer"),
            PrinterColumn("Bridges", ".spec.capacity.bridges.maximum", "integer"),
            PrinterColumn("Recorders", ".spec.capacity.recorders", "integer"),
            PrinterColumn("Features", ".spec.features", wide=True),
        ),
    )

    spec: JitsiPlanSpec
    """The formula."""
