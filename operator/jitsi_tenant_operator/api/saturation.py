"""When a volume counts as full."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from jitsi_tenant_operator.api.model import Model, Rule

Percent = Annotated[int, Field(ge=1, le=99)]


class Saturation(Model):
    """When a volume of recordings counts as full, in percent of it that is in use."""

    rules: ClassVar = (
        Rule(
            "self.resumeBelow < self.suspendAt",
            "resumeBelow must be less than suspendAt",
            lambda self: self.resume_below < self.suspend_at,
        ),
    )

    suspend_at: Percent = 90
    """From here on recording is suspended; what is left is for recordings that are going on."""
    resume_below: Percent = 80
    """Once less than this is in use, recording is resumed."""
