"""Where programs may already be: a folder of the user's own, and the cache of earlier builds."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolbox.catalog import Tool
from toolbox.errors import ToolError


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look, in this order, and where to put what is built."""

    assets: Path | None
    cache: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Places:
        """KUBEBUILDER_ASSETS, and a folder below XDG_CACHE_HOME.

        Raises ToolError when KUBEBUILDER_ASSETS names no folder: what was asked for explicitly is
        not silently left aside.
        """
        environ = os.environ if environ is None else environ
        named = environ.get("KUBEBUILDER_ASSETS")
        if named and not Path(named).is_dir():
            raise ToolError(f"KUBEBUILDER_ASSETS={named} is not a folder; correct or unset it.")
        home = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
        return cls(Path(named) if named else None, Path(home) / "jitsi-tenant-operator" / "tools")

    def built(self, tool: Tool) -> Path:
        """The place of `tool` in the cache, whether it is there or not."""
        return self.cache / tool.cache_name / tool.name

    def find(self, tool: Tool) -> Path | None:
        """The program, where it is already."""
        for path in (self.assets and self.assets / tool.name, self.built(tool)):
            if path and is_program(path):
                return path
        return None


def is_program(path: Path) -> bool:
    """Whether `path` is a file that may be executed."""
    return path.is_file() and os.access(path, os.X_OK)


def kubectl(environ: Mapping[str, str] | None = None) -> Path:
    """kubectl from KUBEBUILDER_ASSETS, else beside this Python, else from PATH; else ToolError."""
    assets = Places.from_environment(environ).assets
    for folder in (assets, Path(sys.executable).parent):
        if folder and is_program(folder / "kubectl"):
            return folder / "kubectl"
    found = shutil.which("kubectl")
    if found is None:
        raise ToolError("kubectl is missing: run `make install`, which puts it into .venv/bin.")
    return Path(found)
