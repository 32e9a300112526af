"""Which library and which interpreter answer."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from ... import _core
from ._place import NOTE, TROUBLE, WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "core"


def look(_: Place) -> Iterator[Finding]:
    """Tells versions, and what does not fit."""
    path = os.path.abspath(str(_core.__file__))
    try:
        number = version("unified_logger")
    except PackageNotFoundError:
        number = "of unknown version"
    has_lock = getattr(sys, "_is_gil_enabled", lambda: True)()
    threads = (
        ""
        if not sysconfig.get_config_var("Py_GIL_DISABLED")
        else f", free-threaded build, lock {'on' if has_lock else 'off'}"
    )
    gevent = ", gevent is installed" if _has_gevent() else ""
    yield Finding(
        _NAME,
        NOTE,
        f"unified_logger {number} in {os.path.dirname(path)}, core {os.path.basename(path)}, "
        f"{platform.python_implementation()} {platform.python_version()}{threads}{gevent}, {platform.system()} {platform.machine()}.",
    )
    package = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    if os.path.dirname(path) != package:
        yield Finding(
            _NAME,
            TROUBLE,
            f"The core comes from {os.path.dirname(path)}, and the package from {package}.",
            "Two installations are mixed.",
            "Install the package anew: pip install --force-reinstall unified_logger",
        )
    unknown = [name for name, is_known in _core.internals().items() if not is_known]
    if unknown:
        yield Finding(
            _NAME,
            WARNING,
            f"The core does not know this interpreter's {', '.join(unknown)}.",
            "It asks the interpreter in slower ways.",
            "Use a release of Python that this version was made for, or a later version of the library.",
        )


def _has_gevent() -> bool:
    try:
        version("gevent")
    except PackageNotFoundError:
        return False
    return True
