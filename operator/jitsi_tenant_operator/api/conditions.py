"""Conditions as in Kubernetes' API conventions, shared by the status of every kind."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.constraints import MapList
from jitsi_tenant_operator.api.model import Model

Generation = Annotated[int, Field(ge=0, le=2**53, json_schema_extra={"format": "int64"})]
"""The number of a version of an object's spec, as in its metadata."""


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """One aspect of an object's state, as metav1.Condition."""

    type: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Z][A-Za-z0-9]*$")]
    """What is spoken of; True is the good state."""
    status: ConditionStatus
    """Whether it holds."""
    reason: Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    """Why, in one stable word."""
    message: Annotated[str, StringConstraints(max_length=4096)] = ""
    """Why, for a person, and what to change."""
    last_transition_time: Annotated[
        str, StringConstraints(max_length=32), Field(json_schema_extra={"format": "date-time"})
    ]
    """When `status` last changed."""
    observed_generation: Generation | None = None
    """The generation of the object that this was found for."""


Conditions = Annotated[
    tuple[Condition, ...],
    Field(max_length=32),
    MapList("type"),
]
"""The conditions of an object, one of each type."""
