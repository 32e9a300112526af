"""Configuration: from arguments, environment, file and defaults to one checked `Settings`."""

from .resolve import resolve
from .sections import OPTIONS, SECTIONS, FileSettings, Settings

__all__ = ["OPTIONS", "SECTIONS", "FileSettings", "Settings", "resolve"]
