"""The layout of a configuration file: every key it may have, checked down to the leaves.

Beside the options themselves, the blocks of the origin's file are accepted as they stand.
"""

from __future__ import annotations

from .. import _core
from ..errors import ConfigurationError
from .kinds import (
    ACTION,
    BOOLEAN,
    COUNT,
    HEADER,
    LEVEL,
    LEVELS,
    MODE,
    NAMES,
    QUEUE,
    SECONDS,
    SIZE,
    TEXT,
    Kind,
    NotAllowedError,
    PartError,
    name_of,
    nearest,
    unknown_shown,
)
from .sections import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

Path = tuple[str, ...]


def _version(value: Any) -> int:
    if value != 1 or isinstance(value, bool):
        raise ValueError
    return 1


def _encoding(value: Any) -> str:
    if not isinstance(value, str) or value.lower().replace("_", "-") not in ("utf-8", "utf8"):
        raise ValueError
    return value


def _rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError
    return float(value)


def _expression(value: Any) -> str:
    pattern = _text(value)
    try:
        _core.Redaction({"custom": [("expression", pattern)]})
    except ValueError as error:
        raise NotAllowedError(error.args[-1]) from None
    return pattern


def _text(value: Any) -> str:
    return str(TEXT.parse(value))


def _patterns(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = NAMES.parse(value)
    known = _core.redaction_patterns()
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f" (nearest to {name!r}: {near})" if near else ""
            raise NotAllowedError(f"a list of {', '.join(known)}{hint}")
    return names


def _anything(value: Any) -> Any:
    return value


VERSION = Kind("version", "1", _version, _version, {"const": 1})
ENCODING = Kind("encoding", "utf-8 (JSON is nothing else)", _encoding, _encoding, {"enum": ["utf-8", "utf8", "UTF-8"]})
RATE = Kind("rate", "a number from 0 to 1", _rate, _rate, {"type": "number", "minimum": 0, "maximum": 1})
ANYTHING = Kind("anything", "anything", _anything, _anything, {})

EXPRESSION = Kind("expression", "a regular expression", _expression, _expression, {"type": "string", "minLength": 1})
PATTERNS = Kind(
    "patterns",
    "a list of names of patterns",
    _patterns,
    _patterns,
    {"type": "array", "items": {"enum": _core.redaction_patterns()}},
)


class _Switched(dict[str, object]):
    """A block for which true or false may stand."""


# A block is a mapping of its keys; under the key "*", any further key.
_ROTATION: dict[str, Any] = {"max_bytes": SIZE, "backup_count": COUNT}
_HANDLER: dict[str, Any] = {
    "enabled": BOOLEAN,
    "class": TEXT,
    "level": LEVEL,
    "formatter": TEXT,
    "filename": TEXT,
    "maxBytes": SIZE,
    "backupCount": COUNT,
    "encoding": ENCODING,
    "stream": TEXT,
    "filters": NAMES,
}
_PATHS = {"always_sample_paths": NAMES, "never_sample_paths": NAMES}

_REDACTION = _Switched(
    {
        "enabled": BOOLEAN,
        "keys": NAMES,
        "keep_keys": NAMES,
        "patterns": PATTERNS,
        "keep_patterns": PATTERNS,
        "custom": {"*": EXPRESSION},
        "allow": NAMES,
        "action": ACTION,
        "actions": {"*": ACTION},
    }
)

LAYOUT: dict[str, Any] = {
    **{option.name: option.kind for option in OPTIONS.values()},
    "version": VERSION,
    "disable_existing_loggers": BOOLEAN,
    "encoding": ENCODING,
    "queue": {"max_size": QUEUE, "timeout": SECONDS},
    "rotation": {"app_log": _ROTATION, "ai_log": _ROTATION, "error_log": _ROTATION},
    "formatters": {"*": {"*": ANYTHING}},
    "handlers": {"console": _HANDLER, "app_file": _HANDLER, "ai_file": _HANDLER, "error_file": _HANDLER},
    "loggers": {"*": {"level": LEVEL, "handlers": NAMES, "propagate": BOOLEAN}},
    "root": {"level": LEVEL, "handlers": NAMES},
    "suppress_loggers": NAMES,
    "tracing": {"enabled": BOOLEAN, "header_name": HEADER, "generate_span_id": BOOLEAN, "*": ANYTHING},
    "sampling": {"enabled": BOOLEAN, "sample_rate": RATE, "level_threshold": LEVEL, **_PATHS},
    "redaction": _REDACTION,
    "alerting": {"enabled": BOOLEAN, "error_rate_threshold": RATE, "window_seconds": SECONDS},
}
# What keys at the top begin with that hold what one likes, as anchors are used for.
FREE = "x-"


def check(config: Any, source: str, lines: Mapping[Path, int]) -> None:
    """Checks a configuration in the layout of a file.

    Args:
        config: What the file holds.
        source: The file, for messages.
        lines: The line of each key, by its path.

    Raises:
        ConfigurationError: A key is unknown or its value not allowed.
    """
    _check_block(
        config, LAYOUT, (), lambda path, value, allowed, known=None: _error(source, lines, path, value, allowed, known)
    )


def settle(config: Any, source: str, lines: Mapping[Path, int]) -> Any:
    """What a file holds, with what YAML reads in its own way as it is meant where it stands.

    Args:
        config: What the loader made, with `Word` and `Odd` in it.
        source: The file, for messages.
        lines: The line of each key, by its path.

    Returns:
        The same as plain data: words are texts where texts are wanted, and true or false elsewhere.

    Raises:
        ConfigurationError: A number is written in a way in which people do not read it.
    """
    return _settled(config, LAYOUT, (), lambda path, value, allowed: _error(source, lines, path, value, allowed, None))


def _settled(value: Any, expected: Any, path: Path, error: Callable[..., ConfigurationError]) -> Any:
    if isinstance(value, dict):
        return {
            key: _settled(below, _below(expected, key, path), (*path, name_of(key)), error)
            for key, below in value.items()
        }
    if isinstance(value, list):
        return [_settled(item, expected, path, error) for item in value]
    if isinstance(value, Word):
        switched = expected is BOOLEAN or expected is ANYTHING or isinstance(expected, _Switched)
        return value.truth if switched else str(value)
    if isinstance(value, Odd):
        if not isinstance(expected, Kind) or expected is MODE or expected is ANYTHING:
            return value.number
        raise error(path, value.text, f"{expected.allowed}; {value.reading}")
    return value


def _below(expected: Any, key: object, path: Path) -> Any:
    """What a key of a mapping may have."""
    if isinstance(expected, dict):
        free = not path and isinstance(key, str) and key.startswith(FREE)
        return ANYTHING if free else expected.get(key, expected.get("*"))
    return expected if expected is ANYTHING else LEVEL if expected is LEVELS else None


class Word(str):
    """A word that YAML 1.1 takes for true or false, such as `off`."""

    # What YAML takes it for.
    truth: bool


class Odd:
    """A number that YAML 1.1 reads otherwise than people do: `010` is 8, `1:30` is 90.

    Args:
        text: What stands there.
        number: What it is read as.
        reading: The same, in a sentence.
    """

    __slots__ = ("number", "reading", "text")

    def __init__(self, text: str, number: int | float, reading: str) -> None:
        self.text = text
        self.number = number
        self.reading = reading


def check_redaction(config: Any, source: str) -> None:
    """Checks what the option `redaction` was given.

    Args:
        config: The mapping.
        source: Where it stands, for messages.

    Raises:
        ConfigurationError: A key is unknown or its value not allowed.
    """
    _check_block(
        config,
        _REDACTION,
        ("redaction",),
        lambda path, value, allowed, known=None: _error(source, {}, path, value, allowed, known),
    )


def shown(path: Path) -> str:
    """A path in messages."""
    return ".".join(part or "''" for part in path) or "(the whole file)"


def _error(
    source: str, lines: Mapping[Path, int], path: Path, value: Any, allowed: str, known: list[str] | None
) -> ConfigurationError:
    return ConfigurationError(
        source=source,
        key=shown(path),
        value=value,
        allowed=allowed,
        line=lines.get(path),
        suggestion=nearest(path[-1], known) if known and path else None,
    )


def _check_block(block: Any, layout: dict[str, Any], path: Path, error: Callable[..., ConfigurationError]) -> None:
    known = [key for key in layout if key != "*"]
    if not isinstance(block, dict):
        raise error(path, block, "a mapping of keys to values")
    for key, value in block.items():
        below = (*path, name_of(key))
        expected = layout.get(key, layout.get("*")) if isinstance(key, str) else None
        if expected is None and not path and isinstance(key, str) and key.startswith(FREE):
            continue
        if expected is None and not known:
            raise error(below, value, "a name that is a text")
        if expected is None:
            shown_value = unknown_shown(below[-1], value)
            raise error(below, shown_value, f"one of the known keys: {', '.join(known)}", known)
        if isinstance(expected, dict):
            if value is not None and not (isinstance(expected, _Switched) and isinstance(value, bool)):
                _check_block(value, expected, below, error)
            continue
        try:
            expected.parse(value)
        except PartError as wrong:
            raise error((*below, wrong.part), wrong.value, wrong.allowed) from None
        except (ValueError, TypeError) as refused:
            allowed = str(refused) if isinstance(refused, NotAllowedError) else expected.allowed
            raise error(below, expected.shown(value), allowed) from None


def schema() -> dict[str, Any]:
    """The layout as a JSON Schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of unified_logger",
        **_schema_of(LAYOUT),
    }


def _schema_of(layout: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for key, expected in layout.items():
        if key == "*":
            continue
        if isinstance(expected, dict):
            properties[key] = _schema_of(expected)
            properties[key]["type"] = ["object", "null", *(["boolean"] if isinstance(expected, _Switched) else [])]
        else:
            properties[key] = dict(expected.schema)
        if key in OPTIONS and layout is LAYOUT:
            properties[key]["description"] = OPTIONS[key].help
    further = layout.get("*")
    rest: Any = further.schema if isinstance(further, Kind) else _schema_of(further) if further else False
    free: dict[str, Any] = {"patternProperties": {f"^{FREE}": {}}} if layout is LAYOUT else {}
    return {"type": "object", "properties": properties, **free, "additionalProperties": rest}


def table() -> str:
    """The options as a table in Markdown, for the docs."""
    rows = ["| Option | Default | Environment | What it does |", "| --- | --- | --- | --- |"]
    for option in OPTIONS.values():
        default = oct(option.default)[2:] if option.kind.name == "mode" else option.default
        variables = ", ".join(f"`{name}`" for name in reversed(option.variables))
        rows.append(f"| `{option.name}` | `{default!r}` | {variables} | {option.help} Takes {option.kind.allowed}. |")
    return "\n".join(rows)
