"""
Packages that a Function may replace: its own are looked up first, by the handler only.

The server has loaded its packages before. Kyma's images bring cloudevents 1.x, this one 2.x: modules of the old
interface are found where 2.x keeps them, unless the Function has installed 1.x itself.
"""

import importlib
import importlib.util
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from function_server import tracing

_OLD, _NEW = "cloudevents.", "cloudevents.v1."


def first() -> None:
    """Put the Function's packages before the server's, and make the old interface of cloudevents importable."""
    sys.path[:0] = own_paths
    sys.meta_path.append(_OldCloudEvents())
    sys.meta_path.insert(0, tracing.RequestsFinder())


own_paths: list[str] = []
"""What server.py has taken from the front of sys.path: the entries of PYTHONPATH."""


class _OldCloudEvents(MetaPathFinder):
    """Finds `cloudevents.http` and the like, which no other finder has found, in `cloudevents.v1`."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        """Return a spec that loads the module of `cloudevents.v1` under the old name; see importlib."""
        if not name.startswith(_OLD) or name.startswith(_NEW):
            return None
        found = _NEW + name.removeprefix(_OLD)
        try:
            exists = importlib.util.find_spec(found)
        except ImportError:
            return None
        return importlib.util.spec_from_loader(name, _Alias(found)) if exists else None


class _Alias(Loader):
    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, _: ModuleSpec) -> Any:
        """Return the module of the new name."""
        return importlib.import_module(self.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: the module has been executed under its own name."""
