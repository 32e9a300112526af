"""This library without its black box: what the safety from kills costs."""

from . import ours
from .ours import KIND, OMITS, calls, disabled, errors, files, finish, start

__all__ = ["KIND", "OMITS", "TITLE", "calls", "disabled", "errors", "files", "finish", "start"]

TITLE = "unified_logger, black box off"
ours.OPTIONS["black_box"] = "off"
