"""The configuration of a program, for commands that are asked about it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..config import OPTIONS, resolve
from ..config.file import is_pipe, load_again, load_config, load_without_errors, without
from ..config.kinds import LEVEL
from ..errors import ConfigurationError
from ..levels import name_of

if TYPE_CHECKING:
    from typing import Any

    from ..config import Settings
    from ..config.options import Option

# So many errors are told.
_MOST = 50
_HIDDEN = "(not shown)"


def errors_and_warnings(path: str | None) -> tuple[list[ConfigurationError], list[str], Settings | None]:
    """All that is wrong with a configuration file and this environment, as a program would find it.

    Args:
        path: The file; None for the environment alone.

    Returns:
        The errors, the warnings that a program would log, and the settings without what is wrong; None if there are none.
    """
    errors: list[ConfigurationError] = []
    file: dict[str, Any] = {}
    if path is not None:
        try:
            file, errors = load_without_errors(path)
        except ConfigurationError as error:
            return [error], [], None
    environ = dict(os.environ)
    while len(errors) < _MOST:
        try:
            settings = resolve({}, file=file or None, file_path=path, environ=environ)
        except ConfigurationError as error:
            errors.append(error)
            if not (_without_variable(environ, error) or (error.source == path and without(file, error.key))):
                return errors, [], None
        else:
            return errors, list(settings.notices), settings
    return errors, [], None


def _without_variable(environ: dict[str, str], error: ConfigurationError) -> bool:
    name = error.key if error.source == "environment" else error.source.removeprefix("environment variable ")
    return environ.pop(name, None) is not None


def settings_of(path: str | None) -> tuple[Settings, dict[str, Any] | None]:
    """The settings of a program with this file in this environment, and the content of the file with its lines.

    Args:
        path: The file; None for the environment alone.

    Raises:
        ConfigurationError: Something is wrong.
    """
    # What a pipe has can be read once, and without lines.
    file = None if path is None else load_config(path) if is_pipe(path) else load_again(path)
    return resolve({}, file=file, file_path=path, environ=os.environ), file


def shown(option: Option, settings: Settings, *, is_given: bool) -> Any:
    """The value of an option as JSON has it, and nothing of a secret.

    Args:
        option: The option.
        settings: The settings.
        is_given: Whether any source gives it.
    """
    value = getattr(settings, option.name)
    if option.hidden:
        return _HIDDEN if is_given else value
    if option is OPTIONS["levels"]:
        return {name: name_of(level) for name, level in value.items()}
    if option.kind is LEVEL:
        return name_of(value)
    if option.kind.name == "mode":
        return oct(value)[2:]
    return _plain(value, "")


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(below, str(name)) for name, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, key) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and key in ("level", "max_level"):
        return name_of(value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    return f"{module}:{name}" if module and name else f"<{type(value).__name__}>"
