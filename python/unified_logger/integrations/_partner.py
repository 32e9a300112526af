"""Tells at import when what an integration builds on is missing or too old."""

from __future__ import annotations

import importlib.util
import re
from importlib import metadata


def need(module: str, least: str, extra: str, distribution: str | None = None) -> None:
    """Makes sure that an integration's partner is there. Called before the partner is imported.

    Args:
        module: What is imported, such as 'flask'.
        least: The oldest version that will do, such as '2.3'.
        extra: The extra of this package that installs it.
        distribution: What is installed, where it is not called like the module.

    Raises:
        ImportError: The partner is missing or too old. Names the extra.
    """
    remedy = f"install unified_logger[{extra}]"
    name = distribution or module
    if not _is_there(module):
        raise ImportError(f"{name} {least} or later is needed and not installed: {remedy}", name=module)
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return  # Importable without having been installed, as in a frozen program: whoever put it there chose it.
    if _numbers(found) < _numbers(least):
        raise ImportError(f"{name} {least} or later is needed, and this is {found}: {remedy}", name=module)


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # A parent of the module is missing.
        return False
    except ValueError:  # It was made by hand, without a specification.
        return True


def _numbers(version: str) -> tuple[int, ...]:
    """The release part of a version; what makes it a pre-release or a local one is left out."""
    release = re.match(r"(?:\d+!)?(\d+(?:\.\d+)*)", version)
    numbers = [] if release is None else [int(part) for part in release[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()  # 2.0 is no older than 2.0.0.
    return tuple(numbers)
