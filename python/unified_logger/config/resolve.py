"""From what was given to what holds: argument over environment over file over default."""

from __future__ import annotations

import os
import re

from .. import levels
from ..errors import ConfigurationError
from . import exposure, layout, redaction
from .kinds import PATH, NotAllowedError, PartError, nearest, unknown_shown
from .sections import OPTIONS, FileSettings, Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .options import Option

# The file of faulthandler. Not `.log`: it is no JSON, and what collects logs by that name would not understand it.
FAULTS = "faults.txt"
# What Kubernetes gives every container of a namespace that has a Service called `unified-logger…`.
_OF_KUBERNETES = r"UNIFIED_LOGGER(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"


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
        by_handler: Whether a handler starts logging that others make: then these say what the root logger has, but for a level that is given.

    Returns:
        The settings.

    Raises:
        ConfigurationError: An option is unknown or its value not allowed.
    """
    config: dict[str, Any] = dict(file or {})
    source = file_path or "configuration"
    layout.check(config, source, {})
    environ, foreign = _without_foreign(environ, arguments)
    layers = {
        source: _from_file(config),
        "environment variable UNIFIED_LOGGER_REDACTION": _from_environment(environ),
        "argument": _from_arguments(arguments),
    }
    given = {name: value for layer in layers.values() for name, value in layer.items()}
    values = {option.name: option.kind.parse(option.default) for option in OPTIONS.values()} | given
    handlers = {name: block or {} for name, block in (config.get("handlers") or {}).items()}
    values["console_format"] = _console_format(values["console_format"], given, handlers)
    log_dir = _directory(values["log_dir"], _origin("log_dir", arguments, environ, source))
    files = _files(values, config, handlers, arguments, environ, source)
    names = [file.name for file in files if file.enabled]
    exposed = exposure.notices(log_dir, names, values["dir_mode"], values["file_mode"])
    values |= {
        "log_dir": log_dir,
        "redaction": redaction.settle(
            ((origin, layer["redaction"]) for origin, layer in layers.items() if "redaction" in layer),
            values["redaction_hash_key"],
        ),
        "redaction_hash_key": None,  # Nobody needs it any more.
    }
    return Settings(
        **values,
        file_mode_given="file_mode" in given,
        dir_mode_given="dir_mode" in given,
        files=files,
        logger_levels=_logger_levels(arguments, environ, config),
        suppress_loggers=tuple(config.get("suppress_loggers") or ()),
        notices=(*foreign, *_notices(values, given, config), *exposed, *([] if file_path else _without_a_file(given))),
        on_root=not by_handler,
        sets_root_level=not by_handler or "log_level" in arguments,
    )


def _variable(option: Option, environ: Mapping[str, str]) -> str | None:
    """The variable that gives an option. An empty one is as good as none: shells and compose files set them so."""
    return next((name for name in option.variables if environ.get(name, "").strip()), None)


def _origin(name: str, arguments: Mapping[str, object], environ: Mapping[str, str], source: str) -> str:
    """Where the value of an option stands, for messages; a default is never wrong."""
    if name in arguments:
        return "argument"
    variable = _variable(OPTIONS[name], environ)
    return source if variable is None else f"environment variable {variable}"


def _directory(given: str, origin: str) -> str:
    """The whole path of the log directory, once and for all: a program may go elsewhere."""
    try:
        path = os.path.expanduser(given)
        if path.startswith("~"):
            raise ValueError("there is no such user")
        # A whole path needs no working directory, which may be gone; on other systems it may lack its drive.
        here = "" if os.name == "posix" and os.path.isabs(path) else _working_directory()
        first, *parts = os.path.join(here, path).split(os.sep)
        # `..` stays: what is before it may be a link.
        path = os.sep.join([first, *(part for part in parts if part not in ("", "."))]) or os.sep
        path.encode("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            source=origin, key="log_dir", value=given, allowed=f"a path that can be resolved ({error})"
        ) from error
    return path


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise ValueError(f"it is no absolute one, and the working directory is gone: {error}") from error


def _from_arguments(arguments: Mapping[str, object]) -> dict[str, Any]:
    known = [*OPTIONS]
    return {
        name: _parsed(_known(name, value, known, "argument"), value, "argument") for name, value in arguments.items()
    }


def _known(name: str, value: object, known: list[str], source: str) -> Option:
    option = OPTIONS.get(name)
    if option is None or name not in known:
        raise ConfigurationError(
            source=source,
            key=name,
            value=unknown_shown(name, value),
            allowed=f"a value of a known option: {', '.join(known)}",
            suggestion=nearest(name, known),
        )
    return option


def _parsed(option: Option, value: object, source: str) -> Any:
    return _checked(option, value, source, option.kind.parse)


def _checked(option: Option, value: Any, source: str, parse: Callable[[Any], Any]) -> Any:
    try:
        return parse(value)
    except PartError as wrong:
        key = f"{option.name}.{wrong.part}"
        raise ConfigurationError(source=source, key=key, value=wrong.value, allowed=wrong.allowed) from None
    except (ValueError, TypeError, KeyError) as wrong:
        allowed = str(wrong) if isinstance(wrong, NotAllowedError) else option.kind.allowed
        shown = option.kind.shown(value)
        raise ConfigurationError(source=source, key=option.name, value=shown, allowed=allowed) from None


def _without_foreign(
    environ: Mapping[str, str], arguments: Mapping[str, object]
) -> tuple[Mapping[str, str], list[str]]:
    """The environment without what is meant for other programs, and a sentence on each value of ours that was left out.

    Variables such as `LOG_LEVEL` are shared: `trace` or `info,hyper=warn` is another program's, and no reason not to start.
    Nobody would look for files elsewhere than where `LOG_DIR` says.
    """
    kept = {
        name: text
        for name, text in environ.items()
        if not (name.startswith("UNIFIED_LOGGER_") and re.fullmatch(_OF_KUBERNETES, name))
    }
    told: list[str] = []
    for option in OPTIONS.values():
        variable = _variable(option, kept)
        if variable is None or not variable.startswith("LOG_") or option.kind is PATH:
            continue
        try:
            _of_variable(option, variable, kept[variable])
        except ConfigurationError as error:
            del kept[variable]
            if option.name not in arguments:
                told.append(
                    f"{error}; left out, since it may be meant for another program ({option.variables[0]} is for this one)"
                )
    return kept, told


def _of_variable(option: Option, variable: str, text: str) -> Any:
    return _checked(option, text.strip(), f"environment variable {variable}", option.kind.parse_text)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    own = {variable for option in OPTIONS.values() for variable in option.variables}
    for variable, text in environ.items():
        if variable.startswith("UNIFIED_LOGGER_") and variable not in own:
            raise ConfigurationError(
                source="environment",
                key=variable,
                value=unknown_shown(variable, text),
                allowed="the variable of a known option",
                suggestion=nearest(variable, own),
            )
    for option in OPTIONS.values():
        found = _variable(option, environ)
        if found is None:
            continue
        given[option.name] = _of_variable(option, found, environ[found])
    return given


def _from_file(config: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a file, those in the origin's blocks included. Where two places disagree, the last that the option names wins."""
    given: dict[str, Any] = _from_tracing(config.get("tracing") or {})
    for option in OPTIONS.values():
        for place in option.file:
            value = _at(config, place)
            if value is not None:
                given[option.name] = option.kind.parse(value)
    return given


