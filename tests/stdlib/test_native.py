"""`native_stdlib`: loggers of the standard library log without a `LogRecord` where nobody else would see it."""

from __future__ import annotations

import collections
import copy
import functools
import inspect
import json
import logging
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from unittest import mock

import pytest
from kinds import Records

from unified_logger import LoggingContext, get_logger, get_stats, shutdown_logging
from unified_logger.testing import stopped_clock

NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=timezone.utc)
NAMES = ("debug", "info", "warning", "error", "critical", "exception", "log")
ORIGINALS = {name: vars(logging.Logger)[name] for name in NAMES}


@pytest.fixture
def native(start: Callable[..., Any]) -> Iterator[logging.Logger]:
    """A logger of `logging` that was made native."""
    start(native_stdlib=True)
    yield logging.getLogger("theirs")
    for name, method in ORIGINALS.items():
        if vars(logging.Logger)[name] is not method:
            shutdown_logging()
    assert {name: vars(logging.Logger)[name] for name in NAMES} == ORIGINALS


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Messages of the records that the root handler was given: those of calls that were not native."""
    import unified_logger.stdlib

    seen: list[str] = []
    handle = unified_logger.stdlib.Handler.handle

    def noting(self: Any, record: logging.LogRecord) -> bool:
        seen.append(str(record.msg))
        return handle(self, record)

    monkeypatch.setattr(unified_logger.stdlib.Handler, "handle", noting)
    return seen


class Shown:
    """Has texts of its own."""

    def __str__(self) -> str:
        return "shown"

    def __repr__(self) -> str:
        return "<shown>"


class Untrue:
    """Has no truth."""

    def __bool__(self) -> bool:
        raise TypeError("has no truth")


class Falsy(Exception):
    """An exception that is false."""

    def __bool__(self) -> bool:
        return False


def raised() -> ValueError:
    """An exception with a traceback."""
    try:
        raise ValueError("v")
    except ValueError as error:
        return error


def handling(call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Calls while an exception is being handled."""
    try:
        raise KeyError("handled")
    except KeyError:
        call(*args, **kwargs)


def outer(log: logging.Logger, **kwargs: Any) -> None:
    """A frame around a frame around the call."""

    def inner() -> None:
        log.warning("m", **kwargs)

    inner()


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return "its own text"


