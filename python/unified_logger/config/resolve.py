"""Finds the value of every option: argument over environment over file over default."""

from __future__ import annotations

import re

from ..errors import ALL_OPTIONS, ConfigurationError, PartError, nearest, unknown_shown
from .mappings import Lined
from .options import Given
from .sections import OPTIONS, SECTIONS, Settings, wrong_option
from .sections.files import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .options import Option

# Variables that Kubernetes gives every container of a namespace that has a Service called `unified-logger…`, each with `=` and its value.
# A bare `…_PORT` has an address there: with a number, it is meant for this package and misspelt.
_OF_KUBERNETES = (
    r"UNIFIED_LOGGER(_[A-Z0-9_]+)?_"
    r"(SERVICE_HOST=.*|SERVICE_PORT(_[A-Z0-9_]+)?=.*|PORT=\w+://.*|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=.*)"
)


def resolve(
    arguments: Mapping[str, object],
    *,
    file: Mapping[str, Any] | None = None,
    file_path: str | None = None,
    environ: Mapping[str, str],
    by_handler: bool = False,
) -> Settings:
    """Resolves every option.

    Args:
        arguments: Options given by the program, and only those.
        file: A configuration as `load_config` returns it.
        file_path: Its path, for messages.
        environ: The environment.
        by_handler: Whether logging is started by a handler that the application makes. Then the root logger stays as it is, unless a level is given.

    Returns:
        The settings.

    Raises:
        ConfigurationError: An option is unknown or its value not allowed.
    """
    given, foreign = _given(arguments, file, file_path, environ, by_handler)
    given.values = {name: _value(option, given) for name, option in OPTIONS.items()}
    for section in SECTIONS:
        try:
            given.values |= section.settle(given)
        except ConfigurationError as wrong:
            if wrong.source == given.source and wrong.line is None and isinstance(file, Lined):
                wrong.line = file.line_of(wrong.key)
            raise
    return Settings(**given.values, notices=(*foreign, *given.notices))


