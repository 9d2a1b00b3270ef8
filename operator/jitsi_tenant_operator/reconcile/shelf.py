"""What is kept of the objects of one kind: of each only what somebody needs to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, cast

from jitsi_tenant_operator.api.model import CustomResource, InvalidObjectError
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef

DELETED = "DELETED"


class Known(Protocol):
    """An object as far as it is kept."""

    @property
    def ref(self) -> ObjectRef:
        """Its name."""

    @property
    def resource_version(self) -> int:
        """Its version."""


K = TypeVar("K", bound=Known)
R = TypeVar("R", bound=CustomResource)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object that cannot be read, which the schema keeps from happening; what is wrong."""

    ref: ObjectRef
    resource_version: int
    problem: str


class Shelf(Generic[R, K]):
    """The objects of one kind by name, grouped by namespace.

    `keep` gives what is kept of an object; `unknown` is when it counts as made where it does not
    say so itself, as in files.
    """

    def __init__(self, kind: type[R], keep: Callable[[R, datetime], K], unknown: datetime) -> None:
        self._kind = kind
        self._keep = keep
        self._unknown = unknown
        self._objects: dict[tuple[str, str], K | Unreadable] = {}
        self._by_namespace: dict[str, set[str]] = {}

    def observe(self, event: str | None, body: JsonObject) -> bool:
        """Take in one event; whether anything is known now that was not before."""
        ref = ObjectRef.of(body)
        name = (ref.namespace, ref.name)
        version = int(body["metadata"]["resourceVersion"])
        before = self._objects.get(name)
        if before is not None and version < before.resource_version:
            return False
        if event == DELETED:
            self._drop(ref)
            return before is not None
        after: K | Unreadable
        try:
            after = self._keep(self._kind.parse(body), self._unknown)
        except InvalidObjectError as error:
            text = "; ".join(str(problem) for problem in error.problems)
            after = Unreadable(ref, version, text)
        self._put(after)
        return before is None or _content(before) != _content(after)

    def take(self, found: R) -> None:
        """Take in an object that was read already."""
        self._put(self._keep(found, self._unknown))

    def _put(self, known: K | Unreadable) -> None:
        ref = known.ref
        self._objects[ref.namespace, ref.name] = known
        self._by_namespace.setdefault(ref.namespace, set()).add(ref.name)

    def _drop(self, ref: ObjectRef) -> None:
        self._objects.pop((ref.namespace, ref.name), None)
        names = self._by_namespace.get(ref.namespace, set())
        names.discard(ref.name)
        if not names:
            self._by_namespace.pop(ref.namespace, None)

    def get(self, ref: ObjectRef) -> K | None:
        """One object, None where there is none that can be read."""
        found = self._objects.get((ref.namespace, ref.name))
        return None if isinstance(found, Unreadable) else found

    def namespaces(self) -> list[str]:
        """The namespaces in which there are any."""
        return list(self._by_namespace)

    def within(self, namespace: str) -> list[K]:
        """The objects of a namespace that can be read, by name."""
        return [each for each in self._all(namespace) if not isinstance(each, Unreadable)]

    def unreadable(self, namespace: str) -> list[Unreadable]:
        """The objects of a namespace that cannot be read."""
        return [each for each in self._all(namespace) if isinstance(each, Unreadable)]

    def bodies(self, kind: str) -> list[JsonObject]:
        """The names and versions of all objects, as objects."""
        return [
            {
                "apiVersion": API_VERSION,
                "kind": kind,
                "metadata": {
                    "name": name,
                    "resourceVersion": str(each.resource_version),
                    **({"namespace": namespace} if namespace else {}),
                },
            }
            for (namespace, name), each in self._objects.items()
        ]

    def _all(self, namespace: str) -> Iterable[K | Unreadable]:
        for name in sorted(self._by_namespace.get(namespace, ())):
            yield self._objects[namespace, name]


def _content(known: Known | Unreadable) -> object:
    """All that is kept but the version."""
    return replace(cast("Any", known), resource_version=0)