CALLS: dict[str, Callable[[logging.Logger], Any]] = {
    "text": lambda log: log.info("m"),
    "no text": lambda log: log.info(None),
    "object": lambda log: log.info(Shown()),
    "text of a class": lambda log: log.info(Text("t")),
    "surrogate": lambda log: log.info("a\udc80b"),
    "levels": lambda log: [log.debug("d"), log.warning("w"), log.error("e"), log.critical("c")],
    "log": lambda log: log.log(logging.WARNING, "m %s", 1, extra={"n": 1}),
    "log between levels": lambda log: log.log(35, "m"),
    "log above levels": lambda log: log.log(60, "m"),
    "log below the level": lambda log: log.log(5, "m"),
    "argument": lambda log: log.info("m %s", "x"),
    "arguments": lambda log: log.info("m %s %d %r", "x", 3, [1]),
    "object as argument": lambda log: log.info("m %s %s", Shown(), raised()),
    "mapping": lambda log: log.info("m %(a)s", {"a": 1}),
    "mapping that is no dictionary": lambda log: log.info("m %(a)s", MappingProxyType({"a": 1})),
    "dictionary of a class": lambda log: log.info("m %(a)s", collections.OrderedDict(a=1)),
    "empty mapping": lambda log: log.info("m %s", {}),
    "mapping among others": lambda log: log.info("m %s %s", {"a": 1}, 2),
    "tuple": lambda log: log.info("m %s", (1, 2)),
    "too few arguments": lambda log: log.info("m %s %s", 1),
    "wrong argument": lambda log: log.info("m %d", "many"),
    "argument without a place": lambda log: log.info("m", 1),
    "percent": lambda log: log.info("100%"),
    "percent with argument": lambda log: log.info("100% %s", 1),
    "object with argument": lambda log: log.info(Shown(), 1),
    "extra": lambda log: log.info("m", extra={"a": 1, "b": "zwei", "c": [1, {"d": None}], "e": 1.5, "f": Shown()}),
    "extra is none": lambda log: log.info("m", extra=None),
    "extra is empty": lambda log: log.info("m", extra={}),
    "extra is a mapping": lambda log: log.info("m", extra=MappingProxyType({"a": 1})),
    "extra of a class": lambda log: log.info("m", extra=collections.OrderedDict(a=1)),
    "extra without texts": lambda log: log.info("m", extra={1: 2, None: 3}),
    "extra with texts of a class": lambda log: log.info("m", extra={Text("a"): 1}),
    "extra with reserved keys": lambda log: log.info("m", extra={"level": 1, "trace_id": "t", "fields": {}}),
    "extra of ai": lambda log: log.info("m", extra={"gen_ai.request.model": "x"}),
    "extra that differs": lambda log: [log.info("m", extra=extra) for extra in ({"a": 1}, {"b": 2}, {}, {"a": 3})],
    "extra made at run time": lambda log: log.info("m", extra={"".join(("ke", "y")): 1}),
    "exception": lambda log: handling(log.exception, "m %s", 1, extra={"a": 1}),
    "exception without one": lambda log: log.exception("m"),
    "exception given": lambda log: log.exception("m", exc_info=raised()),
    "exception refused": lambda log: handling(log.exception, "m", exc_info=False),
    "exc_info": lambda log: handling(log.warning, "m", exc_info=True),
    "exc_info one": lambda log: handling(log.warning, "m", exc_info=1),
    "exc_info without one": lambda log: log.warning("m", exc_info=True),
    "exc_info is an exception": lambda log: log.warning("m", exc_info=raised()),
    "exc_info is a false exception": lambda log: log.warning("m", exc_info=Falsy("f")),
    "exc_info is a triple": lambda log: handling(lambda: log.warning("m", exc_info=sys.exc_info())),
    "exc_info is an empty triple": lambda log: log.warning("m", exc_info=(None, None, None)),
    "exc_info is none": lambda log: handling(log.warning, "m", exc_info=None),
    "stack_info": lambda log: log.warning("m", stack_info=True),
    "no stack_info": lambda log: log.warning("m", stack_info=False),
    "stacklevel 1": lambda log: outer(log, stacklevel=1),
    "stacklevel 2": lambda log: outer(log, stacklevel=2),
    "stacklevel 3": lambda log: outer(log, stacklevel=3),
    "stacklevel with fields": lambda log: outer(log, stacklevel=2, extra={"a": 1}),
    "stacklevel of an exception": lambda log: handling(log.exception, "m", stacklevel=2),
    "stacklevel 0": lambda log: outer(log, stacklevel=0),
    "stacklevel below": lambda log: outer(log, stacklevel=-1),
    "stacklevel is true": lambda log: outer(log, stacklevel=True),
    "stacklevel beyond": lambda log: outer(log, stacklevel=10_000),
    "adapter": lambda log: logging.LoggerAdapter(log, {"tenant": 3}).warning("m %d", 1),
    "adapter around an adapter": lambda log: logging.LoggerAdapter(
        logging.LoggerAdapter(log, {"tenant": 3}), {"other": 4}
    ).error("m"),
    "adapter with stacklevel": lambda log: logging.LoggerAdapter(log, {}).warning("m", stacklevel=2),
    "adapter's exception": lambda log: handling(logging.LoggerAdapter(log, {}).exception, "m"),
    "root": lambda log: logging.warning("m %s", 1, extra={"a": 1}),
    "root's exception": lambda log: handling(logging.exception, "m"),
    "root's log": lambda log: logging.log(logging.ERROR, "m"),
    "child": lambda log: log.getChild("child").info("m"),
    "made by itself": lambda log: logging.Logger("alone").warning("m"),
    "fatal": lambda log: log.fatal("m"),
    "unbound": lambda log: logging.Logger.info(log, "m", extra={"a": 1}),
    "bound": lambda log: [call("m") for call in [log.info] * 2],
    "by keyword": lambda log: log.info(msg="m"),
    "log by keyword": lambda log: log.log(level=30, msg="m"),
    "through map": lambda log: list(map(log.info, ["a", "b"])),
    "through partial": lambda log: functools.partial(log.info, "m", extra={"a": 1})(),
    "in a comprehension": lambda log: [log.info("m %d", number) for number in range(3)],
    "in code without a file": lambda log: exec("log.info('m')\nlog.info('n')", {"log": log}),
    "in a class body": lambda log: exec("class Body:\n    log.info('m')", {"log": log}),
    "with a context": lambda log: _in_context(log),
    "in a thread": lambda log: _in_thread(log),
    "below the level": lambda log: log.debug("m", unknown=1),
}
ERRORS: dict[str, Callable[[logging.Logger], Any]] = {
    "no message": lambda log: log.info(),  # type: ignore[call-arg]
    "no level": lambda log: log.log(),  # type: ignore[call-arg]
    "level without message": lambda log: log.log(30),  # type: ignore[call-arg]
    "level is a text": lambda log: log.log("INFO", "m"),  # type: ignore[arg-type]
    "unknown keyword": lambda log: log.info("m", order=1),  # type: ignore[call-arg]
    "extra with a name of the record's": lambda log: log.info("m", extra={"a": 1, "name": 1}),
    "extra with message": lambda log: log.info("m", extra={"message": 1}),
    "extra with asctime": lambda log: log.info("m", extra={"asctime": 1}),
    "exc_info without truth": lambda log: log.info("m", exc_info=Untrue()),  # type: ignore[arg-type]
    "extra is no mapping": lambda log: log.info("m", extra=5),  # type: ignore[arg-type]
    "stacklevel is a text": lambda log: log.info("m", stacklevel="2"),  # type: ignore[arg-type]
}


