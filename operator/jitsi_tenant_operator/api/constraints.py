"""What a field must keep to, said once for pydantic, for the API server and for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

EXPECTED = "x-expected"
"""The keyword that carries the words of `Expected` to the reference pages; CRDs leave it out."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Says in words what a scalar must be, in place of the pattern that it did not match."""

    words: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.custom_error_schema(
            handler(source),
            custom_error_type="unexpected",
            custom_error_message=f"expected {self.words}",
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), EXPECTED: self.words}


@dataclass(frozen=True, slots=True)
class Written:
    """How a date or an instant is written; Python and Go each let other spellings pass too."""

    pattern: str
    read: Callable[[str], date]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}

    def _read(self, value: Any) -> date:
        if isinstance(value, date):
            return value
        if isinstance(value, str) and re.search(self.pattern, value):
            return self.read(value)
        raise ValueError("written otherwise")


@dataclass(frozen=True, slots=True)
class Verified:
    """A scalar that a function of CEL verifies on the API server, and `check` here alike."""

    cel: str
    message: str
    check: Callable[[str], bool]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._verify, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            **handler(schema),
            "x-kubernetes-validations": [{"rule": self.cel, "message": self.message}],
        }

    def _verify(self, value: str) -> str:
        if not self.check(value):
            raise ValueError(self.message)
        return value


@dataclass(frozen=True, slots=True)
class SetList:
    """A list whose items differ from one another; server-side apply merges it as a set."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_all_differ, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "x-kubernetes-list-type": "set"}


@dataclass(frozen=True, slots=True)
class AtomicList:
    """A list with one writer, which replaces it as a whole.

    The API server keeps no book of who owns which item, which is most of the price of a write.
    """

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "x-kubernetes-list-type": "atomic"}


@dataclass(frozen=True, slots=True)
class MapList:
    """A list of objects that differ in `key`; server-side apply merges it by that field."""

    key: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._differ, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            **handler(schema),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [self.key],
        }

    def _differ(self, items: Sequence[Any]) -> Sequence[Any]:
        _all_differ([getattr(item, self.key) for item in items], f"each with another {self.key}")
        return items


def _all_differ(items: Sequence[Any], expectation: str = "each item once") -> Sequence[Any]:
    if len(set(items)) != len(items):
        raise PydanticCustomError(
            "duplicate", "expected {expectation}", {"expectation": expectation}
        )
    return items
