"""What may be said of the life of log files: periods, times of day, bounds, names and ways of packing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import PartError, nearest_word
from .kinds import MAPPING, SIZE, Kind, NotAllowedError, choice
from .scalars import mapping_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS: dict[str, dict[str, Any]] = {
    "hourly": {"seconds": 3600},
    "daily": {"days": 1},
    "weekly": {"weeks": [1, 0]},
    **{day: {"weeks": [1, number]} for number, day in enumerate(_DAYS)},
}
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY = 86_400
# Ages of a hundred years fit into what the engine counts with.
_OLDEST = 36_500 * _DAY
_LEAST_FREE = 1_000_000  # bytes
_ALL = "all"
OFF = "off"


def _whole_number(allowed: str, least: int, most: int) -> Kind:
    def parse(value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    schema = {"type": ["integer", "null"], "minimum": least, "maximum": most}
    return Kind("level of compression", allowed, parse, lambda text: parse(int(text)), schema)


def _duration(value: Any) -> int:
    """Whole seconds, of a number of them or a text with a unit."""
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d{1,9})\s*([a-z]{0,3})\s*", value.lower())
        if found is None or (found[2] or "s") not in _UNITS:
            raise ValueError
        value = int(found[1]) * _UNITS[found[2] or "s"]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _OLDEST:
        raise ValueError
    return value


class _Seconds(int):
    """What a time was parsed to."""


def _of_people(value: Any) -> int:
    """Seconds. A number without a unit is mostly one of days or minutes, so that none below an hour is taken for seconds."""
    if isinstance(value, _Seconds):  # parsed before
        return value
    seconds = _duration(value)
    has_unit = isinstance(value, str) and value.strip()[-1:].isalpha()
    if seconds < 3600 and not has_unit:
        raise ValueError
    return _Seconds(seconds)


def _every(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value.strip().lower() in WORDS:
        return WORDS[value.strip().lower()]
    if isinstance(value, dict):  # parsed before
        return value
    try:
        seconds = _of_people(value)
    except ValueError:
        raise NotAllowedError(EVERY.allowed, nearest_word(value, WORDS)) from None
    if seconds < _DAY:
        return {"seconds": seconds}
    if seconds % _DAY:  # Such periods would not begin with the days.
        raise ValueError
    return {"days": seconds // _DAY}


def _at(value: Any) -> int:
    """Seconds after midnight."""
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d{1,2}):(\d{2})(?::(\d{2}))?\s*", value)
        if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
            raise ValueError
        return _Seconds(int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0))
    if not isinstance(value, _Seconds):  # parsed before
        raise ValueError
    return value


def _is_off(value: Any) -> bool:
    """Whether it is the word; YAML reads it as false."""
    return value is False or (isinstance(value, str) and value.strip().lower() == OFF)


def _rotate(value: Any) -> Any:
    if _is_off(value):
        return None
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,2}:\d{2}(:\d{2})?\s*", value):
        return {"every": "daily", "at": value}
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return {"every": value}
    return None if value is None else MAPPING.parse(value)


def _rotate_text(text: str) -> Any:
    return mapping_text(text) if text.lstrip().startswith("{") else _rotate(text)


def _files(value: Any) -> int | None:
    if value == _ALL:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise ValueError
    return value


def _bytes(value: Any) -> int:
    size: int = SIZE.parse(value)
    if size == 0:
        raise ValueError
    return size


def _free(value: Any) -> dict[str, int]:
    if isinstance(value, dict):  # parsed before
        return value
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d{1,2}(?:\.\d{1,2})?)\s*%\s*", value)):
        share = round(float(found[1]) * 100)
        if share:
            return {"share": share}
    # A number alone is mostly a share whose sign was forgotten.
    if (size := _bytes(value)) < _LEAST_FREE:
        raise ValueError
    return {"bytes": size}


def _keep(value: Any) -> Any:
    """Refuses bounds that bound nothing: all would stay, without a word that says so."""
    if isinstance(value, str) and value.strip().lower() == _ALL:
        return {"files": _ALL}
    if value is None:
        return None
    keep = MAPPING.parse(value)
    total = keep.get("total")
    if isinstance(total, Mapping) and all(bound is None for bound in total.values()):
        raise PartError("total", total, "a mapping with files, age or bytes")
    if all(bound is None for bound in keep.values()) and "files" not in keep:
        raise ValueError
    return keep


def _keep_text(text: str) -> Any:
    return _keep(mapping_text(text) if text.lstrip().startswith("{") else text)


EVERY = Kind(
    "period",
    f"one of {', '.join(WORDS)}, a length below a day such as '15m' or '6h', or a number of days such as '3d'",
    _every,
    _every,
    {"type": ["string", "integer"], "examples": [*WORDS, "15m", "6h", "3d"]},
)
AT = Kind(
    "time of day",
    "a time from '00:00' to '23:59:59'",
    _at,
    _at,
    {"type": "string"},
    as_written=True,
)
ROTATE = Kind(
    "rotation",
    "a period such as daily or '15m', a time of day such as '06:00', off, or a mapping (in the environment: the same, the mapping as JSON)",
    _rotate,
    _rotate_text,
    {"type": ["string", "integer", "object", "null"]},
)
FILES = Kind("files", "a whole number from 1, or all", _files, _files, {"type": ["integer", "string"], "minimum": 1})
AGE = Kind(
    "age",
    "a time above 0 such as '14d', '36h' or '2w', or seconds from 3600 on",
    _of_people,
    _of_people,
    {"type": ["integer", "string"]},
)
BYTES = Kind(
    "size", "a number of bytes above 0, or a text such as '20GB'", _bytes, _bytes, {"type": ["integer", "string"]}
)
FREE = Kind(
    "free space",
    "a share such as '10%', or bytes from '1MB' on such as '5GB'",
    _free,
    _free,
    {"type": ["integer", "string"]},
)
KEEP = Kind(
    "retention",
    "a mapping with files, age, bytes, disk_free and total, or all (in the environment: all, or the mapping as JSON)",
    _keep,
    _keep_text,
    {"type": ["object", "string", "null"]},
)


def _hold(value: Any) -> int:
    """Bytes; 0 for none."""
    if _is_off(value):
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and value == 0:
        return 0  # parsed before
    return _bytes(value)


HOLD = Kind(
    "size or off",
    "a number of bytes, a text such as '20GB', or off",
    _hold,
    _hold,
    {"type": ["integer", "string"]},
)
NAMES = choice("numbered", "dated")
# Each way of packing, with its highest level.
METHODS = {"off": ("plain", 0), "gzip": ("gzip", 9), "zstd": ("zstd", 19)}
COMPRESS = choice(*METHODS)
LEVEL = _whole_number("a whole number from 1 to 19 for zstd, to 9 for gzip", 1, 19)