def _in_context(log: logging.Logger) -> None:
    with LoggingContext(trace_id="t", span_id="s", user="u"):
        log.info("m", extra={"a": 1, "user": "other"})


def _in_thread(log: logging.Logger) -> None:
    thread = threading.Thread(target=log.info, args=("m",), name="worker")
    thread.start()
    thread.join()


def written(call: Callable[[logging.Logger], Any], records: Records) -> list[dict[str, Any]]:
    """What a call writes, however it ends; every file counts."""
    names = ("app.log", "errors.log", "ai_responses.log")
    before = [len(records(name)) for name in names]
    with stopped_clock(NOW):
        call(logging.getLogger("theirs"))
    return [record for name, count in zip(names, before, strict=True) for record in records(name)[count:]]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_writes_what_it_writes_through_the_root_handler(
    start: Callable[..., Any], records: Records, name: str
) -> None:
    """Any form of it, twice from the same line; the counts are the same too.

    But for calls that a level refuses: `logging` tells nobody of them.
    """
    seen, counts = [], []
    for native in (False, True, True, False):
        start(native_stdlib=native)
        before = get_stats()
        seen.append(written(CALLS[name], records))
        after = get_stats()
        counts.append([after[key] - before[key] for key in ("accepted", "malformed", "errors")])
    assert seen[0] == seen[3]
    assert seen[1] == seen[2] == seen[0]
    assert counts[1] == counts[2] == counts[0]


@pytest.mark.parametrize("name", ERRORS)
def test_a_call_that_logging_refuses_is_refused(start: Callable[..., Any], records: Records, name: str) -> None:
    """With the same exception, from the same place; nothing is written."""
    raised_by = []
    for native in (False, True, True):
        start(native_stdlib=native)
        with pytest.raises((TypeError, KeyError)) as found:
            ERRORS[name](logging.getLogger("theirs"))
        raised_by.append((type(found.value), str(found.value)))
    assert len(set(raised_by)) == 1
    assert records() == []


def test_most_calls_make_no_log_record(native: logging.Logger, records: Records, made: list[str]) -> None:
    """That is what the option is for."""
    for _ in range(2):
        native.info("text", extra={"a": 1})
        native.warning("argument %s", 1)
        handling(native.exception, "exception")
        logging.LoggerAdapter(native, {"tenant": 3}).error("adapter")
        logging.error("root")
        native.log(logging.INFO, "log")
        native.info("stacklevel", stacklevel=2)
    assert made == []
    assert len(records()) == 14


def test_a_call_runs_no_python_code(run_python: Callable[..., Any]) -> None:
    """What decides how to log is asked once, then remembered."""
    run_python(
        """
import logging, sys
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off", native_stdlib=True)
log = logging.getLogger("theirs")
called = []
def note(frame, event, argument):
    if event == "call":
        called.append(frame.f_code.co_name)
for count in range(2):
    for number in range(3):
        log.info("m %s", number, extra={"a": 1})
        log.debug("m")
    if count == 0:
        sys.setprofile(note)
sys.setprofile(None)
assert called == [], called
"""
    )


