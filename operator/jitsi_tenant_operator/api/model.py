"""The base of all models: how an object is parsed, how its rules are stated, how it is written.

A rule that joins several fields is stated once, as CEL for the API server and as a predicate for
everything that reads files without one; `tests/integration/api` holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails

from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef


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
        for rule in self.rules:
            if rule.check is not None and not rule.check(self):
                raise ValueError(rule.message)
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
        return f"{self.path}: {self.message}"


class InvalidObjectError(Exception):
    """An object that cannot be used as it is; `problems` says which fields, and why."""

    def __init__(self, ref: ObjectRef, problems: Iterable[Problem]) -> None:
        self.ref = ref
        self.problems = tuple(problems)
        super().__init__(f"{ref}: " + "; ".join(str(problem) for problem in self.problems))


class ObjectMeta(Model):
    """The part of Kubernetes' ObjectMeta that the operator reads."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
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

        Raises InvalidObjectError with the path of every field that cannot be used.
        """
        known = {key: obj[key] for key in ("spec", "status") if key in obj}
        metadata = {"metadata": ObjectMeta.model_validate(obj.get("metadata") or {})}
        try:
            return cls.model_validate(
                {**metadata, **known}, extra="forbid" if strict else "ignore"
            )
        except ValidationError as error:
            problems = [Problem(_path(detail), _expectation(detail)) for detail in error.errors()]
            raise InvalidObjectError(ObjectRef.of(obj), problems) from None


def _path(detail: ErrorDetails) -> str:
    path = ""
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _expectation(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "unknown field"
    if detail["type"] == "missing":
        return "required"
    return detail["msg"].removeprefix("Value error, ")
