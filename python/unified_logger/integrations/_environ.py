"""What the middlewares read of the environ of WSGI (PEP 3333)."""

from __future__ import annotations

from io import UnsupportedOperation

from ..context import propagation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Statuses of responses that have no body.
WITHOUT_BODY = (204, 304)


class Headers:
    """Finds the wanted headers in the environ of WSGI."""

    __slots__ = ("_names", "_settings")

    def __init__(self) -> None:
        self._settings: propagation.Settings | None = None
        self._names: tuple[tuple[str, str], ...] = ()

    def of(self, environ: Mapping[str, Any]) -> dict[str, str]:
        """The wanted headers of a request, by lower-case name."""
        settings = propagation._settings
        if settings is not self._settings:
            # The names first: another thread may read both at the same time.
            self._names = tuple(("HTTP_" + name.upper().replace("-", "_"), name) for name in settings.wanted)
            self._settings = settings
        for key, _ in self._names:
            if key in environ:
                return {name: environ[key] for key, name in self._names if key in environ}
        return _NONE


_NONE: dict[str, str] = {}


def path_of(environ: Mapping[str, Any]) -> str:
    """The path of a request as text. WSGI has its bytes, each as a character."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1", "replace").decode("utf-8", "replace")


def position(file: Any) -> int:
    """The present position in a file; 0 if the file does not know it."""
    try:
        return int(file.tell())
    except (AttributeError, OSError, TypeError, ValueError, UnsupportedOperation):
        return 0
