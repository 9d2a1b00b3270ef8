"""What Argo CD makes of an object: its health and actions, by Lua as Argo CD runs it.

Scripts from argocd-cm run without the open libraries: they have the base functions, `table`, and of
`os` the time (https://argo-cd.readthedocs.io/en/stable/operator-manual/health/).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lupa import lua51  # type: ignore[import-untyped]

CUSTOMIZATIONS = (
    Path(__file__).resolve().parents[2] / "manifests" / "argocd" / "resource_customizations"
)

_CLOSED = """
debug.setmetatable("", nil)
local safe = { date = os.date, time = os.time }
for _, name in ipairs({ "string", "math", "io", "debug", "coroutine", "python", "os" }) do
  _G[name] = nil
  package.loaded[name] = nil
end
os = safe
package.loaded.os = safe
"""


@dataclass(frozen=True, slots=True)
class Health:
    """How Argo CD shows an object."""

    status: str
    message: str


def health(obj: Mapping[str, Any], script: str, *, open_libraries: bool = False) -> Health | None:
    """What a health script says of `obj`; None where it says nothing."""
    found = _run(obj, script, open_libraries=open_libraries)
    return None if found is None else Health(found["status"], found.get("message", ""))


def actions(obj: Mapping[str, Any], script: str) -> dict[str, dict[str, Any]]:
    """The actions that a discovery script offers for `obj`, each with what it says of it."""
    return dict(_run(obj, script))


def acted(obj: Mapping[str, Any], script: str) -> dict[str, Any]:
    """`obj` as an action leaves it."""
    return dict(_run(obj, script))


def _run(obj: Mapping[str, Any], script: str, *, open_libraries: bool = False) -> Any:
    runtime = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False)
    if not open_libraries:
        runtime.execute(_CLOSED)
    runtime.globals().obj = _to_lua(runtime, obj)
    return _from_lua(runtime.execute(script))


def _to_lua(runtime: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return runtime.table_from({key: _to_lua(runtime, each) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return runtime.table_from([_to_lua(runtime, each) for each in value])
    return value


def _from_lua(value: Any) -> Any:
    if lua51.lua_type(value) != "table":
        return value
    keys = list(value.keys())
    if keys and keys == list(range(1, len(keys) + 1)):
        return [_from_lua(each) for each in value.values()]
    return {key: _from_lua(each) for key, each in value.items()}
