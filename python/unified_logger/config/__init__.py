"""Configuration: from arguments, environment, file and defaults to one checked `Settings`."""

from .resolve import FileSettings, Settings, resolve

__all__ = ["FileSettings", "Settings", "resolve"]
