"""The environment of a container, each value in the form that the Jitsi images understand."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render.context import Source, SourceKind


class Environment:
    """Collects variables in order; each method adds one and returns this environment.

    Kubernetes expands $(NAME) in values, so that a dollar sign of a text is doubled; the images
    compare some switches with the number 1, so that switches are written 1 and 0.
    """

    __slots__ = ("_sources", "_variables")

    def __init__(self) -> None:
        # s6-overlay refuses a world-writable /run, which an emptyDir is, unless told to accept it.
        self._variables: list[JsonObject] = [
            {"name": "S6_YES_I_WANT_A_WORLD_WRITABLE_RUN_BECAUSE_KUBERNETES", "value": "1"}
        ]
        self._sources: list[Source] = []

    def text(self, name: str, value: str) -> Environment:
        """A text, passed on as it is."""
        self._variables.append({"name": name, "value": value.replace("$", "$$")})
        return self

    def switch(self, name: str, on: bool) -> Environment:  # noqa: FBT001 - the value itself
        """A switch: 1 or 0."""
        self._variables.append({"name": name, "value": "1" if on else "0"})
        return self

    def number(self, name: str, value: int) -> Environment:
        """A number."""
        self._variables.append({"name": name, "value": str(value)})
        return self

    def secret(self, name: str, secret: str, key: str) -> Environment:
        """The value of `key` in the Secret `secret`."""
        reference = {"name": secret, "key": key}
        self._variables.append({"name": name, "valueFrom": {"secretKeyRef": reference}})
        self._sources.append(Source(SourceKind.SECRET, secret, key))
        return self

    def field(self, name: str, path: str) -> Environment:
        """A field of the pod itself, for instance status.hostIP."""
        reference = {"apiVersion": "v1", "fieldPath": path}
        self._variables.append({"name": name, "valueFrom": {"fieldRef": reference}})
        return self

    def expanded(self, name: str, value: str) -> Environment:
        """A text of the operator's own, in which $(NAME) stands for an earlier variable."""
        self._variables.append({"name": name, "value": value})
        return self

    @property
    def sources(self) -> tuple[Source, ...]:
        """The Secret keys that are read, in order."""
        return tuple(self._sources)

    def __iter__(self) -> Iterator[JsonObject]:
        return iter(self._variables)
