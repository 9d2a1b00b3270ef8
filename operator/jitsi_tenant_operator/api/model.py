"""The base of all models: how an object is parsed, how its rules are stated, how it is written.

A rule that joins several fields is stated once, as CEL for the API server and as a predicate for
everything that reads files without one; `tests/integration/api` holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.api.problems import explain
from jitsi_tenant_operator.api.scalars import DnsLabel, ObjectName


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule over several fields of a model.

    `cel` is what the API server evaluates (`self` is the model), `check` the same in Python; a
    rule about a change (`oldSelf`) has no `check`, since a file has no past.
    """

    cel: str
    message: str
    check: Callable[[Any], bool] | None = None


class Model(BaseModel):
    """An immutable part of a custom resource, camelCase outside and snake_case inside."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        broken = [rule.message for rule in self.rules if rule.check and not rule.check(self)]
        if broken:
            raise ValueError("; ".join(broken))
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        target = handler.resolve_ref_schema(schema)
        if cls.rules:
            target["x-kubernetes-validations"] = [
                {"rule": rule.cel, "message": rule.message} for rule in cls.rules
            ]
        return schema

    def to_json(self) -> JsonObject:
        """This model as JSON for the API server, without the fields that are not set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in an object: the field's path and what is expected of it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidObjectError(Exception):
    """An object that cannot be used as it is; `problems` says which fields, and why."""

    def __init__(self, ref: ObjectRef, problems: Iterable[Problem]) -> None:
        self.ref = ref
        self.problems = tuple(problems)
        super().__init__(f"{ref}: " + "; ".join(str(problem) for problem in self.problems))


class ObjectMeta(Model):
    """The part of Kubernetes' ObjectMeta that the operator reads."""

    name: ObjectName
    namespace: DnsLabel | Literal[""] = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrinterColumn:
    """A column of `kubectl get`; `wide` ones are shown with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the scale subresource finds its numbers."""

    spec_replicas: str
    status_replicas: str
    selector: str


@dataclass(frozen=True, slots=True)
class Definition:
    """What a CustomResourceDefinition says of a kind besides its schema."""

    kind: str
    plural: str
    short_names: tuple[str, ...]
    namespaced: bool
    columns: tuple[PrinterColumn, ...] = ()
    scale: Scale | None = None


class CustomResource(Model):
    """A kind of ours. Subclasses declare `definition`, `spec` and, where there is one, `status`."""

    definition: ClassVar[Definition]

    metadata: ObjectMeta

    @property
    def ref(self) -> ObjectRef:
        """The name of this object."""
        return ObjectRef(
            API_VERSION, self.definition.kind, self.metadata.namespace, self.metadata.name
        )

    @classmethod
    def parse(cls, obj: JsonObject, *, strict: bool = False) -> Self:
        """Read `obj`; unknown fields are refused when `strict`, as for a file, else passed over.

        A field that is null counts as not set. Raises InvalidObjectError with the path of every
        field that cannot be used.
        """
        fields = {key: part for key, part in obj.items() if key not in {"apiVersion", "kind"}}
        metadata = fields.get("metadata")
        if isinstance(metadata, dict):
            fields["metadata"] = {
                key: part
                for key, part in metadata.items()
                if key in _METADATA_READ or (strict and key not in _METADATA)
            }
        try:
            # By way of JSON, since it has Kubernetes' types: there "5" is no number, 1 not true.
            return cls.model_validate_json(
                orjson.dumps(_as_server_reads(fields)),
                strict=True,
                extra="forbid" if strict else "ignore",
            )
        except ValidationError as error:
            problems = [Problem(path, message) for path, message in explain(error, cls)]
            raise InvalidObjectError(cls._ref_in(obj), problems) from None

    @classmethod
    def _ref_in(cls, obj: JsonObject) -> ObjectRef:
        metadata = obj.get("metadata")
        named = metadata if isinstance(metadata, dict) else {}
        return ObjectRef(
            API_VERSION,
            cls.definition.kind,
            str(named.get("namespace") or ""),
            str(named.get("name") or "without a name"),
        )


_METADATA_READ = frozenset(field.alias or name for name, field in ObjectMeta.model_fields.items())
_METADATA = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""The fields of Kubernetes' ObjectMeta."""


def _as_server_reads(value: Any) -> Any:
    """`value` without nulls, and with numbers such as 75.0 as the whole numbers that they are."""
    if isinstance(value, dict):
        return {key: _as_server_reads(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_as_server_reads(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
