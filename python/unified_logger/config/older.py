"""Shared by blocks of the previous module's layout. Only programs with a file need it."""

from __future__ import annotations

from ..errors import ConfigurationError
from .kinds import BOOLEAN, COUNT, LEVEL, NAMES, SIZE, TEXT, Kind
from .lives import AT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .options import Given


def _version(value: Any) -> int:
    if value != 1 or isinstance(value, bool):
        raise ValueError
    return 1


def _encoding(value: Any) -> str:
    if not isinstance(value, str) or value.lower().replace("_", "-") not in ("utf-8", "utf8"):
        raise ValueError
    return value


# The periods of `logging.handlers.TimedRotatingFileHandler`, as seconds or days; a `w` has the number of its day behind it.
_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "midnight": 86_400}


def _when(value: Any) -> str:
    name = value.strip().lower() if isinstance(value, str) else ""
    if name not in _PERIODS and not (len(name) == 2 and name[0] == "w" and name[1] in "0123456"):
        raise ValueError
    return name


def _interval(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise ValueError
    return value


WHEN = Kind(
    "when",
    "one of S, M, H, D, MIDNIGHT, and W0 (Monday) to W6",
    _when,
    _when,
    {"type": "string", "pattern": "^([SsMmHhDd]|[Mm][Ii][Dd][Nn][Ii][Gg][Hh][Tt]|[Ww][0-6])$"},
)
INTERVAL = Kind("interval", "a whole number from 1", _interval, _interval, {"type": "integer", "minimum": 1})
VERSION = Kind("version", "1", _version, _version, {"const": 1})
ENCODING = Kind("encoding", "utf-8 (JSON is nothing else)", _encoding, _encoding, {"enum": ["utf-8", "utf8", "UTF-8"]})

ROTATION: dict[str, Any] = {"max_bytes": SIZE, "backup_count": COUNT}
TIMED: dict[str, Any] = {"when": WHEN, "interval": INTERVAL, "utc": BOOLEAN, "atTime": AT}
HANDLER: dict[str, Any] = {
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
    **TIMED,
}
# The blocks of the previous module's handlers: the output of each, and the options of its bounds.
_HANDLERS = {
    "app_file": ("app", "max_bytes", "backup_count"),
    "error_file": ("errors", "max_bytes", "backup_count"),
    "ai_file": ("ai", "ai_max_bytes", "ai_backup_count"),
}


def rotations(given: Given) -> dict[str, Any]:
    """What handlers ask for that rotate by time, with the keys of outputs. Sources that outrank the file go before them.

    Args:
        given: What was given; notices about keys without an effect are added.

    Returns:
        The keys of each output that is written by such a handler, by its name.

    Raises:
        ConfigurationError: A period is one that files cannot have.
    """
    found: dict[str, Any] = {}
    for key in TIMED:
        if key in given.block("handlers", "console"):
            given.add_notice(f"handlers.console.{key} has no effect: it is for files")
    for block, (output, bound, count) in _HANDLERS.items():
        handler = given.block("handlers", block)
        if not handler:
            continue
        own = _rotation_by_time(handler, block, given)
        if own is None or given.above_file("rotate"):
            continue
        if given.above_file("keep") or given.above_file(count) or (given.has("keep") and "backupCount" not in handler):
            del own["keep"]
        if given.has("file_names"):
            del own["file_names"]
        if not given.has(bound) and "maxBytes" not in handler:
            own["max_bytes"] = 0
        found[output] = own
    return found


def _rotation_by_time(handler: Mapping[str, Any], name: str, given: Given) -> dict[str, Any] | None:
    """What a handler asks for if it rotates by time, else None."""
    written = handler.get("class")
    timed = [key for key in TIMED if handler.get(key) is not None]
    if not (timed if written is None else written.endswith("TimedRotatingFileHandler")):
        for key in timed:
            given.add_notice(f"handlers.{name}.{key} has no effect: its class is {written}")
        return None
    when, interval = _when(handler.get("when") or "h"), handler.get("interval") or 1
    at = handler.get("atTime")
    if when[0] == "w":
        every: dict[str, Any] = {"weeks": [interval, int(when[1])]}
    else:
        seconds = _PERIODS[when] * interval
        if seconds > 86_400 and seconds % 86_400:
            allowed = "a length below a day, or of whole days"
            raise ConfigurationError(
                source=given.source, key=f"handlers.{name}.interval", value=interval, allowed=allowed
            )
        every = {"seconds": seconds} if seconds < 86_400 else {"days": seconds // 86_400}
    if at is not None and when[0] != "w" and when != "midnight":
        given.add_notice(f"handlers.{name}.atTime has no effect: it is for MIDNIGHT and W0 to W6")
        at = None
    rotate = {"every": every, "at": 0 if at is None else AT.parse(at), "zone": "utc" if handler.get("utc") else "local"}
    count = handler.get("backupCount") or 0
    return {"rotate": rotate, "keep": {"files": count or None}, "file_names": "dated"}
