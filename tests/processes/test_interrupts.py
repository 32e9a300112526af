"""Ctrl-C in the middle of a call reaches the program from that call: it is neither swallowed nor raised by another call later."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kinds import Records

from unified_logger import (
    JSONFormatter,
    LoggingContext,
    UnifiedLogger,
    _core,
    get_logger,
)

Act = Callable[[UnifiedLogger], object]
theirs = logging.getLogger("theirs")


class Leaving:
    """Is left by Ctrl-C whatever it is asked."""

    def leave(self, *_: object) -> Any:
        raise KeyboardInterrupt("here")

    __repr__ = __str__ = __bool__ = __index__ = __float__ = __iter__ = __len__ = leave
    items = keys = __getitem__ = leave


class Truth(Leaving):
    """A text that does not tell whether it is true."""

    __repr__ = __str__ = object.__repr__


class Mapping(dict[str, Any]):
    """Gives its items to nobody."""

    def items(self) -> Any:
        raise KeyboardInterrupt("here")

    __iter__ = keys = items


class ForeignMapping:
    """One only for whoever asks `collections.abc`."""

    @property
    def __class__(self) -> Any:
        raise KeyboardInterrupt("here")


def noted(notes: object) -> ValueError:
    """An error with notes."""
    error = ValueError("v")
    error.__notes__ = notes  # type: ignore[attr-defined]
    return error


class Suppressing(ValueError):
    """Does not tell whether its context is shown."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("__suppress_context__", "__notes__"):
            raise KeyboardInterrupt("here")
        return super().__getattribute__(name)


def with_context(error: Exception) -> Exception:
    """The error, raised while another was handled."""
    error.__context__ = KeyError("k")
    return error


def handle(**attributes: Any) -> None:
    """A record of `logging` with these attributes."""
    record = logging.LogRecord("remote", 20, "path", 1, "m", (), None)
    record.__dict__.update(attributes)
    logging.getLogger().handle(record)


def formatted(**attributes: Any) -> str:
    """The line of such a record."""
    record = logging.LogRecord("remote", 20, "path", 1, "m", (), None)
    record.__dict__.update(attributes)
    return JSONFormatter().format(record)


# Those that log a record all the same.
LOGGING: dict[str, Act] = {
    "stack_info": lambda log: log.info("m", stack_info=Truth()),
    "exc_info": lambda log: log.info("m", exc_info=Truth()),
    "stacklevel": lambda log: log.info("m", stacklevel=Leaving()),
    "level": lambda log: log.log(Leaving(), "m"),  # type: ignore[arg-type]
    "extra": lambda log: log.info("m", extra=Mapping(a=1)),
    "extra_that_is_no_mapping": lambda log: log.info("m", extra=ForeignMapping()),
    "arguments": lambda log: log.info("%d", Leaving()),
    "repr_of_arguments": lambda log: log.info("%d %d", Leaving()),
    "note": lambda log: log.error("m", exc_info=noted([Leaving()])),
    "notes_that_are_no_list": lambda log: log.error("m", exc_info=noted(Leaving())),
    "notes": lambda log: log.error("m", exc_info=Suppressing("v")),
    "context": lambda log: log.error("m", exc_info=with_context(Suppressing("v"))),
    "args_of_a_record": lambda log: handle(args=Truth()),
    "time_of_a_record": lambda log: handle(created=Leaving()),
    "line_of_a_record": lambda log: handle(lineno=Leaving()),
    "text_of_a_record": lambda log: handle(threadName=Leaving()),
    "level_name_of_a_record": lambda log: handle(levelname=Leaving()),
    "message_of_a_record": lambda log: handle(msg=Leaving()),
    "model": lambda log: log.ai("m", prompt=Leaving()),
}
# Those that log nothing.
OTHERS: dict[str, Act] = {
    "context_manager": lambda log: LoggingContext(x=Leaving()).__enter__(),
    "set_trace_context": lambda log: log.set_trace_context(x=Leaving()),
    "bind": lambda log: log.bind(x=Leaving()),
    "format_exception": lambda log: _core.format_exception(noted([Leaving()])),
    "exception_json": lambda log: _core.exception_json(ValueError(Leaving())),
    "encode_value": lambda log: _core.encode_value([Leaving()]),
    "formatter": lambda log: formatted(field=Leaving()),
    "formatter_time": lambda log: formatted(created=Leaving()),
}


