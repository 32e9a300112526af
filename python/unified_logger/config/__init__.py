"""Configuration: from arguments, environment, file and defaults to one checked `Settings`."""

from .file import load_config
from .resolve import FileSettings, Settings, resolve

__all__ = ["FileSettings", "Settings", "load_config", "resolve"]
