"""Calls a function once a module is imported, without importing it."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_waiting: dict[str, Callable[[ModuleType], None]] = {}


def when_imported(name: str, call: Callable[[ModuleType], None]) -> None:
    """Calls a function with a module: now if it is imported already, else at the end of its first import.

    Args:
        name: The module, which need not be installed. A later call for the same module replaces the function.
        call: The function. It must not raise.
    """
    module = imported(name)
    if module is not None:
        call(module)
        return
    _waiting[name] = call
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def forget(name: str) -> None:
    """Reverts `when_imported` for a module that has not been imported since."""
    _waiting.pop(name, None)
    if not _waiting and _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def imported(name: str) -> ModuleType | None:
    """A module, if it is imported. If another thread is importing it now, its end is waited for."""
    return None if sys.modules.get(name) is None else importlib.import_module(name)


class _Finder:
    """Finds a module that is waited for as the other finders do, and lets its loader tell when it has loaded it."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The specification of a module that is waited for; None for all others."""
        if name not in _waiting:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = None if find is None else find(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)  # type: ignore[assignment] # has what the import needs
                return spec
        return None


class _Loader:
    """Loads with the loader of a module, and calls the function that waits for it.

    Args:
        loader: The loader, which the module has afterwards as if this class were not there.
    """

    def __init__(self, loader: Any) -> None:
        self._loader: Loader = loader

    def __getattr__(self, name: str) -> Any:
        """What else the loader has, such as the code and the data of the module."""
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Makes the module."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        call = _waiting.get(module.__name__)
        if call is not None:
            call(module)
            forget(module.__name__)


_finder: Any = _Finder()
