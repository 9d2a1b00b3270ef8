"""Objects from files, for the commands that work without a cluster.

Files are read strictly: what the API server would pass over, such as an unknown field, is refused
here, and every problem names file, line, object and field.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jitsi_tenant_operator.api.documents import Document, DocumentError, documents
from jitsi_tenant_operator.api.kinds import BY_NAME
from jitsi_tenant_operator.api.model import CustomResource, InvalidObjectError, Problem
from jitsi_tenant_operator.api.objects import API_VERSION, GROUP, ObjectRef

MAX_BYTES = 1024 * 1024
_STDIN = Path("-")
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """What is wrong in a file; `line` counts from 1 and is 0 for the file as a whole."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.message}"


class InvalidFilesError(Exception):
    """Files that cannot be used as they are; `problems` says where and why, one to a line."""

    def __init__(self, problems: Iterable[FileProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Placed:
    """An object, and the file and line at which it begins."""

    resource: CustomResource
    file: str
    line: int

    def problem(self, message: str) -> FileProblem:
        """What is wrong with this object."""
        return FileProblem(self.file, self.line, f"{self.resource.ref}: {message}")


def read_files(paths: Iterable[Path]) -> list[CustomResource]:
    """The objects of our kinds in `paths`, in the order in which they stand there.

    A folder stands for the YAML and JSON files in it, by name, and - for the standard input.
    Objects of other groups are passed over, since a tenant's file may well hold its Namespace.
    Raises InvalidFilesError with every problem of every file, also when two objects have one name.
    """
    return [placed.resource for placed in read_placed(paths)]


def read_placed(paths: Iterable[Path]) -> list[Placed]:
    """As `read_files`, each object with the place where it stands."""
    reader = _Reader()
    for path in paths:
        reader.read_path(path)
    return reader.result()


def read_text(text: str, name: str) -> list[CustomResource]:
    """As `read_files` for the text of one file, which messages call `name`."""
    reader = _Reader()
    reader.read(text, name)
    return [placed.resource for placed in reader.result()]


class _Reader:
    """Collects objects and problems over several files."""

    def __init__(self) -> None:
        self._objects: dict[ObjectRef, Placed] = {}
        self._problems: list[FileProblem] = []
        self._files: dict[str, None] = {}

    def result(self) -> list[Placed]:
        if self._problems:
            order = list(self._files)
            raise InvalidFilesError(
                sorted(self._problems, key=lambda found: (order.index(found.file), found.line))
            )
        return list(self._objects.values())

    def read_path(self, path: Path) -> None:
        file = "standard input" if path == _STDIN else str(path)
        try:
            if path.is_dir():
                for inside in sorted(path.iterdir()):
                    if inside.suffix in _SUFFIXES and inside.is_file():
                        self.read_path(inside)
                return
            with nullcontext(sys.stdin.buffer) if path == _STDIN else path.open("rb") as opened:
                content = opened.read(MAX_BYTES + 1)
        except OSError as error:
            self._add(file, 0, (error.strerror or type(error).__name__).lower())
            return
        if len(content) > MAX_BYTES:
            self._add(file, 0, f"larger than {MAX_BYTES // 1024} KiB")
            return
        try:
            self.read(content.decode("utf-8-sig"), file)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self._add(file, line, "not text in UTF-8")

    def read(self, text: str, file: str) -> None:
        try:
            for document in documents(text):
                self._read_document(document, file)
        except DocumentError as error:
            self._add(file, error.line, error.message)

    def _read_document(self, document: Document, file: str) -> None:
        for prefix, body in _objects(document.value):
            try:
                resource = _parse(body)
            except InvalidObjectError as error:
                for problem in error.problems:
                    line = document.line(_joined(prefix, problem.path))
                    self._add(file, line, f"{error.ref}: {problem}")
            except _NotAnObjectError as error:
                self._add(file, document.line(_joined(prefix, error.problem.path)), str(error))
            else:
                if resource is not None:
                    self._keep(resource, file, document.line(prefix))

    def _keep(self, resource: CustomResource, file: str, line: int) -> None:
        ref = resource.ref
        before = self._objects.get(ref)
        if before is not None:
            self._add(file, line, f"{ref}: stands in {before.file}:{before.line} already")
            return
        self._objects[ref] = Placed(resource, file, line)

    def _add(self, file: str, line: int, message: str) -> None:
        self._files.setdefault(file)
        self._problems.append(FileProblem(file, line, message))


class _NotAnObjectError(Exception):
    def __init__(self, path: str, message: str) -> None:
        self.problem = Problem(path, message)
        super().__init__(str(self.problem))


def _objects(value: Any) -> Iterator[tuple[str, Any]]:
    """The objects of a document, each with the path at which it stands: a List holds several."""
    if isinstance(value, dict) and value.get("kind") == "List" and value.get("apiVersion") == "v1":
        items = value.get("items")
        for index, item in enumerate(items if isinstance(items, list) else ()):
            yield f"items[{index}]", item
    else:
        yield "", value


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix and path else prefix or path


def _parse(body: Any) -> CustomResource | None:
    if not isinstance(body, dict):
        raise _NotAnObjectError("", "expected a Kubernetes object")
    api_version, kind = body.get("apiVersion"), body.get("kind")
    for field, value in (("apiVersion", api_version), ("kind", kind)):
        if not isinstance(value, str) or not value:
            raise _NotAnObjectError(field, "required, as in every Kubernetes object")
    ours = str(api_version).partition("/")[0] == GROUP
    if not ours and kind not in BY_NAME:
        return None
    if kind not in BY_NAME:
        close = difflib.get_close_matches(str(kind), BY_NAME, n=1) or sorted(BY_NAME)
        raise _NotAnObjectError("kind", f"unknown in {GROUP}; expected {', '.join(close)}")
    if api_version != API_VERSION:
        raise _NotAnObjectError("apiVersion", f"expected {API_VERSION} for a {kind}")
    resource = BY_NAME[str(kind)].parse(body, strict=True)
    _check_scope(resource)
    return resource


def _check_scope(resource: CustomResource) -> None:
    namespace, kind = resource.metadata.namespace, resource.definition.kind
    if resource.definition.namespaced and not namespace:
        wrong = f"required, since a {kind} lives in a namespace of its own"
    elif namespace and not resource.definition.namespaced:
        wrong = f"a {kind} belongs to the whole cluster and has no namespace"
    else:
        return
    raise InvalidObjectError(resource.ref, [Problem("metadata.namespace", wrong)])