def test_it_is_on_unless_it_is_turned_off(start: Callable[..., Any]) -> None:
    """The default replaces the methods, and the statistics say so."""
    start()
    assert all(vars(logging.Logger)[name] is not ORIGINALS[name] for name in NAMES)
    assert get_stats()["native_stdlib"] == "on"
    start(native_stdlib=False)
    assert {name: vars(logging.Logger)[name] for name in NAMES} == ORIGINALS
    assert get_stats()["native_stdlib"] == "off: native_stdlib is false"


def test_nobody_can_tell_its_methods_from_functions(native: logging.Logger) -> None:
    """By `inspect`, by their attributes, by a call as a function; `type()` alone tells."""
    for name in NAMES:
        method: Any = vars(logging.Logger)[name]
        assert inspect.isfunction(method)
        assert inspect.signature(method) == inspect.signature(ORIGINALS[name])
        assert inspect.getsource(method) == inspect.getsource(ORIGINALS[name])
        assert method.__code__ is ORIGINALS[name].__code__
        assert (method.__module__, method.__doc__) == ("logging", ORIGINALS[name].__doc__)
        assert repr(method) == repr(ORIGINALS[name])
        assert pickle.loads(pickle.dumps(method)) is method
        assert copy.deepcopy(method) is copy.copy(method) is method
        assert inspect.ismethod(getattr(native, name))
    with pytest.raises(TypeError, match=r"info\(\) missing 2 required positional arguments: 'self' and 'msg'"):
        logging.Logger.info()  # type: ignore[call-arg]


def test_a_function_takes_any_object_as_self(native: logging.Logger) -> None:
    """As the original does."""

    class Duck:
        seen: ClassVar[list[int]] = []

        def isEnabledFor(self, level: int) -> bool:
            self.seen.append(level)
            return False

    logging.Logger.info(Duck(), "message")  # type: ignore[arg-type]
    assert Duck.seen == [logging.INFO]


def test_mocks_have_its_signature(native: logging.Logger, records: Records) -> None:
    """A mock that follows a specification is given the logger, too."""
    ours = logging.Logger.info
    with mock.patch.object(logging.Logger, "info", autospec=True) as info:
        native.info("message of %s", "mock", extra={"a": 1})
        info.assert_called_once_with(native, "message of %s", "mock", extra={"a": 1})
        with pytest.raises(TypeError):
            native.info()  # type: ignore[call-arg]
    assert logging.Logger.info is ours
    native.info("written")
    assert [record["message"] for record in records()] == ["written"]


def test_it_is_off_where_a_debugger_is_on(start: Callable[..., Any]) -> None:
    """By default; somebody who asks for it gets it."""
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        start()
        assert get_stats()["native_stdlib"] == "off: a debugger or another trace function was on at the start"
        assert logging.Logger.info is ORIGINALS["info"]
        start(native_stdlib=True)
        assert get_stats()["native_stdlib"] == "on"
    finally:
        sys.settrace(before)


REASONS: dict[str, tuple[Callable[[pytest.MonkeyPatch], Any], str]] = {
    "handler": (lambda patch: logging.getLogger().addHandler(Collector()), "off: {here}.Collector on the root logger"),
    "handler above": (
        lambda patch: logging.getLogger().addHandler(logging.NullHandler(logging.ERROR)),
        "on: below ERROR; logging.NullHandler on the root logger",
    ),
    "filter": (
        lambda patch: logging.getLogger().handlers[0].addFilter(lambda _: True),
        "off: the handler of unified_logger on the root logger has a filter",
    ),
    "removed": (
        lambda patch: logging.getLogger().removeHandler(logging.getLogger().handlers[0]),
        "off: the handler of unified_logger is not on the root logger",
    ),
    "factory": (
        lambda patch: patch.setattr(logging, "_logRecordFactory", lambda *a, **k: logging.LogRecord(*a, **k)),
        "off: {here} makes the records",
    ),
    "method": (
        lambda patch: patch.setattr(logging.Logger, "_log", lambda *_: None),
        "off: {here} has replaced Logger._log",
    ),
    "level method": (
        lambda patch: patch.setattr(logging.Logger, "info", lambda *_: None),
        "on: except for Logger.info, which other code has replaced",
    ),
    "clock": (lambda patch: patch.setattr(time, "time", lambda: 1.0), "off: the clock of time is replaced"),
}


