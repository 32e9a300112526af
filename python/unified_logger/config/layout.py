"""The layout of a configuration file: every key that it may have, checked down to the leaves."""

from __future__ import annotations

from ..errors import ConfigurationError, PartError
from . import mappings
from .kinds import ANYTHING, BOOLEAN, LEVEL, LEVELS, MODE, Kind, name_of
from .mappings import FREE, Path, Stated, Switched, Worded, joined, shown
from .scalars import COMPARED
from .sections import OPTIONS, SECTIONS, wrong_option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .mappings import Layout
    from .options import Option

# The order in which messages have always listed the blocks. Others follow in the order of their sections.
_FIRST = (
    *("version", "disable_existing_loggers", "encoding", "queue", "rotation", "formatters", "handlers", "loggers"),
    *("root", "tracing", "alerting"),
)


def _layout() -> Layout:
    """The options, and the further blocks of the sections."""
    blocks: Layout = {}
    for section in SECTIONS:
        blocks = joined(blocks, section.blocks())
    return {
        **{option.name: option.kind if option.layout is None else option.layout() for option in OPTIONS.values()},
        **{name: blocks[name] for name in _FIRST if name in blocks},
        **blocks,
    }


LAYOUT = _layout()


def check(config: Any, source: str, lines: Mapping[Path, int]) -> None:
    """Checks a configuration against the layout of a file.

    Args:
        config: The content of the file.
        source: The file, for messages.
        lines: The line of each key, by its path.

    Raises:
        ConfigurationError: A key is unknown or its value not allowed.
    """
    try:
        mappings.parse(config, LAYOUT, of_file=True)
    except PartError as wrong:
        raise wrong_option(wrong).of(source, line=_line_of(wrong.path, lines)) from None


def _line_of(path: Path, lines: Mapping[Path, int]) -> int | None:
    """The line of a key. A word that stands for a block has the line of the block: `rotate: dayly` is `rotate.every`."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path)


def settle(config: Any, source: str, lines: Mapping[Path, int]) -> Any:
    """The content of a file, with values that YAML reads in its own way replaced by what was meant.

    Args:
        config: The result of the loader, with `Word` and `Odd` in it.
        source: The file, for messages.
        lines: The line of each key, by its path.

    Returns:
        The same with plain values: words are texts where texts are wanted, and true or false elsewhere.

    Raises:
        ConfigurationError: YAML reads a number in another way than people do.
    """

    def error(path: Path, value: str, allowed: str) -> ConfigurationError:
        return ConfigurationError(
            source=source, key=shown(path), value=value, allowed=allowed, line=_line_of(path, lines)
        )

    return _settled(config, LAYOUT, (), error)


def _settled(value: Any, expected: Any, path: Path, error: Callable[..., ConfigurationError]) -> Any:
    if isinstance(value, dict):
        return {
            key: _settled(below, _below(expected, key, path), (*path, name_of(key)), error)
            for key, below in value.items()
        }
    if isinstance(value, list):
        items = getattr(expected, "below", None) or expected
        return [_settled(item, items, (*path, str(index)), error) for index, item in enumerate(value)]
    if isinstance(value, Word):
        if expected is COMPARED:
            truth = str(value.truth).lower()
            raise error(path, str(value), f"{truth}, or {str(value)!r} in quotes: YAML reads it as {truth}")
        switched = expected is BOOLEAN or expected is ANYTHING or isinstance(expected, Switched)
        return value.truth if switched else str(value)
    if isinstance(value, Odd):
        # A text may stand for a mapping.
        if isinstance(expected, dict) or (isinstance(expected, Kind) and expected.as_written):
            return value.text
        if not isinstance(expected, Kind) or expected is MODE or expected is ANYTHING:
            return value.number
        raise error(path, value.text, f"{expected.allowed}; {value.reading}")
    return value


def _below(expected: Any, key: object, path: Path) -> Any:
    """The kind or the layout of the value of a key."""
    if isinstance(expected, dict):
        free = not path and isinstance(key, str) and key.startswith(FREE)
        return ANYTHING if free else expected.get(key, expected.get("*"))
    if expected is ANYTHING:
        return expected
    return LEVEL if expected is LEVELS else getattr(expected, "below", None)


class Word(str):
    """A word that YAML 1.1 takes for true or false, such as `off`."""

    # The boolean that YAML makes of it.
    truth: bool


class Odd:
    """A number that YAML 1.1 reads in another way than people do: `010` is 8, `1:30` is 90.

    Args:
        text: The text in the file.
        number: The number that YAML makes of it.
        reading: An explanation, in a sentence.
    """

    __slots__ = ("number", "reading", "text")

    def __init__(self, text: str, number: int | float, reading: str) -> None:
        self.text = text
        self.number = number
        self.reading = reading


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
        properties[key] = _schema_below(expected)
        if key in OPTIONS and layout is LAYOUT:
            properties[key]["description"] = OPTIONS[key].help
    rest: Any = _schema_below(layout["*"]) if "*" in layout else False
    free: dict[str, Any] = {"patternProperties": {f"^{FREE}": {}}} if layout is LAYOUT else {}
    return {"type": "object", "properties": properties, **free, "additionalProperties": rest}


def _schema_below(expected: Any) -> dict[str, Any]:
    if isinstance(expected, Kind):
        return dict(expected.schema)
    if isinstance(expected, Worded):
        return _schema_of(expected) | dict(expected.kind.schema)
    also = [
        *([] if isinstance(expected, Stated) else ["null"]),
        *(["boolean"] if isinstance(expected, Switched) else []),
    ]
    return _schema_of(expected) | {"type": ["object", *also]}


def default_shown(option: Option) -> str:
    """The default of an option, as a program would give it."""
    return repr(oct(option.default)[2:] if option.kind.name == "mode" else option.default)


def table() -> str:
    """The options as a table in Markdown, for the docs."""
    rows = ["| Option | Default | Environment | What it does |", "| --- | --- | --- | --- |"]
    for option in OPTIONS.values():
        variables = ", ".join(f"`{name}`" for name in reversed(option.variables))
        rows.append(
            f"| `{option.name}` | `{default_shown(option)}` | {variables} | {option.help} Takes {option.kind.allowed}. |"
        )
    return "\n".join(rows)
