"""What records have of exceptions, and which code is the application's."""

from __future__ import annotations

import sys

from .. import _core
from . import notices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config import Settings

_PACKAGE = __name__.partition(".")[0]
# Who starts logging in the name of these is no application.
_OTHERS = tuple(f"{_PACKAGE}.{name}" for name in ("integrations", "logging_config", "pytest_plugin", "process.reload"))

# The package that started logging, if it is installed as libraries are.
_package: str | None = None


def start(settings: Settings) -> None:
    """Has the exceptions of later records shown as the settings say."""
    global _package
    _package = _caller() or _package
    given = settings.exceptions
    form, takes_variables = given.get("form", "both"), given.get("locals", False)
    if takes_variables:
        # Not later, when there may be no descriptor left.
        from ..values import variables  # noqa: F401 - the native core imports it
    application = [*given.get("application", ())]
    can_take = _core.set_exceptions(
        form != "frames",
        form != "text",
        given.get("library_frames", "fold") == "fold",
        takes_variables,
        application if _package is None else [*application, _package],
        [*given.get("libraries", ())],
    )
    if not can_take:
        notices.report("exceptions.locals has no effect: local variables of this interpreter cannot be read")


def stop() -> None:
    """Nothing: exceptions may be logged until the end."""


def in_child() -> None:
    """Nothing: the child has the settings of its parent."""


def _caller() -> str | None:
    """The outermost package of the code that starts logging, if it is installed.

    An application may be installed as a package, beside the libraries that it uses. Nothing but this call distinguishes it from them.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        name = frame.f_globals.get("__name__")
        if not isinstance(name, str) or name.startswith(_OTHERS):
            return None
        package = name.partition(".")[0]
        if package != _PACKAGE:
            is_installed = {"site-packages", "dist-packages"} & {
                *frame.f_code.co_filename.replace("\\", "/").split("/")
            }
            return package if is_installed and package != "__main__" else None
    return None