def _at(config: Mapping[str, Any], place: str) -> Any:
    """What stands at a place of a file; None where nothing does."""
    *blocks, key = place.split(".")
    for block in blocks:
        config = config.get(block) or {}
    return config.get(key)


def _from_tracing(block: Mapping[str, Any]) -> dict[str, Any]:
    """The origin's block: one header, read beside the standard one and sent back."""
    if block.get("enabled") is False:
        return {"trace_headers": (), "trace_response_header": ""}
    name = block.get("header_name")
    if name is None:
        return {}
    response = OPTIONS["trace_response_header"].kind.parse(name)
    return {
        "trace_headers": ("traceparent", response.lower()) if response else ("traceparent",),
        "trace_response_header": response,
    }


def _logger_levels(
    arguments: Mapping[str, object], environ: Mapping[str, str], config: Mapping[str, Any]
) -> dict[str, int]:
    """The level of each logger that is named anywhere, from where it is named first in the order of precedence."""
    kind = OPTIONS["levels"].kind
    variable = _variable(OPTIONS["levels"], environ)
    blocks = (config.get("loggers") or {}).items()
    return {
        **{name: levels.parse(block["level"]) for name, block in blocks if block and "level" in block},
        **kind.parse(config.get("levels", {})),
        **({} if variable is None else kind.parse_text(environ[variable])),
        **kind.parse(arguments.get("levels", {})),
    }


