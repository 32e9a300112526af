"""Formats of lines: their names, templates of text, and what a terminal shows."""

from __future__ import annotations

import os

from .. import _core
from .kinds import Kind, NotAllowedError, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PARTS = "{time}, {level}, {logger}, {message} and {fields}"
# More columns than this are no terminal's.
_WIDEST = 1_000


def format_of(*others: str) -> Kind:
    """The name of a format, or a template of text.

    Args:
        others: Further words that may stand there.

    Returns:
        The kind.
    """
    formats = [*others, *(name for name in _core.formats() if name not in others)]
    templates = [name for name in _core.templates() if name not in formats]
    names = [*formats, *templates]

    allowed = f"one of {', '.join(names)}, or a template with parts such as {_PARTS}"

    def parse(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError
        if value.lower() in names:
            return value.lower()
        value.encode("utf-8")  # Half a surrogate is no text.
        if "{" not in value:
            raise NotAllowedError(allowed, nearest(value.lower(), names))
        wrong = _core.check_template(value)
        if wrong is not None:
            raise _refused(*wrong)
        return value

    schema = {"anyOf": [{"enum": names}, {"type": "string", "pattern": r"\{"}]}
    return Kind("format", allowed, parse, parse, schema)


def _refused(at: int, reason: str, name: str | None) -> NotAllowedError:
    """The error for a template that is wrong."""
    if name is None:
        return NotAllowedError(f"a template of parts: at character {at}, {reason}")
    close = nearest(name, _core.template_parts())
    allowed = f"a template of known parts: at character {at}, {reason}, {name!r}. A field is {{fields.NAME}}"
    return NotAllowedError(allowed, None if close is None else f"{{{close}}}")


def text_format(
    name: str, is_colored: bool = False, is_live: bool = False, columns: int | None = None
) -> dict[str, Any]:
    """A format as the engine has it.

    Args:
        name: The name of a format, or a template.
        is_colored: Whether text has colours.
        is_live: Whether people read text as it comes.
        columns: The width of text: 0 for that of the terminal, None for any.

    Returns:
        Its settings.
    """
    if name != "text" and name in _core.formats():
        return {"name": name}
    text: dict[str, Any] = {"name": "text", "color": is_colored}
    if name != "text":
        text["template"] = name
    if is_live:
        text["is_live"] = True
    if columns is not None:
        text["columns"] = columns
    return text


def shows_colors(is_terminal: bool) -> bool:
    """Whether text is to have colours, by what is common among programs: the first variable that says something decides.

    Args:
        is_terminal: Whether it is shown on a terminal.

    Returns:
        Whether it is to have them.
    """
    environ = os.environ
    if environ.get("PYTHON_COLORS") in ("0", "1"):
        return environ["PYTHON_COLORS"] == "1"
    if environ.get("NO_COLOR"):
        return False
    for variable in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if environ.get(variable):
            return environ[variable].lower() not in ("0", "false")
    if not is_terminal or environ.get("CLICOLOR") == "0":
        return False
    terminal = environ.get("TERM", "")
    if os.name == "nt":
        # Consoles of old would show the codes themselves.
        return bool(terminal) or any(name in environ for name in ("WT_SESSION", "ANSICON", "ConEmuANSI", "COLORTERM"))
    return terminal not in ("dumb", "unknown") or bool(environ.get("COLORTERM"))


def terminal_columns(stream: int = 2) -> int:
    """The width of the terminal, as far as the environment says it.

    Args:
        stream: The number of the stream that leads to it.

    Returns:
        Columns; 0 for what the terminal itself says.
    """
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and 0 < int(given) <= _WIDEST:
        return int(given)
    if os.name == "nt":
        try:
            return os.get_terminal_size(stream).columns
        except (OSError, ValueError):
            return 0
    return 0