def sources(file: Mapping[str, Any] | None, file_path: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    """Which source gives each option, for people who ask.

    Args:
        file: A configuration as `load_config` returns it.
        file_path: Its path.
        environ: The environment.

    Returns:
        The source of each option that any gives: the path of the file, with the line where that is known, or the variable of the environment.

    Raises:
        ConfigurationError: An option is unknown or its value not allowed.
    """
    given, _ = _given({}, file, file_path, environ, False)
    found = {}
    for name, option in OPTIONS.items():
        if not given.has(name):
            continue
        found[name] = given.source_of(name)
        if name not in given.environment and isinstance(file, Lined):
            places = [place for place in option.file if place in file.lines]
            found[name] += f":{file.lines[places[-1]]}" if places else ""
    return found


def _given(
    arguments: Mapping[str, object],
    file: Mapping[str, Any] | None,
    file_path: str | None,
    environ: Mapping[str, str],
    by_handler: bool,
) -> tuple[Given, list[str]]:
    """All that was given, each option checked by itself, and a sentence about each value that is for another program."""
    config: dict[str, Any] = dict(file or {})
    source = file_path or "configuration"
    if config:
        from . import layout  # A program that reads files has it already.

        layout.check(config, source, {})
    environ, foreign = _without_foreign(environ, arguments)
    given = Given(
        source,
        bool(file_path),
        by_handler,
        config,
        _from_file(config),
        _from_environment(environ),
        _from_arguments(arguments),
        environ,
    )
    return given, foreign


def _value(option: Option, given: Given) -> Any:
    values = [value for _, value in given.each(option.name)]
    return values[-1] if values else option.parse(option.default)


def _from_arguments(arguments: Mapping[str, object]) -> dict[str, Any]:
    known = [*OPTIONS]
    return {
        name: _parsed(_option_named(name, value, known, "argument"), value, "argument")
        for name, value in arguments.items()
    }


def _option_named(name: str, value: object, known: list[str], source: str) -> Option:
    option = OPTIONS.get(name)
    if option is None or name not in known:
        raise ConfigurationError(
            source=source,
            key=name,
            value=unknown_shown(name, value),
            allowed=f"a value of a known option: {', '.join(known)}",
            suggestion=nearest(name, known),
            unknown="option",
            hint=ALL_OPTIONS,
        )
    return option


def _parsed(option: Option, value: object, source: str) -> Any:
    return _checked(option, value, source, option.parse)


def _checked(option: Option, value: Any, source: str, parse: Callable[[Any], Any]) -> Any:
    try:
        return parse(value)
    except PartError as wrong:
        raise wrong_option(wrong, option.name).of(source, option.name) from None
    except (ValueError, TypeError, KeyError) as wrong:
        allowed, suggestion = option.kind.refused(value, wrong)
        shown = option.kind.shown(value)
        raise ConfigurationError(
            source=source, key=option.name, value=shown, allowed=allowed, suggestion=suggestion
        ) from None


def _without_foreign(
    environ: Mapping[str, str], arguments: Mapping[str, object]
) -> tuple[Mapping[str, str], list[str]]:
    """The environment without values for other programs, and a sentence about each value that was left out.

    Variables such as `LOG_LEVEL` are shared: `trace` or `info,hyper=warn` is for another program, and no reason not to start. `LOG_DIR` is
    not left out, because otherwise the files would be in an unexpected directory.
    """
    kept = {
        name: text
        for name, text in environ.items()
        if not (name.startswith("UNIFIED_LOGGER_") and re.fullmatch(_OF_KUBERNETES, f"{name}={text}", re.DOTALL))
    }
    notices: list[str] = []
    for option in OPTIONS.values():
        variable = option.variable(kept)
        if variable is None or not variable.startswith("LOG_") or option.kind is DIRECTORY:
            continue
        try:
            _of_variable(option, variable, kept[variable])
        except ConfigurationError as error:
            del kept[variable]
            if option.name not in arguments:
                notices.append(
                    f"{error.sentence}; left out, since it may be meant for another program ({option.variables[0]} is for this one)"
                )
    return kept, notices


def _of_variable(option: Option, variable: str, text: str) -> Any:
    return _checked(option, text.strip(), f"environment variable {variable}", option.parse_text)


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    given: dict[str, tuple[str, Any]] = {}
    own = {variable for option in OPTIONS.values() for variable in option.variables}
    for variable, text in environ.items():
        if variable.startswith("UNIFIED_LOGGER_") and variable not in own:
            near = nearest(variable.removeprefix("UNIFIED_LOGGER_"), [name.upper() for name in OPTIONS])
            raise ConfigurationError(
                source="environment",
                key=variable,
                value=unknown_shown(variable, text),
                allowed="the variable of a known option",
                suggestion=near and f"UNIFIED_LOGGER_{near}",
                unknown="variable",
                hint=_as_key(variable) or ALL_OPTIONS,
            )
    for option in OPTIONS.values():
        found = option.variable(environ)
        if found is not None:
            given[option.name] = found, _of_variable(option, found, environ[found])
    return given


def _as_key(variable: str) -> str | None:
    """How to give what an unknown variable means, if it is named after a key of an option: `UNIFIED_LOGGER_METRICS_PORT` is `metrics.port`."""
    for option in OPTIONS.values():
        key = variable.removeprefix(f"{option.variables[0]}_").lower()
        if option.layout is not None and key != variable.lower() and key in option.layout():
            return f"{option.name}.{key} is given as JSON: {option.variables[0]}='{{\"{key}\": ...}}'"
    return None


def _from_file(config: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a file, also those in the blocks of the previous module's layout."""
    found = {option: option.in_file(config) for option in OPTIONS.values()}
    return {option.name: option.parse(value) for option, value in found.items() if value is not None}
