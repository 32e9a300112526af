"""Reports at import if the library that an integration needs is missing or too old."""

from __future__ import annotations

import importlib.util
import re
from importlib import metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def need(module: str, least: str, extra: str, distribution: str | None = None) -> None:
    """Makes sure that an integration's library is there. Called before that library is imported.

    Args:
        module: The module to import, such as 'flask'.
        least: The oldest version that works, such as '2.3'.
        extra: The extra of this package that installs it.
        distribution: The name of its distribution, if it is not that of the module.

    Raises:
        ImportError: The library is missing or too old. The text names the extra.
    """
    remedy = f"install unified_logger[{extra}]"
    name = distribution or module
    if not _is_there(module):
        raise ImportError(f"{name} {least} or later is needed and not installed: {remedy}", name=module)
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return  # It can be imported without having been installed, as in a frozen program, so its version is somebody's choice.
    if _numbers(found) < _numbers(least):
        raise ImportError(f"{name} {least} or later is needed, and this is {found}: {remedy}", name=module)


def need_one_of(modules: Mapping[str, str], extra: str) -> None:
    """Makes sure that one of several libraries is there that an integration works with, and that it is not too old.

    Args:
        modules: The modules, each with the oldest version that works. Those that are not installed are passed over.
        extra: The extra of this package that installs the first.

    Raises:
        ImportError: None is there, or only one that is too old.
    """
    there = [module for module in modules if _is_there(module)]
    errors = []
    for module in there or list(modules)[:1]:
        try:
            return need(module, modules[module], extra)
        except ImportError as error:
            errors.append(error)
    raise errors[0]


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # A parent of the module is missing.
        return False
    except ValueError:  # It was made by hand, without a specification.
        return True


def _numbers(version: str) -> tuple[int, ...]:
    """The release part of a version, without pre-release and local parts."""
    release = re.match(r"(?:\d+!)?(\d+(?:\.\d+)*)", version)
    numbers = [] if release is None else [int(part) for part in release[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()  # 2.0 is not older than 2.0.0.
    return tuple(numbers)
