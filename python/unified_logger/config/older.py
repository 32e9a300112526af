"""Shared by blocks of the previous module's layout. Only programs with a file need it."""

from __future__ import annotations

from .kinds import BOOLEAN, COUNT, LEVEL, NAMES, SIZE, TEXT, Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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


VERSION = Kind("version", "1", _version, _version, {"const": 1})
ENCODING = Kind("encoding", "utf-8 (JSON is nothing else)", _encoding, _encoding, {"enum": ["utf-8", "utf8", "UTF-8"]})
RATE = Kind("rate", "a number from 0 to 1", _rate, _rate, {"type": "number", "minimum": 0, "maximum": 1})

ROTATION: dict[str, Any] = {"max_bytes": SIZE, "backup_count": COUNT}
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
}
