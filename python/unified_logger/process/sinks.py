"""Functions of the program that get records, each on a thread of its own.

The engine hands their lines on behind the queue, through a bounded buffer. So a slow function never holds up a call or a file: what finds no
room is dropped and counted.
"""

from __future__ import annotations

import inspect
import json
import sys
from contextlib import suppress
from threading import Thread, current_thread
from time import sleep
from typing import TYPE_CHECKING, Any

from .. import _core
from ..clocks import monotonic
from ..config.functions import shown
from ..config.sections.outputs import function_for_engine
from ..context.packing import Unchanging
from ..errors import ConfigurationError
from . import capabilities, engine, notices

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType

    from ..config import Settings

# How long a thread waits for records before it looks whether it is still needed, seconds. It is woken for both.
_PATIENCE = 3_600.0
# How long a fork waits for all threads to end, seconds.
_FORK_PATIENCE = 1.0
# How often drops are looked for at most, seconds.
_LOOKS = 1.0
# In the line of a notice.
_OF_THE_LIBRARY = '"logger":"unified_logger"'
# How often one sink complains at most, seconds.
_INTERVAL = 10.0


class Sink(Unchanging):
    """A function that gets records, as `add_sink` has added it. As a context manager it is removed at the end of the block.

    Args:
        name: The name of its output, under which it counts in `get_stats()["sinks"]`.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<Sink {self.name}>"

    def remove(self) -> None:
        """Calls the function with all records of earlier calls, for a second at most, and with none after that. Harmless when repeated."""
        _remove(self.name)

    def __enter__(self) -> Sink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()


class _Consumer:
    """Calls one function, on a thread that lasts as long as the function is a sink.

    Args:
        name: The name of the output.
        function: The function, or a coroutine function.
        form: The form in which it gets records, "dict" or "line".
    """

    def __init__(self, name: str, function: Callable[[Any], object], form: str) -> None:
        self.name = name
        self.function = function
        self.form = form
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_there = False
        self._goes_on = True
        self._thread: Thread | None = None
        self._complained_at: float | None = None
        # Counts go on where a name is used again.
        self._dropped = self._count_dropped()
        # When drops are looked for again, by the monotonic clock.
        self._looks_at = 0.0

    def begin(self) -> None:
        """Starts the thread, unless it is there. If none can be started, the next start tries again, and records are dropped until then."""
        self._goes_on = True
        if self._is_there:
            return
        self._is_there = True
        try:
            self._thread = _start_thread(self._run, f"{_core.function_threads()}_{self.name}")
        except RuntimeError as error:
            self._is_there = False
            self._complain(f"the sink {self.name} has no thread: {error}")

    def ask_to_end(self) -> None:
        """Lets the thread end when the function has returned."""
        self._goes_on = False
        _core.wake_function(self.name)

    def wait(self, deadline: float) -> None:
        """Waits for the end of the thread, until a time of the monotonic clock. A function that forks is not waited for: it waits itself."""
        if self._thread is current_thread():
            return
        while self._is_there and monotonic() < deadline:
            sleep(0.001)
        if self._thread is not None:
            self._thread.join(max(deadline - monotonic(), 0.0))

    def _run(self) -> None:
        patience = _PATIENCE
        try:
            while self._goes_on:
                handed = _core.next_records(self.name, patience)
                for lines in handed or ():
                    self._give(lines)
                # Not after each line: to count takes as long as a short function.
                patience = self._looks_at - monotonic()
                if patience <= 0:
                    self._report_drops()
                    self._looks_at = monotonic() + _LOOKS
                    patience = _PATIENCE if handed is None else _LOOKS
        finally:
            if self._loop is not None:
                self._loop.close()
                self._loop = None
            self._is_there = False
            if self._goes_on:  # A fork that did not wait any longer has asked for it again.
                self.begin()

    def _give(self, lines: str) -> None:
        try:
            self._call(json.loads(lines) if self.form == "dict" else lines)
        except (
            BaseException
        ) as error:  # Also one that would end the thread: the next record has nothing to do with this one.
            _core.count_failed(self.name)
            # A function that fails with the library's own records would be the reason for more of them.
            if _OF_THE_LIBRARY not in lines:
                self._complain(f"the sink {self.name} failed: {type(error).__name__}: {error}")

    def _call(self, record: Any) -> None:
        returned = self.function(record)
        if returned is not None and inspect.isawaitable(returned):
            import asyncio

            self._loop = self._loop or asyncio.new_event_loop()
            self._loop.run_until_complete(_awaited(returned))

    def _report_drops(self) -> None:
        dropped = self._count_dropped()
        more = dropped - self._dropped
        if more > 0 and self._complain(f"the sink {self.name} takes too long: {more} records were dropped"):
            self._dropped = dropped

    def _count_dropped(self) -> int:
        counts = engine.stats()["sinks"].get(self.name)
        return counts["dropped"] if counts else 0

    def _complain(self, sentence: str) -> bool:
        """Reports trouble, unless some was reported a short time ago."""
        now = monotonic()
        if self._complained_at is not None and now - self._complained_at < _INTERVAL:
            return False
        self._complained_at = now
        with suppress(Exception):
            notices.report(sentence, {"sink": shown(self.function)}, function="add_sink")
        return True


async def _awaited(returned: Awaitable[object]) -> None:
    # Compiled coroutines and objects of other classes are awaitable, too, and an event loop takes none of them.
    await returned


def _start_thread(function: Callable[[], None], name: str) -> Thread | None:
    """Starts a thread of the system, also where others have put green threads in its place: these would all wait with it."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is None or not gevent.is_module_patched("threading"):
        thread = Thread(target=function, name=name, daemon=True)
        thread.start()
        return thread

    def named() -> None:
        # `threading` keeps what stands for such a thread when that has ended, and a later thread of its number would have the name.
        stand_in = current_thread()
        before, stand_in.name = stand_in.name, name
        try:
            function()
        finally:
            stand_in.name = before

    gevent.get_original("_thread", "start_new_thread")(named, ())
    return None


