"""Kinds of values of options, wherever they are given."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .. import levels

# Sections raise and use some of these, too.
from ..errors import NotAllowedError as NotAllowedError
from ..errors import PartError as PartError
from ..errors import nearest as nearest
from ..errors import nearest_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MIB = 1024 * 1024
_UNITS = {
    "": 1,
    **{f"{prefix}{end}": 1000**power for power, prefix in enumerate("_KMG") for end in ("", "B") if power},
    **{f"{prefix}I{end}": 1024**power for power, prefix in enumerate("_KMG") for end in ("", "B") if power},
    "B": 1,
}
_SECONDS = {"": 1.0, "MS": 0.001, "S": 1.0, "M": 60.0, "MIN": 60.0, "H": 3600.0}
_UNQUOTED = "; write it without quotes"
# 2**53 has sixteen digits; more digits would overflow.
_NUMBER = r"\s*((?:\d{1,16}(?:\.\d{0,16})?|\.\d{1,16})(?:E\+?\d{1,2})?)\s*([A-Z]{0,3})\s*"


class Kind:
    """A kind of values of options.

    Args:
        name: Its name in the docs.
        allowed: The allowed values, in words.
        parse: Takes a value of a program or of YAML; raises ValueError or TypeError if it is not allowed.
        parse_text: Takes the text of an environment variable.
        schema: The same as JSON Schema. `examples` are words that are suggested, beside others that are allowed.
        annotation: The type of a value that a program gives, for editors; None has it follow from the schema.
        as_written: Whether it takes the text of what YAML reads as a number of its own, such as 16:00.
        below: The kind or the layout of the items of a list, or of the values of a mapping.
    """

    def __init__(
        self,
        name: str,
        allowed: str,
        parse: Callable[[Any], Any],
        parse_text: Callable[[str], Any],
        schema: dict[str, Any],
        annotation: str | None = None,
        as_written: bool = False,
        below: Any = None,
    ) -> None:
        self.as_written = as_written
        self.below = below
        self.name = name
        self.allowed = allowed
        self.parse = parse
        self.parse_text = parse_text
        self.schema = schema
        self.annotation = annotation

    def shown(self, value: object) -> object:
        """The value as it may be shown in a message."""
        return "(not shown)" if self.name == "secret" else value

    def nearest(self, value: object) -> str | None:
        """The allowed word that is most like a wrong one, in any case; None if none is."""
        return nearest_word(value, self.schema.get("enum") or self.schema.get("examples") or ())

    def refused(self, value: object, error: Exception) -> tuple[str, str | None]:
        """The allowed values, in words, and the word that was meant, for a value that `parse` has refused."""
        if isinstance(error, NotAllowedError):
            return str(error), error.suggestion
        return self.allowed + (_UNQUOTED if self._is_quoted(value) else ""), self.nearest(value)

    def _is_quoted(self, value: object) -> bool:
        """Whether a number is meant and allowed, and a text is given."""
        if not isinstance(value, str) or self.schema.get("type") not in ("number", "integer"):
            return False
        try:
            number = float(_ascii(value))
            self.parse(int(number) if number.is_integer() else number)
        except (ValueError, TypeError, OverflowError):
            return False
        return True

    def reported(self, value: Any) -> object:
        """A parsed value as a reload reports it."""
        return levels.name_of(value) if self.name == "level" else self.shown(value)


def _whole(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError
    return value


def _integer(name: str, allowed: str, least: int, most: int) -> Kind:
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Kind(
        name,
        allowed,
        lambda value: _whole(value, least, most),
        lambda text: _whole(int(_ascii(text)), least, most),
        schema,
    )


def _ascii(text: str) -> str:
    """Refuses digits of other scripts, which `int` and `float` would take."""
    if not text.isascii():
        raise ValueError
    return text


def _size(value: Any, least: int = 0, most: int = 2**53) -> int:
    if isinstance(value, str):
        value = int(_amount(value, _UNITS))
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    return _whole(value, least, most)


def _amount(text: str, units: Mapping[str, float]) -> float:
    """A number with its unit."""
    found = re.fullmatch(_NUMBER, text, re.IGNORECASE | re.ASCII)
    if found is None or found[2].upper() not in units:
        raise ValueError
    return float(found[1]) * units[found[2].upper()]


def _box(value: Any) -> int:
    return _size(value, 2 * MIB, 1024 * MIB)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _boolean_text(text: str) -> bool:
    return {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}[
        text.strip().lower()
    ]


def _seconds(value: Any) -> float:
    if isinstance(value, str):
        value = _amount(value, _SECONDS)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 86_400:
        raise ValueError
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError
    value.encode("utf-8")  # A lone surrogate stands for a byte that is not UTF-8.
    return value


def _path(value: Any) -> str:
    import os

    path = os.fspath(value)
    if isinstance(path, bytes):
        raise NotAllowedError("a path as a text, not as bytes (os.fsdecode makes one of UTF-8)")
    try:
        path = _text(path)
    except UnicodeEncodeError:
        raise NotAllowedError(
            "a path in UTF-8: this one has other bytes, which could not be told in any record"
        ) from None
    if "${" in path or re.search(r"(^|[/\\])\$\w+($|[/\\])", path):
        raise NotAllowedError(
            "a path as it is: '$' stands for nothing here; '~' at its beginning is the home directory, and a variable goes into LOG_DIR"
        )
    return path


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError
    return tuple(_text(name) for name in value)


def _names_text(text: str) -> tuple[str, ...]:
    return _names([name.strip() for name in text.split(",") if name.strip()])


def _header(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}", value):
        raise ValueError
    return value


def _headers(value: Any) -> tuple[str, ...]:
    names = _names(value)
    return tuple(_header(name).lower() for name in names)


def _response_header(value: Any) -> str:
    name = _header(value)
    return "" if name.lower() == "none" else name


def name_of(key: object) -> str:
    """A key as text for a path, also if it is not a text."""
    try:
        return str(key)
    except ValueError:  # An integer of more digits than the interpreter converts.
        return f"<{type(key).__name__}>"


def _levels(value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise TypeError
    return {_logger_name(name, level): _logger_level(name, level) for name, level in value.items()}


def _logger_name(name: Any, level: object) -> str:
    if isinstance(name, str) and name.strip() and name != "root":
        return name
    raise PartError(name_of(name), level, LOGGER)


def _logger_level(name: str, level: object) -> int:
    try:
        return levels.parse(level)
    except (ValueError, TypeError):
        raise PartError(name, level, levels.ALLOWED, suggestion=LEVEL.nearest(level)) from None


def _levels_text(text: str) -> dict[str, int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    given: dict[str, str] = {}
    for part in parts:
        name, equals, level = (piece.strip() for piece in part.rpartition("="))
        if not equals:
            raise PartError(part, "", "a logger's name and a level, with '=' between")
        if name in given:
            raise PartError(name, level, "given once only")
        given[name] = level
    return _levels(given)


def _mode(value: Any) -> int:
    if isinstance(value, str):
        value = int(_ascii(value), 8)
    mode = _whole(value, 0, 0o777)
    if mode & 0o002 or not mode & 0o200:
        raise ValueError
    return mode


def _secret(value: Any) -> str | None:
    if value is not None and len(_text(value).strip()) < 16:
        raise ValueError
    return value  # type: ignore[no-any-return] # None or a text


def _anything(value: Any) -> Any:
    return value


def _mapping(value: Any) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise TypeError
    return dict(value)


def _no_text(text: str) -> Any:
    raise TypeError


def _redaction(value: Any) -> Any:
    return value if isinstance(value, bool) else _mapping(value)


def choice(*choices: str) -> Kind:
    """One of some words, in any case."""

    def parse(value: Any) -> str:
        if not isinstance(value, str) or value.lower() not in choices:
            raise ValueError
        return value.lower()

    return Kind("choice", "one of " + ", ".join(choices), parse, parse, {"enum": list(choices)})


def _rate(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError
    return float(value)


LEVEL = Kind(
    "level",
    levels.ALLOWED,
    levels.parse,
    levels.parse,
    {"type": ["string", "integer"], "minimum": 0, "maximum": 100, "examples": [*levels.NAMES]},
)
SIZE = Kind(
    "size",
    "a number of bytes from 0, or a text such as '10MB', '64KiB' or '10M' (K, M and G are thousands, Ki, Mi and Gi 1,024s)",
    _size,
    _size,
    {"type": ["integer", "string"], "minimum": 0},
)
BOX = Kind(
    "size",
    "a number of bytes from 2 MiB to 1 GiB, or a text such as '10MB', '64MiB' or '64Mi'",
    _box,
    _box,
    {"type": ["integer", "string"], "minimum": 2 * MIB, "maximum": 1024 * MIB},
)
COUNT = _integer("count", "a whole number from 0 to 1000000", 0, 1_000_000)
QUEUE = _integer("count", "a whole number from 1 to 10000000", 1, 10_000_000)
BOOLEAN = Kind("boolean", "true or false", _boolean, _boolean_text, {"type": "boolean"})
SWITCH = Kind(
    "switch",
    "auto, true or false",
    lambda value: "auto" if isinstance(value, str) and value.lower() == "auto" else _boolean(value),
    lambda text: "auto" if text.strip().lower() == "auto" else _boolean_text(text),
    {"enum": ["auto", True, False]},
)
SECONDS = Kind(
    "seconds",
    "a number of seconds from 0 to 86400, or a text such as '5s', '500ms', '2m' or '1h'",
    _seconds,
    _seconds,
    {"type": ["number", "string"], "minimum": 0, "maximum": 86_400},
)
RATE = Kind("rate", "a number from 0 to 1", _rate, _rate, {"type": "number", "minimum": 0, "maximum": 1})
TEXT = Kind("text", "a text that is not empty", _text, _text, {"type": "string", "minLength": 1})
PATH = Kind("path", "a path", _path, _path, {"type": "string", "minLength": 1})
NAMES = Kind(
    "names",
    "a list of names (in the environment: with commas between)",
    _names,
    _names_text,
    {"type": "array", "items": {"type": "string", "minLength": 1}},
)
HEADERS = Kind(
    "headers",
    "a list of names of HTTP headers (in the environment: with commas between)",
    _headers,
    lambda text: _headers(_names_text(text)),
    {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 64}},
)
HEADER = Kind(
    "header",
    "the name of an HTTP header, or none",
    _response_header,
    _response_header,
    {"type": "string", "minLength": 1, "maxLength": 64},
)
ANYTHING = Kind("anything", "anything", _anything, _anything, {})
SECRET = Kind(
    "secret", "a text of 16 characters at least", _secret, _secret, {"type": ["string", "null"], "minLength": 16}
)
REDACTION = Kind(
    "redaction",
    "true, false, or a mapping (in the environment: true or false)",
    _redaction,
    _boolean_text,
    {"type": ["boolean", "object"]},
)
# Its option brings the layout of the keys.
MAPPING = Kind("mapping", "a mapping, in a file or given by the program", _mapping, _no_text, {"type": "object"})
LOGGER = "the level of a logger by its name, a text; that of the root logger is log_level"
LEVELS = Kind(
    "levels",
    "a mapping of loggers' names to levels (in the environment: name=level, with commas between)",
    _levels,
    _levels_text,
    {"type": "object", "additionalProperties": LEVEL.schema},
)
MODE = Kind(
    "mode",
    "an octal file mode that its owner may write and others may not, such as '640'",
    _mode,
    _mode,
    {"type": ["string", "integer"]},
)
