"""Finds or builds the programs of a Kubernetes control plane, pinned by hack/tools/*/go.mod.

Imports the standard library only: it runs before anything is installed.
"""

from toolbox.catalog import CONTROL_PLANE, TOOLS, Tool
from toolbox.errors import ToolError
from toolbox.provision import provide

__all__ = ["CONTROL_PLANE", "TOOLS", "Tool", "ToolError", "provide"]