_consumers: dict[str, _Consumer] = {}
# Those of `add_sink`, with their forms: they stay through further starts.
_added: dict[str, tuple[Callable[[Any], object], str]] = {}


def add(
    function: Callable[[Any], object],
    *,
    level: int | str,
    logger: str | Sequence[str] | None,
    form: str,
    name: str | None,
    select: Mapping[str, Any],
) -> Sink:
    """Adds a sink, see `add_sink`."""
    settings = engine.settings()
    output = {"function": function, "level": level, "form": form, **select}
    if logger is not None:
        if "loggers" in select:
            raise ConfigurationError(
                source="add_sink", key="loggers", value=select["loggers"], allowed="left out beside logger"
            )
        output["loggers"] = [logger] if isinstance(logger, str) else logger
    with engine.exclusively():
        chosen = _name_for(function, settings) if name is None else name
        if chosen in _names_taken(settings):
            raise ConfigurationError(
                source="add_sink", key="name", value=chosen, allowed="a name that no other output has"
            )
        for_engine = function_for_engine(settings, chosen, output, "add_sink")
        _added[chosen] = function, form
        engine.added_outputs[chosen] = for_engine
        try:
            _apply(settings)
        except BaseException:
            del _added[chosen], engine.added_outputs[chosen]
            raise
    return Sink(chosen)


def _name_for(function: Callable[[Any], object], settings: Settings | None) -> str:
    """A name after the function that no other output has."""
    name = getattr(function, "__name__", type(function).__name__)
    stem = "".join(character for character in name if character.isascii() and (character.isalnum() or character == "_"))
    stem = stem[:48] or "function"
    taken = _names_taken(settings)
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)


def _names_taken(settings: Settings | None) -> set[str]:
    return {*engine.added_outputs, "app", "errors", "ai", "console", *(settings.outputs if settings else ())}


def _remove(name: str) -> None:
    with engine.exclusively():
        if _added.pop(name, None) is None:
            return
        engine.flush(1.0)
        del engine.added_outputs[name]
        _apply(engine.settings())


def _apply(settings: Settings | None) -> None:
    """Lets the engine have the outputs as they are now, if it runs."""
    if settings is not None and engine.is_running():
        engine.start(settings)
        start(settings)


def start(settings: Settings) -> None:
    """Calls the functions of the settings, and those that were added, from now on."""
    wanted = {**_added, **settings.functions} if settings.use_unified_logging else {}
    if not settings.use_unified_logging and _added:
        notices.report("sinks have no effect where use_unified_logging is false")
    for name, consumer in [*_consumers.items()]:
        if name not in wanted:
            del _consumers[name]
            consumer.ask_to_end()
    for name, (function, form) in wanted.items():
        consumer = _consumers.setdefault(name, _Consumer(name, function, form))
        consumer.function, consumer.form = function, form
        consumer.begin()


def stop() -> None:
    """Nothing: the functions get their last records while the engine ends, and the threads are daemons."""


def in_child() -> None:
    """Calls the functions here too: a child has threads of its own."""
    for name, consumer in [*_consumers.items()]:
        _consumers[name] = _Consumer(name, consumer.function, consumer.form)
        _consumers[name].begin()


def _before_fork() -> None:
    """Lets the functions have what was logged, so that the engine's threads that wait for them can end."""
    if _consumers:
        engine.flush(_FORK_PATIENCE)


def _when_paused() -> None:
    """Ends the threads: from 3.12 on Python warns of threads at a fork."""
    deadline = monotonic() + _FORK_PATIENCE
    consumers = [*_consumers.values()]
    for consumer in consumers:
        consumer.ask_to_end()
    for consumer in consumers:
        consumer.wait(deadline)


def _begin_again() -> None:
    for consumer in [*_consumers.values()]:
        consumer.begin()


capabilities.before_fork.append(_before_fork)
capabilities.when_paused.append(_when_paused)
capabilities.soon_in_parent.append(_begin_again)
capabilities.join(__name__)
