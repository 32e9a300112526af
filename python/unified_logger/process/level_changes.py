"""Levels that change while a program runs: at once, for a block, or for a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from weakref import ReferenceType, WeakValueDictionary, ref

from .. import levels
from ..context.packing import Unchanging
from ..errors import ConfigurationError, nearest_word
from . import notices, timers

if TYPE_CHECKING:
    from types import TracebackType

    from ..logger import UnifiedLogger

# The longest time for a level, seconds: a year.
_LONGEST = 365 * 86_400

# The last change of each logger. A change without a reference can no longer be reverted, and is removed.
_last: WeakValueDictionary[str, LevelChange] = WeakValueDictionary()


class LevelChange(Unchanging):
    """A level that was set. As a context manager it is reverted at the end of the block.

    Changes of one logger may overlap and be reverted in any order: the logger then has the level of the last change that was not reverted. A
    level that other code has set since is never touched.

    Args:
        logger: The logger.
        level: The level that was set.
        before: The level to which the logger goes back.
        earlier: The previous change, if that can still be reverted.
    """

    __slots__ = ("__weakref__", "_done", "_earlier", "before", "level", "logger", "timer")

    def __init__(self, logger: logging.Logger, level: int, before: int, earlier: LevelChange | None) -> None:
        self.logger = logger
        self.level = level
        self.before = before
        self._earlier: ReferenceType[LevelChange] | None = None if earlier is None else ref(earlier)
        self._done = False
        self.timer: timers.Timer | None = None

    def __repr__(self) -> str:
        state = "reverted" if self._done else "set"
        return f"<LevelChange {self.logger.name}: {levels.name_of(self.level)}, {state}>"

    def __enter__(self) -> LevelChange:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.revert()

    def revert(self) -> bool:
        """Gives the logger its previous level back. Harmless when repeated.

        Returns:
            Whether the level has changed: not if other code has set it since.
        """
        return self._revert("reverted")

    def expire(self) -> None:
        """Reverts the change when its time is over."""
        if not self._done and not self._revert("its time is over"):
            left = f"level of {self.logger.name} is left at {levels.name_of(self.logger.level)}: it was set meanwhile"
            notices.report(left, {"target": self.logger.name}, function="set_level")

    def _revert(self, reason: str) -> bool:
        with levels.exclusively():
            if self._done:
                return False
            present = self.logger.level
            self.end()
            after = self._after()
            if after is not None:
                # That change is in force; it goes back to the level to which this one would have gone.
                after.before, after._earlier = self.before, self._earlier
                return False
            if _last.get(self.logger.name) is not self or present != self.level:
                return False
            earlier = self.earlier()
            if earlier is None:
                del _last[self.logger.name]
            else:
                _last[self.logger.name] = earlier
            self.logger.setLevel(self.before)
        report(self.logger, self.level, self.before, reason)
        return True

    def end(self) -> None:
        """Makes sure that the change is never reverted."""
        self._done = True
        if self.timer is not None:
            self.timer.cancel()
        if levels.timed.get(self.logger.name) is self:
            del levels.timed[self.logger.name]

    def earlier(self) -> LevelChange | None:
        """The previous change, if that can still be reverted."""
        found = None if self._earlier is None else self._earlier()
        return None if found is None or found._done else found

    def _after(self) -> LevelChange | None:
        """The change that came after this one and is still in force."""
        change = _last.get(self.logger.name)
        while change is not None:
            earlier = None if change._earlier is None else change._earlier()
            if earlier is self:
                return change
            change = earlier
        return None


def set_level(
    logger: str | logging.Logger | UnifiedLogger, level: str | int | None, seconds: float | None = None
) -> LevelChange:
    """Sets a logger's level: see `unified_logger.set_level`."""
    target = _logger(logger)
    number = logging.NOTSET if level is None else _number(level)
    if seconds is not None:
        _check(seconds)
    with levels.exclusively():
        old = target.level
        pending = levels.timed.get(target.name)
        last = _last.get(target.name)
        if pending is not None and old == pending.level:
            change = LevelChange(target, number, pending.before, pending.earlier())
        else:
            change = LevelChange(target, number, old, last if last is not None and last.level == old else None)
        if seconds is not None:
            change.timer = timers.later(seconds, change.expire)
        if pending is not None:
            pending.end()
        target.setLevel(number)
        _last[target.name] = change
        if seconds is not None:
            levels.timed[target.name] = change
    report(target, old, number, "set_level", seconds)
    return change


def get_levels() -> dict[str, str]:
    """The levels that are set: see `unified_logger.get_levels`."""
    found = [item for item in logging.Logger.manager.loggerDict.copy().values() if isinstance(item, logging.Logger)]
    found.sort(key=lambda logger: logger.name)
    return {logger.name: levels.name_of(logger.level) for logger in (logging.getLogger(), *found) if logger.level}


def report(logger: logging.Logger, old: int, new: int, reason: str, seconds: float | None = None) -> None:
    """Logs that a level changed.

    Args:
        logger: The logger.
        old: Its level before.
        new: Its level now.
        reason: The reason.
        seconds: For how long; None is permanently.
    """
    time = "" if seconds is None else f" for {seconds:g} s"
    notices.report(
        f"level of {logger.name}: {levels.name_of(old)} -> {levels.name_of(new)}{time} ({reason})",
        {
            "target": logger.name,
            "old_level": levels.name_of(old),
            "new_level": levels.name_of(new),
            "reason": reason,
            "seconds": seconds,
        },
        function="set_level",
    )


def _logger(given: object) -> logging.Logger:
    if isinstance(given, str):
        return logging.getLogger(given)
    target = given if isinstance(given, logging.Logger) else getattr(given, "logger", None)
    if not isinstance(target, logging.Logger):
        raise TypeError(f"logger must be a name or a logger, not {type(given).__name__}")
    return target


def _number(level: object) -> int:
    try:
        return levels.parse(level)
    except (ValueError, TypeError):
        raise ConfigurationError(
            source="argument",
            key="level",
            value=level,
            allowed=f"None, or {levels.ALLOWED}",
            suggestion=nearest_word(level, levels.NAMES),
        ) from None


def _check(seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= _LONGEST:
        raise ConfigurationError(
            source="argument", key="seconds", value=seconds, allowed=f"None, or more than 0 and at most {_LONGEST}"
        )
