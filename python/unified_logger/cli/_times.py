"""Times as operators write them."""

from __future__ import annotations

import time

from ._arguments import WrongError

ALLOWED = "now, today, yesterday, 10:30, 2026-02-19, '2026-02-19 10:30', 2026-02-19T10:30:00+01:00, -10m, '2h ago' or @1771493400"
_SECOND = 1_000_000_000
_UNITS = {
    "ms": 0.001,
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86_400,
    "day": 86_400,
    "w": 604_800,
    "week": 604_800,
}


# As far as the engine counts.
_MOST = 2**63 - 1


def nanoseconds(option: str, text: str, *, utc: bool) -> int:
    """The time that a text tells.

    Args:
        option: The option whose value it is, for the sentence that says what is wrong.
        text: What was given.
        utc: Whether a time without an offset is UTC; otherwise it is local.

    Returns:
        Nanoseconds since 1970 UTC.

    Raises:
        WrongError: It is no time.
    """
    found = _nanoseconds(option, text, utc)
    if abs(found) > _MOST:
        raise WrongError(f"{option} = {text!r} is no time: it may be from 1678 to 2262")
    return found


def _nanoseconds(option: str, text: str, utc: bool) -> int:
    told = text.strip().lower()
    now = time.time_ns()
    if told == "now":
        return now
    if told in ("today", "yesterday", "tomorrow"):
        return _of_day(("yesterday", "today", "tomorrow").index(told) - 1, utc)
    try:
        if told.startswith("@"):
            whole, _, part = told[1:].partition(".")
            return int(whole) * _SECOND + int(f"{part:0<9}"[:9] or 0)
        length = _length(told)
        if length is not None:
            return now - length
        return _of_text(text.strip(), utc)
    except (ValueError, OverflowError, OSError):
        raise WrongError(f"{option} = {text!r} is no time: it may be {ALLOWED}") from None


def length(option: str, text: str) -> int:
    """The nanoseconds of a length of time, such as `5s` or `1m30s`.

    Args:
        option: The option whose value it is.
        text: What was given.

    Raises:
        WrongError: It is none.
    """
    try:
        found = _length(f"-{text.strip().lower()}")
    except (ValueError, OverflowError):
        found = None
    if not found or found > _MOST // 4:
        raise WrongError(f"{option} = {text!r} is no length of time: it may be 500ms, 5s, 2m, 1h30m")
    return found


def _length(told: str) -> int | None:
    """The nanoseconds of `-10m`, `-1h30m` or `2h ago`; None for what is written otherwise."""
    if told.startswith("-"):
        rest = told[1:]
    elif told.endswith(" ago"):
        rest = told.removesuffix("ago")
    else:
        return None
    rest = rest.replace(" ", "")
    total = 0.0
    if not rest:
        raise ValueError
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789."))
        number, rest = float(rest[:digits]), rest[digits:]
        letters = len(rest) - len(rest.lstrip("abcdefghijklmnopqrstuvwxyz"))
        unit, rest = rest[:letters], rest[letters:]
        seconds = _UNITS.get(unit) or (_UNITS.get(unit.removesuffix("s")) if len(unit) > 2 else None)
        if seconds is None:
            raise ValueError
        total += number * seconds
    return int(total * _SECOND)


def _of_day(days: int, utc: bool) -> int:
    from datetime import datetime, timedelta, timezone

    zone = timezone.utc if utc else None
    day = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=days)
    return int(day.timestamp()) * _SECOND


def _of_text(text: str, utc: bool) -> int:
    """Of ISO 8601, or a time of today."""
    from datetime import datetime, timezone

    zone = timezone.utc if utc else None
    if ":" in text[:3]:
        # A day without its date is today.
        text = f"{datetime.now(zone):%Y-%m-%d} {text if text[1] != ':' else '0' + text}"
    # Python 3.10 knows no Z.
    moment = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    if moment.tzinfo is None and utc:
        moment = moment.replace(tzinfo=zone)
    return int(moment.replace(microsecond=0).timestamp()) * _SECOND + moment.microsecond * 1000