@pytest.mark.parametrize("name", REASONS)
def test_the_statistics_say_why_it_is_off(native: logging.Logger, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """And on again when the reason is gone."""
    root = logging.getLogger()
    before, filters = list(root.handlers), list(root.handlers[0].filters)
    change, expected = REASONS[name]
    assert get_stats()["native_stdlib"] == "on"
    try:
        change(monkeypatch)
        assert get_stats()["native_stdlib"].startswith(expected.format(here=__name__))
    finally:
        root.handlers[:] = before
        root.handlers[0].filters[:] = filters
        monkeypatch.undo()
    assert get_stats()["native_stdlib"] == "on"


@pytest.mark.parametrize("way", ["argument", "environment", "file"])
def test_it_is_asked_for_like_any_option(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_dir: Path, way: str
) -> None:
    """By argument, environment and file."""
    if way == "argument":
        start(native_stdlib=True)
    elif way == "environment":
        monkeypatch.setenv("UNIFIED_LOGGER_NATIVE_STDLIB", "true")
        start()
    else:
        from unified_logger import init_logging_from_config

        (tmp_path / "logging.yaml").write_text("native_stdlib: true\n")
        init_logging_from_config(tmp_path / "logging.yaml", log_dir=str(log_dir))
    assert all(vars(logging.Logger)[name] is not ORIGINALS[name] for name in NAMES)


@pytest.mark.parametrize("way", ["shutdown", "off", "plain"])
def test_the_original_methods_come_back(native: logging.Logger, start: Callable[..., Any], way: str) -> None:
    """The very same ones, by a shutdown, a start without the option, and the mode without the core."""
    assert all(vars(logging.Logger)[name] is not ORIGINALS[name] for name in NAMES)
    if way == "shutdown":
        shutdown_logging()
    elif way == "off":
        start(native_stdlib=False)
    else:
        start(native_stdlib=True, use_unified_logging=False)
    assert {name: vars(logging.Logger)[name] for name in NAMES} == ORIGINALS


def test_a_method_kept_from_before_goes_on_working(
    native: logging.Logger, start: Callable[..., Any], records: Records, made: list[str]
) -> None:
    """Bound while native, called when it is no more; bound before, called when it is."""
    kept = native.info
    kept("native")
    start(native_stdlib=False)
    kept("through the handler")
    start(native_stdlib=True)
    kept("native again")
    assert made == ["through the handler"]
    assert [record["message"] for record in records()] == ["native", "through the handler", "native again"]


def test_what_others_put_there_stays(
    native: logging.Logger, start: Callable[..., Any], records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapper around ours survives the end of the option and works after it; one from before is not replaced."""
    ours, seen = logging.Logger.info, []

    @functools.wraps(ours)
    def theirs(self: logging.Logger, *args: Any, **kwargs: Any) -> None:
        seen.append(args[0])
        ours(self, *args, **kwargs)

    monkeypatch.setattr(logging.Logger, "info", theirs)
    native.info("one")
    start(native_stdlib=False)
    assert vars(logging.Logger)["info"] is theirs
    native.info("two")
    start(native_stdlib=True)
    assert vars(logging.Logger)["info"] is theirs
    native.info("three")
    monkeypatch.undo()
    native.info("four")
    start(native_stdlib=False)
    assert vars(logging.Logger)["info"] is ORIGINALS["info"]
    assert seen == ["one", "two", "three"]
    assert [record["message"] for record in records()] == ["one", "two", "three", "four"]
    assert [record["function"] for record in records()[:3]] == ["theirs"] * 3


class Collector(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())


@pytest.mark.parametrize("where", ["theirs", ""])
def test_another_handler_is_given_the_record(native: logging.Logger, records: Records, where: str) -> None:
    """From the next call on, and until it is gone."""
    collector, target = Collector(), logging.getLogger(where)
    native.info("before")
    target.addHandler(collector)
    native.info("with")
    target.removeHandler(collector)
    native.info("after")
    assert collector.seen == ["with"]
    assert [record["message"] for record in records()] == ["before", "with", "after"]


Patch = Callable[[pytest.MonkeyPatch, logging.Logger], Any]


def _noting_factory(patch: pytest.MonkeyPatch, _: logging.Logger) -> None:
    original = logging.getLogRecordFactory()
    patch.setattr(logging, "_logRecordFactory", lambda *args, **kwargs: original(*args, **kwargs))


def _wrapping(name: str) -> Patch:
    def wrap(patch: pytest.MonkeyPatch, _: logging.Logger) -> None:
        original = getattr(logging.Logger, name)
        patch.setattr(logging.Logger, name, functools.wraps(original)(lambda *a, **k: original(*a, **k)))

    return wrap


def _on_the_logger(name: str) -> Patch:
    def wrap(patch: pytest.MonkeyPatch, log: logging.Logger) -> None:
        original = getattr(log, name)
        patch.setattr(log, name, lambda *a, **k: original(*a, **k), raising=False)

    return wrap


def _record_init(patch: pytest.MonkeyPatch, _: logging.Logger) -> None:
    original = logging.LogRecord.__init__
    patch.setattr(logging.LogRecord, "__init__", functools.wraps(original)(lambda *a, **k: original(*a, **k)))


def _stopped_time(patch: pytest.MonkeyPatch, _: logging.Logger) -> None:
    for name in ("time", "time_ns"):
        original = getattr(time, name)
        patch.setattr(time, name, lambda original=original: original())


PATCHES: dict[str, Patch] = {
    "a filter": lambda patch, log: patch.setattr(log, "filters", [lambda record: True]),
    "a filter of the root handler": lambda patch, log: patch.setattr(
        _root_handler(), "filters", [lambda record: True]
    ),
    "a level of the root handler": lambda patch, log: patch.setattr(_root_handler(), "level", logging.INFO),
    "a record factory": _noting_factory,
    "the record's class": _record_init,
    "a level's name": lambda patch, log: patch.setattr(logging, "getLevelName", lambda level: "X"),
    "logging's own file": lambda patch, log: patch.setattr(logging, "_srcfile", __file__),
    "no callers": lambda patch, log: patch.setattr(logging, "_srcfile", None),
    "a clock": _stopped_time,
    **{f"{name} of the class": _wrapping(name) for name in ("handle", "callHandlers", "makeRecord", "_log", "findCaller")},
    **{
        f"{name} of the logger": _on_the_logger(name)
        for name in ("handle", "callHandlers", "makeRecord", "filter", "_log", "findCaller", "isEnabledFor")
    },
}  # fmt: skip


def _root_handler() -> logging.Handler:
    from unified_logger.stdlib.handler import _handler

    return _handler


@pytest.mark.parametrize("name", PATCHES)
def test_it_steps_aside_for(
    native: logging.Logger, records: Records, made: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A record is made while somebody could tell the difference, and not before and after."""
    native.info("before")
    with monkeypatch.context() as patch:
        PATCHES[name](patch, native)
        native.info("with")
        native.info("with")
    native.info("after")
    assert made == ["with", "with"]
    assert [record["message"] for record in records()] == ["before", "with", "with", "after"]


@pytest.mark.parametrize("name", ["_log", "makeRecord", "findCaller", "handle", "callHandlers", "filter", "error"])
def test_it_steps_aside_for_a_subclass_that_overrides(
    native: logging.Logger, records: Records, made: list[str], name: str
) -> None:
    """What it has of its own is called; a subclass without any such thing is native."""

    def overridden(self: logging.Logger, *args: Any, **kwargs: Any) -> Any:
        called.append(name)
        return getattr(logging.Logger, name)(self, *args, **kwargs)

    called: list[str] = []
    for attributes in ({}, {name: overridden}):
        log = type("Sub", (logging.Logger,), attributes)("theirs.sub")
        log.parent = native
        handling(log.exception, str(len(attributes)))
    assert made == ["1"]
    assert called == [name]
    assert [record["message"] for record in records()] == ["0", "1"]


def test_a_subclass_with_methods_of_its_own(native: logging.Logger, records: Records) -> None:
    """Its calls of ours name its own line, as with `logging`."""

    class Sub(logging.Logger):
        def info(self, msg: object, *args: Any, **kwargs: Any) -> None:
            super().info(f"sub {msg}", *args, **kwargs)

    log = Sub("theirs.sub")
    log.parent = native
    log.info("m")
    log.info("m", stacklevel=2)
    assert [record["function"] for record in records()] == ["info", "test_a_subclass_with_methods_of_its_own"]
    assert [record["message"] for record in records()] == ["sub m"] * 2


def test_a_logger_that_does_not_reach_the_root_writes_nothing(native: logging.Logger, records: Records) -> None:
    """As with `logging`, where such a record finds no handler."""
    native.info("before")
    native.propagate = False
    native.addHandler(logging.NullHandler())
    native.info("with")
    native.handlers = []
    native.info("bare")
    native.propagate = True
    native.info("after")
    logging.getLogger().removeHandler(_root_handler())
    native.info("without our handler")
    logging.getLogger().addHandler(_root_handler())
    written = [record["message"] for record in records() if record["logger"] == "theirs"]
    assert written == ["before", "after"]


def test_levels_are_obeyed_at_once(native: logging.Logger, records: Records) -> None:
    """`setLevel` on the logger and the root, `logging.disable`, `disabled`."""
    native.debug("1")
    logging.getLogger().setLevel(logging.DEBUG)
    native.debug("2")
    native.setLevel(logging.ERROR)
    native.warning("3")
    native.setLevel(logging.NOTSET)
    logging.disable(logging.ERROR)
    native.error("4")
    native.critical("5")
    logging.disable(logging.NOTSET)
    native.error("6")
    native.disabled = True
    native.error("7")
    native.disabled = False
    native.error("8")
    assert [record["message"] for record in records()] == ["2", "5", "6", "8"]


def test_names_given_to_levels_stand_in_records(native: logging.Logger, records: Records) -> None:
    """From the next call on."""
    names = []
    for name in ("WARNING", "Achtung", "WARNING"):
        logging.addLevelName(logging.WARNING, name)
        native.warning("m")
        names.append(records()[-1]["level"])
    assert names == ["WARNING", "Achtung", "WARNING"]


def test_raise_exceptions_makes_no_difference(native: logging.Logger, records: Records) -> None:
    """What cannot be merged is written as it is, nothing is raised, and nothing printed."""
    try:
        for value in (True, False):
            logging.raiseExceptions = value
            native.info("%d", "x")
    finally:
        logging.raiseExceptions = True
    assert [record["message"] for record in records()] == ["%d", "%d"]


def test_loggers_are_pickled_and_copied_as_ever(native: logging.Logger) -> None:
    """A logger by its name; one of its methods by both."""
    assert pickle.loads(pickle.dumps(native)) is native
    assert copy.deepcopy(native) is native
    assert pickle.loads(pickle.dumps(native.info)).__self__ is native


def test_its_methods_look_like_the_original_ones(native: logging.Logger) -> None:
    """Name, text and parameters."""
    for name in NAMES:
        method = vars(logging.Logger)[name]
        assert (method.__name__, method.__qualname__) == (name, f"Logger.{name}")
        assert method.__doc__
        theirs, ours = inspect.signature(ORIGINALS[name]), inspect.signature(method)
        assert list(ours.parameters) == list(theirs.parameters)


def test_both_kinds_of_logger_from_one_line(native: logging.Logger, records: Records) -> None:
    """Neither takes the other's fields or place."""
    ours: Any = get_logger("theirs")
    for log in (ours, native, ours, native):
        log.info("m", extra={"a": 1})
    assert len({json.dumps({**record, "timestamp": ""}) for record in records()}) == 1


def test_many_loggers_and_places(native: logging.Logger, records: Records) -> None:
    """More than are remembered."""
    for number in range(5_000):
        logging.getLogger(f"theirs.{number}").info("m", extra={"number": number})
    code = "\n".join(f"log.info('m', extra={{'number': {number}}})" for number in range(5_000))
    exec(compile(code, "many.py", "exec"), {"log": native})
    found = records()
    assert [record["number"] for record in found] == [*range(5_000), *range(5_000)]
    assert [record["logger"] for record in found[:5_000]] == [f"theirs.{number}" for number in range(5_000)]
    assert [record["line"] for record in found[5_000:]] == list(range(1, 5_001))


def test_what_a_field_does_while_it_is_captured(native: logging.Logger, records: Records) -> None:
    """It logs by itself, and takes the fields away."""
    extra: dict[str, Any] = {}

    class Lively:
        def __repr__(self) -> str:
            native.info("inside")
            extra.clear()
            return "lively"

    extra.update(first=Lively(), second=[1, 2])
    native.info("outside", extra=extra)
    inside, outside = records()
    assert (inside["message"], outside["message"], outside["second"]) == ("inside", "outside", [1, 2])


def test_threads_log_while_it_comes_and_goes(
    native: logging.Logger, start: Callable[..., Any], records: Records
) -> None:
    """Each record once, in order."""
    done = threading.Event()

    def work(thread: int) -> None:
        for number in range(1_000):
            native.info("m", extra={"worker": thread, "number": number})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]

    def change() -> None:
        on = False
        while not done.is_set():
            start(native_stdlib=on)
            on = not on

    changing = threading.Thread(target=change)
    for thread in (changing, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    changing.join()
    found = records()
    for thread in range(2):
        assert [record["number"] for record in found if record["worker"] == thread] == list(range(1_000))


def test_a_logger_used_before_the_start(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Goes where `logging` sends it until then, and is native afterwards, at its level."""
    done = run_python(
        """
import logging
from unified_logger import init_logging
log = logging.getLogger("early")
info = log.info
log.warning("before")
log.debug("no")
init_logging(log_dir="logs", console_format="off", native_stdlib=True, log_level="DEBUG")
log.debug("after")
info("kept")
"""
    )
    assert done.stderr == "before\n"
    found = [json.loads(line)["message"] for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert found == ["after", "kept"]


def test_forked_children_log_natively(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Each to the same files, with its own number."""
    run_python(
        """
import logging, os
from unified_logger import flush_logging, init_logging
init_logging(log_dir="logs", console_format="off", native_stdlib=True)
log = logging.getLogger("theirs")
log.info("parent", extra={"a": 1})
child = os.fork()
if child == 0:
    import unified_logger.stdlib
    unified_logger.stdlib.Handler.handle = None  # no record may come this way
    log.info("child", extra={"a": 1})
    flush_logging(30)
    os._exit(0)
os.waitpid(child, 0)
log.info("parent", extra={"a": 2, "child": child})
"""
    )
    found = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    by = collections.Counter((record["message"], record["process"]) for record in found)
    (child,) = [record["child"] for record in found if "child" in record]
    assert by[("child", child)] == 1
    assert sorted(by.values()) == [1, 2]


def test_caplog_sees_their_records(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """What pytest has on the root logger listens: the option steps aside, and the file has each record once."""
    (tmp_path / "test_with_caplog.py").write_text(
        """
import logging
from unified_logger import init_logging

def test_it(caplog):
    init_logging(log_dir="logs", native_stdlib=True)
    logging.getLogger("theirs").warning("seen %s", "here", extra={"order_id": 7})
    (record,) = caplog.records
    assert (record.getMessage(), record.order_id, record.funcName) == ("seen here", 7, "test_it")
"""
    )
    run_python("import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_with_caplog.py']))")
    assert (tmp_path / "logs" / "app.log").read_text().count("seen here") == 1


def test_daemon_threads_that_log_at_the_end_harm_nothing(run_python: Callable[..., Any]) -> None:
    """Neither those that log natively nor those for which it steps aside, which are stopped inside the original methods."""
    done = run_python(
        """
import logging, os, sys, threading, time
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off", native_stdlib=True)
class Slow(logging.Handler):
    def emit(self, record):
        time.sleep(0.001)
logging.getLogger("aside").addHandler(Slow())
def work(name):
    log = logging.getLogger(name)
    while True:
        log.info("m %s", 1, extra={"a": [1]})
for name in ("aside", "native"):
    for _ in range(2):
        threading.Thread(target=work, args=(name,), daemon=True).start()
class Late:
    def __del__(self, sleep=time.sleep, write=os.write, is_finalizing=sys.is_finalizing):
        sleep(0.1)  # the threads come back to an interpreter that has ended
        write(2, b"late %d" % is_finalizing())
sys.late = Late()
time.sleep(0.05)
"""
    )
    assert done.stderr == "late 1"
