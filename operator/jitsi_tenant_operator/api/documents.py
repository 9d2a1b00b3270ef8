"""YAML text as Kubernetes reads it, with the line that each field stands on.

Like kubectl and unlike PyYAML's own loaders, a date is text, 4:30 is no number of seconds, and a
number without a fraction is a whole one. Unlike kubectl, a key that is given twice is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from jitsi_tenant_operator.api.problems import Location, path_of

MAX_DEPTH = 64
MAX_VALUES = 50_000
"""How many values a document may hold, aliases written out: far more than any object of ours."""

_TAG = "tag:yaml.org,2002:"
_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_INT = re.compile(r"[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LARGEST = 2**63 - 1


class DocumentError(Exception):
    """Text that is not a YAML document as Kubernetes takes it; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(f"line {line}: {message}")


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its value, and the line of each field by the field's path."""

    value: Any
    lines: Mapping[str, int]

    def line(self, path: str) -> int:
        """The line of the field at `path`, or else of the innermost field around it."""
        while path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines[path]


def documents(text: str) -> Iterator[Document]:
    """The documents of a YAML (or JSON) text, without the empty ones. Raises DocumentError."""
    try:
        for node in yaml.compose_all(text, Loader=yaml.BaseLoader):
            document = _Builder().document(node)
            if document.value is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(mark.line + 1 if mark else 1, error.problem or "not YAML") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise DocumentError(line, "a character that YAML does not allow") from None
    except RecursionError:
        raise DocumentError(1, f"nested more than {MAX_DEPTH} levels deep") from None


class _Builder:
    """Makes the value of one document, counting what it makes: aliases of aliases grow fast."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._made = 0

    def document(self, node: Node) -> Document:
        return Document(self._value(node, ()), self._lines)

    def _value(self, node: Node, loc: Location) -> Any:
        self._made += 1
        if self._made > MAX_VALUES:
            raise _error(node, f"more than {MAX_VALUES} values, aliases written out")
        if len(loc) > MAX_DEPTH:
            raise _error(node, f"nested more than {MAX_DEPTH} levels deep")
        self._lines.setdefault(path_of(loc), _line(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode):
            return [self._value(item, (*loc, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return _scalar(node)

    def _mapping(self, node: MappingNode, loc: Location) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value == "<<" and key.style is None:
                merged = {**self._merged(value, loc), **merged}
                continue
            name = _scalar(key) if isinstance(key, ScalarNode) else None
            if not isinstance(name, str):
                raise _error(key, "a key that is not text: put it in quotes")
            if name in own:
                raise _error(key, f"{name} is given twice")
            self._lines[path_of((*loc, name))] = _line(key)
            own[name] = self._value(value, (*loc, name))
        return {**merged, **own}

    def _merged(self, node: Node, loc: Location) -> dict[str, Any]:
        """What `<<` brings in: one mapping, or several of which the first wins."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, MappingNode):
                raise _error(part, "expected keys and values to merge")
            merged = {**self._value(part, (*loc, "<<")), **merged}
        return merged


def _scalar(node: ScalarNode) -> Any:
    text: str = node.value
    if node.style is not None and node.tag == f"{_TAG}str":
        return text
    if node.tag != f"{_TAG}str":
        raise _error(node, "a value with a tag of YAML: write it without")
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    return _number(node, text)


def _number(node: ScalarNode, text: str) -> int | float | str:
    number: int | float
    if _INT.fullmatch(text):
        number = _whole(node, text.replace("_", ""))
    elif _FLOAT.fullmatch(text):
        number = float(text.replace("_", ""))
        number = int(number) if number.is_integer() else number
    elif _NO_NUMBER.fullmatch(text):
        raise _error(node, "no number that JSON can hold")
    else:
        return text
    if abs(number) > _LARGEST:
        raise _error(node, "a number that is out of range")
    return number


def _whole(node: ScalarNode, text: str) -> int:
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits.isdigit() and digits.startswith("0")
    try:
        return int(text, 8 if octal else 0)
    except ValueError:
        raise _error(node, "no number; text needs quotes here") from None


def _error(node: Node, message: str) -> DocumentError:
    return DocumentError(_line(node), message)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