@pytest.fixture(autouse=True)
def _no_context() -> Iterator[None]:
    yield
    from unified_logger import context

    context.forget()


def reached(act: Act, logger: UnifiedLogger) -> bool:
    """Whether Ctrl-C came out of the call itself; another call afterwards is none the wiser."""
    try:
        act(logger)
        came = False
    except KeyboardInterrupt:
        came = True
    logger.info("later")
    theirs.info("later")
    return came


@pytest.mark.parametrize("act", LOGGING.values(), ids=LOGGING)
def test_a_call_that_logs_raises_it_after_the_record(logger: UnifiedLogger, records: Records, act: Act) -> None:
    """Whatever part of the call it came from."""
    assert reached(act, logger)
    assert len([record for record in records() if record["message"] != "later"]) == 1


@pytest.mark.parametrize("act", OTHERS.values(), ids=OTHERS)
def test_a_call_that_captures_values_raises_it(logger: UnifiedLogger, records: Records, act: Act) -> None:
    """Where the values were given, not where the next record is logged."""
    assert reached(act, logger)
    assert [record["message"] for record in records()] == ["later"] * 2


@pytest.mark.parametrize("method", ["info", "exception", "log"])
@pytest.mark.parametrize(
    "keywords",
    [{"exc_info": Truth()}, {"stack_info": Truth()}, {"extra": {"a": Leaving()}}],
    ids=["exc_info", "stack_info", "extra"],
)
def test_native_calls_of_logging_raise_it(start: Callable[..., Any], method: str, keywords: dict[str, Any]) -> None:
    """As those of `logging` do."""
    start(native_stdlib=True)
    theirs.info("before")
    call = getattr(theirs, method)
    arguments = (20, "m") if method == "log" else ("m",)
    with pytest.raises(KeyboardInterrupt):
        call(*arguments, **keywords)
    theirs.info("later")
    get_logger("app").info("later")


def test_asking_for_a_level_raises_it(logger: UnifiedLogger) -> None:
    """A level of its own that a context has is asked of whatever another tracing library has as current."""
    from contextvars import ContextVar

    variable: ContextVar[object] = ContextVar("theirs")

    def convert(_: object) -> None:
        raise KeyboardInterrupt("here")

    with LoggingContext(level="DEBUG"):
        variable.set(object())
        _core.set_foreign_context(variable, convert)
        try:
            with pytest.raises(KeyboardInterrupt):
                theirs.isEnabledFor(10)
            variable.set(object())
            with pytest.raises(KeyboardInterrupt):
                _core.current_context()
        finally:
            _core.set_foreign_context(None)
    logger.info("later")


def test_a_start_raises_it_once_all_is_delivered(run_python: Callable[..., Any]) -> None:
    """What was logged before it is asked for its level, by code of others."""
    run_python(
        """
import json, logging
from unified_logger import *
class Leaving(logging.Logger):
    def isEnabledFor(self, level):
        if started: raise KeyboardInterrupt
        return True
started = False
logging.setLoggerClass(Leaving)
for number in range(3): get_logger(f"a{number}").info("early")
started = True
try: init_logging(log_dir="logs", console_format="off")
except KeyboardInterrupt: print("raised")
started = False
init_logging(log_dir="logs", console_format="off")
get_logger("b").info("later")
assert flush_logging(30)
assert len(open("logs/app.log").readlines()) == 4
"""
    )
