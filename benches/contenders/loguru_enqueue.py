"""loguru with serialize=True and enqueue=True."""

from . import loguru_plain
from .loguru_plain import KIND, OMITS, calls, disabled, errors, files, finish, start

__all__ = ["KIND", "OMITS", "TITLE", "calls", "disabled", "errors", "files", "finish", "start"]

TITLE = "loguru, enqueue=True"
loguru_plain.ENQUEUE = True