def _console_format(resolved: str, given: Mapping[str, Any], handlers: Mapping[str, Any]) -> str:
    disabled = (handlers.get("console") or {}).get("enabled") is False
    return "off" if disabled and "console_format" not in given else resolved


def _files(
    values: Mapping[str, Any],
    config: Mapping[str, Any],
    handlers: Mapping[str, Any],
    arguments: Mapping[str, object],
    environ: Mapping[str, str],
    source: str,
) -> tuple[FileSettings, ...]:
    def outranked(name: str) -> bool:
        return name in arguments or _variable(OPTIONS[name], environ) is not None

    errors = dict((config.get("rotation") or {}).get("error_log") or {})
    handler = handlers.get("error_file") or {}
    for ours, theirs in (("max_bytes", "maxBytes"), ("backup_count", "backupCount")):
        if theirs in handler:
            errors[ours] = handler[theirs]
    bounds = {
        name: values[name] if outranked(name) or name not in errors else OPTIONS[name].kind.parse(errors[name])
        for name in ("max_bytes", "backup_count")
    }

    def enabled(block: str) -> bool:
        return (handlers.get(block) or {}).get("enabled", True) is not False

    files = (
        FileSettings(
            "app",
            _name(handlers, "app_file", "app.log", source),
            enabled("app_file"),
            values["file_level"],
            values["max_bytes"],
            values["backup_count"],
        ),
        FileSettings(
            "errors",
            _name(handlers, "error_file", "errors.log", source),
            enabled("error_file"),
            max(levels.parse("ERROR"), levels.parse(handler.get("level", "ERROR"))),
            bounds["max_bytes"],
            bounds["backup_count"],
        ),
        FileSettings(
            "ai",
            _name(handlers, "ai_file", "ai_responses.log", source),
            values["enable_ai_handler"],
            levels.parse((handlers.get("ai_file") or {}).get("level", "DEBUG")),
            values["ai_max_bytes"],
            values["ai_backup_count"],
        ),
    )
    names = [file.name for file in files if file.enabled] + ([FAULTS] if values["fault_handler"] else [])
    if len(set(names)) != len(names):
        raise ConfigurationError(
            source=source, key="handlers", value=names, allowed="a file name of its own for each file"
        )
    return files


def _name(handlers: Mapping[str, Any], block: str, default: str, source: str) -> str:
    """The file's name. The origin wrote paths there: the directory is `log_dir`'s to say."""
    given = (handlers.get(block) or {}).get("filename")
    if given is None:
        return default
    name = os.path.basename(str(given).rstrip("/"))
    if name in ("", ".", "..") or name.startswith("."):
        raise ConfigurationError(source=source, key=f"handlers.{block}.filename", value=given, allowed="a file name")
    return name


def _notices(values: Mapping[str, Any], given: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    notices = [
        f"{name} is below log_level and has no effect there: records below log_level are not made"
        for name in ("file_level", "console_level")
        if name in given and values[name] < values["log_level"]
    ]
    if (config.get("tracing") or {}).get("generate_span_id") is False:
        notices.append("tracing.generate_span_id has no effect: every context has a span")
    notices += [
        f"the block {name!r} of the configuration has no effect: this version has no such capability"
        for name in layout.WITHOUT_EFFECT
        if (config.get(name) or {}).get("enabled") is True
    ]
    return notices


def _without_a_file(given: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} has no effect: logging was not started from a file"
        for name, off in (("reload_signal", "none"), ("watch_config", 0.0))
        if given.get(name, off) != off
    ]
