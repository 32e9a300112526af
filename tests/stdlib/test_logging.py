"""The standard library's `logging`, both ways: its records come in once, its levels decide, its handlers see ours."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

from unified_logger import UnifiedLogger, flush_logging, get_logger, get_stats


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Leaves `logging` as it was found."""
    before = {name: getattr(logging.Logger, name) for name in ("handle", "callHandlers", "makeRecord")}
    factory, root = logging.getLogRecordFactory(), logging.getLogger()
    handlers = list(root.handlers)
    yield
    for name, method in before.items():
        setattr(logging.Logger, name, method)
    logging.setLogRecordFactory(factory)
    logging.disable(logging.NOTSET)
    root.handlers[:] = handlers
    for name in ("app", "app.sub", "theirs"):
        logger = logging.getLogger(name)
        logger.handlers, logger.filters, logger.propagate, logger.disabled = [], [], True, False
        logger.setLevel(logging.NOTSET)


class Collector(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)


def messages(records: Records) -> list[str]:
    """The messages in app.log."""
    return [record["message"] for record in records()]


def test_their_records_come_in_once_with_their_own_line(logger: UnifiedLogger, records: Records) -> None:
    """Module, function and line of the caller; `extra` as fields; arguments merged."""
    logging.getLogger("theirs").warning("slow %s %d", "answer", 3, extra={"latency_ms": 840})
    (record,) = records()
    assert (record["logger"], record["level"], record["message"]) == ("theirs", "WARNING", "slow answer 3")
    assert (record["module"], record["function"]) == (
        "test_logging",
        "test_their_records_come_in_once_with_their_own_line",
    )
    assert list(record)[-1] == "latency_ms"


def test_both_interfaces_of_one_name_write_once(logger: UnifiedLogger, records: Records) -> None:
    """No record twice."""
    logger.info("ours")
    logging.getLogger("app").info("theirs")
    assert messages(records) == ["ours", "theirs"]


def test_warnings_come_in_with_the_line_that_caused_them(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """By the logger `py.warnings`."""
    run_python(
        """
import warnings
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off")
with warnings.catch_warnings():
    warnings.simplefilter("always")
    warnings.warn("old", DeprecationWarning)
"""
    )
    (record,) = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert (record["logger"], record["message"], record["category"]) == ("py.warnings", "old", "DeprecationWarning")
    assert (record["module"], record["line"]) == ("program_0", 7)


def test_who_catches_warnings_gets_those_after_a_start_too(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Test runners do: what is started inside a test keeps nothing from them. Seen to fail without a look at who catches."""
    run_python(
        """
import warnings
from unified_logger import init_logging
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    init_logging(log_dir="logs", console_format="off")
    warnings.warn("caught", UserWarning)
assert [str(warning.message) for warning in caught] == ["caught"]
"""
    )
    assert (tmp_path / "logs" / "app.log").read_text() == ""


def test_exceptions_of_theirs_are_structured(logger: UnifiedLogger, records: Records) -> None:
    """As ours are."""
    try:
        raise KeyError("k")
    except KeyError:
        logging.getLogger("theirs").exception("failed")
    assert records("errors.log")[0]["exception"]["type"] == "KeyError"


def test_set_level_is_obeyed_at_once(logger: UnifiedLogger, records: Records) -> None:
    """On the logger, a parent, the root; up and down."""
    sub = get_logger("app.sub")
    sub.debug("1")
    logging.getLogger("app").setLevel(logging.DEBUG)
    sub.debug("2")
    logging.getLogger("app.sub").setLevel(logging.ERROR)
    sub.info("3")
    logging.getLogger("app.sub").setLevel(logging.NOTSET)
    logging.getLogger("app").setLevel(logging.NOTSET)
    sub.debug("4")
    logging.getLogger().setLevel(logging.DEBUG)
    sub.debug("5")
    assert messages(records) == ["2", "5"]


def test_disable_is_obeyed_at_once(logger: UnifiedLogger, records: Records) -> None:
    """`logging.disable` and a logger's `disabled`."""
    logger.info("1")
    logging.disable(logging.INFO)
    logger.info("2")
    logger.warning("3")
    logging.disable(logging.NOTSET)
    logger.info("4")
    logger.logger.disabled = True
    logger.error("5")
    logger.logger.disabled = False
    logger.info("6")
    assert [record["message"] for record in records() if record["logger"] == "app"] == ["1", "3", "4", "6"]


def test_calls_below_the_level_are_counted(logger: UnifiedLogger) -> None:
    """As filtered."""
    before = get_stats()["filtered"]
    for _ in range(7):
        logger.debug("no")
    assert get_stats()["filtered"] - before == 7


def test_is_enabled_for_says_the_same(logger: UnifiedLogger) -> None:
    """`logger.logger` is the `logging.Logger` of the same name."""
    assert logger.logger is logging.getLogger("app")
    assert not logger.logger.isEnabledFor(logging.DEBUG)
    assert logger.logger.isEnabledFor(logging.INFO)


def test_caplog_sees_our_records(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Unpatched, with fields and context as attributes, and the file has them once."""
    (tmp_path / "test_with_caplog.py").write_text(
        """
from unified_logger import LoggingContext, get_logger, init_logging

def test_it(caplog):
    init_logging(log_dir="logs")
    logger = get_logger("app")
    with LoggingContext(trace_id="t"):
        logger.warning("seen %s", "here", order_id=7)
    (record,) = caplog.records
    assert (record.getMessage(), record.name, record.levelname) == ("seen here", "app", "WARNING")
    assert (record.order_id, record.trace_id, record.funcName) == (7, "t", "test_it")
    assert "seen here" in caplog.text
"""
    )
    run_python("import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_with_caplog.py']))")
    assert (tmp_path / "logs" / "app.log").read_text().count("seen here") == 1


@pytest.mark.parametrize("where", ["app.sub", "app", ""])
def test_a_handler_added_later_is_seen_at_the_next_call(logger: UnifiedLogger, records: Records, where: str) -> None:
    """On the logger, a parent or the root; removed, it is forgotten."""
    sub, collector = get_logger("app.sub"), Collector()
    sub.info("before")
    target = logging.getLogger(where)
    target.addHandler(collector)
    sub.info("with", n=1)
    target.removeHandler(collector)
    sub.info("after")
    assert [record.getMessage() for record in collector.seen] == ["with"]
    assert messages(records) == ["before", "with", "after"]


def test_a_list_of_handlers_assigned_is_seen(logger: UnifiedLogger, records: Records) -> None:
    """Some libraries replace the list itself."""
    collector = Collector()
    logger.info("before")
    logger.logger.handlers = [collector]
    logger.info("with")
    assert [record.getMessage() for record in collector.seen] == ["with"]
    assert messages(records) == ["before", "with"]


def test_a_handler_exchanged_in_place_is_seen(logger: UnifiedLogger) -> None:
    """The list stays as long as it was."""
    first, second = Collector(), Collector()
    logger.logger.handlers = [first]
    logger.info("one")
    logger.logger.handlers[0] = second
    logger.info("two")
    assert [len(first.seen), len(second.seen)] == [1, 1]


def test_a_filter_can_drop_and_change(logger: UnifiedLogger, records: Records) -> None:
    """What it leaves is what is written."""

    def keep(record: logging.LogRecord) -> bool:
        record.msg = str(record.msg).upper()
        record.added = 1
        return "secret" not in str(record.msg).lower()

    logger.info("before")
    logger.logger.addFilter(keep)
    logger.info("kept", n=2)
    logger.info("secret")
    logger.logger.removeFilter(keep)
    logger.info("after")
    assert messages(records) == ["before", "KEPT", "after"]
    assert (records()[1]["n"], records()[1]["added"]) == (2, 1)


def test_a_record_factory_is_used(logger: UnifiedLogger, records: Records) -> None:
    """Replaced and put back at any time."""
    original = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = original(*args, **kwargs)
        record.stamp = "made here"
        return record

    logger.info("before")
    logging.setLogRecordFactory(factory)
    logger.info("with")
    logging.setLogRecordFactory(original)
    logger.info("after")
    assert ["stamp" in record for record in records()] == [False, True, False]


@pytest.mark.parametrize("name", ["handle", "callHandlers"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_patched_logger_class_sees_our_records(
    logger: UnifiedLogger, records: Records, monkeypatch: pytest.MonkeyPatch, name: str, wrapped: bool
) -> None:
    """The way error trackers hook in, with or without `functools.wraps`."""
    original, seen = getattr(logging.Logger, name), []

    def patched(self: logging.Logger, record: logging.LogRecord) -> Any:
        seen.append(record.getMessage())
        return original(self, record)

    logger.info("before")
    monkeypatch.setattr(logging.Logger, name, functools.wraps(original)(patched) if wrapped else patched)
    logger.info("with")
    monkeypatch.undo()
    logger.info("after")
    assert seen == ["with"]
    assert messages(records) == ["before", "with", "after"]


def test_propagate_false_keeps_nothing_of_ours_from_the_files(logger: UnifiedLogger, records: Records) -> None:
    """With and without a handler of its own."""
    logger.logger.propagate = False
    logger.info("bare")
    collector = Collector()
    logger.logger.addHandler(collector)
    logger.info("with handler")
    assert messages(records) == ["bare", "with handler"]
    assert len(collector.seen) == 1


def test_named_and_numbered_levels(logger: UnifiedLogger, records: Records) -> None:
    """`log()` takes numbers and names; names given with `addLevelName` stand in the record."""
    logging.addLevelName(22, "NOTICE")
    logger.log(22, "numbered")
    logger.log("warning", "named")
    logger.log(27, "nameless")
    logger.log(5, "below")
    assert [record["level"] for record in records()] == ["NOTICE", "WARNING", "Level 27"]


@pytest.mark.parametrize(("said", "written"), [("Notice", "Notice"), ("NOTED", "NOTED"), ("noted", "NOTED")])
def test_a_level_named_with_small_letters(logger: UnifiedLogger, records: Records, said: str, written: str) -> None:
    """`log()` takes a name as it was given; one that is all capitals in any case. Two names of a number stay apart."""
    try:
        logging.addLevelName(21, "NOTED")
        logging.addLevelName(21, "Notice")
        logger.log(said, "named")
        assert [record["level"] for record in records()] == [written]
    finally:
        del logging._levelToName[21], logging._nameToLevel["Notice"], logging._nameToLevel["NOTED"]  # type: ignore[attr-defined]


def test_standard_levels_may_be_named_otherwise(logger: UnifiedLogger, records: Records) -> None:
    """What is written from then on has the new name, whichever way it is logged.

    Seen to fail with names looked at only by `log()`.
    """
    logger.info("before")
    flush_logging()
    logging.addLevelName(20, "NOTE")
    try:
        logger.info("method")
        logger.log(20, "number")
        flush_logging()
    finally:
        logging.addLevelName(20, "INFO")
    logger.info("after")
    assert [record["level"] for record in records()] == ["INFO", "NOTE", "NOTE", "INFO"]


def test_fields_that_clash_with_a_log_records_own_are_kept(logger: UnifiedLogger, records: Records) -> None:
    """With a listener: the file has the same keys as without."""
    logger.info("bare", name="n", args=1, module="m", msg="x", lineno=3)
    logger.logger.addHandler(Collector())
    logger.info("listened", name="n", args=1, module="m", msg="x", lineno=3)
    bare, listened = ({key: record[key] for key in list(record)[9:]} for record in records())
    assert bare == listened == {"name": "n", "args": 1, "fields.module": "m", "msg": "x", "lineno": 3}


def test_a_listened_error_keeps_its_parts(logger: UnifiedLogger, records: Records) -> None:
    """Exception, stack, caller, thread and AI flag survive the way through `logging`."""
    logger.logger.addHandler(Collector())
    try:
        raise ValueError("v")
    except ValueError:
        logger.exception("failed", stack_info=True, order=1)
    logger.ai("answered", model="m")
    error, answer = records()
    assert (error["exception"]["message"], error["order"], "stack" in error) == ("v", 1, True)
    assert error["function"] == answer["function"] == "test_a_listened_error_keeps_its_parts"
    assert records("ai_responses.log") == [answer]


def test_a_handler_that_raises_does_not_raise_into_the_call(
    logger: UnifiedLogger, records: Records, capsys: Any
) -> None:
    """`logging` tells it on stderr; the record is written."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                raise RuntimeError("broken")
            except RuntimeError:
                self.handleError(record)

    logger.logger.addHandler(Broken())
    logger.info("still written")
    assert messages(records) == ["still written"]


def test_the_testing_helpers_collect(logger: UnifiedLogger) -> None:
    """`capture_logs` gives level, logger, message and fields."""
    from unified_logger.testing import capture_logs

    with capture_logs() as seen:
        logger.debug("d %s", 1, order=7)
    expected = {"level": "DEBUG", "logger": "app", "message": "d 1", "order": 7}
    assert [{name: record[name] for name in expected} for record in seen] == [expected]


def test_arguments_by_name_may_be_any_mapping(logger: UnifiedLogger, records: Records) -> None:
    """As `logging` merges them."""
    from types import MappingProxyType

    logging.getLogger("theirs").warning("%(count)d apples", MappingProxyType({"count": 3}))
    logging.getLogger("theirs").warning("%(count)d apples", {"count": 4})
    assert messages(records) == ["3 apples", "4 apples"]


def test_one_line_names_what_each_of_its_records_says(logger: UnifiedLogger, records: Records) -> None:
    """What is remembered of a place never stands in for another logger, module, function, line, thread or field."""
    handler = logging.getLogger().handlers[-1]

    def make(name: str, field: str, **changed: Any) -> list[Any]:
        record = logging.getLogger(name).makeRecord(name, 30, __file__, 7, "m", (), None, "f", {field: name})
        vars(record).update(changed)
        handler.handle(record)
        return [name, record.module, record.funcName, record.lineno, record.threadName, field]

    expected = []
    for _ in range(2):
        expected += [
            make("theirs", "one"),
            make("theirs.other", "one"),
            make("theirs", "two"),
            make("theirs", "one", module="changed"),
            make("theirs", "one", funcName="g"),
            make("theirs", "one", lineno=8),
            make("theirs", "one", threadName="elsewhere"),
        ]
    found = [
        [*(record[key] for key in ("logger", "module", "function", "line", "thread")), list(record)[-1]]
        for record in records()
    ]
    assert found == expected


def test_a_level_has_the_name_of_the_last_record(logger: UnifiedLogger, records: Records) -> None:
    """Also when it goes to and fro."""
    handler = logging.getLogger().handlers[-1]
    for name in ("WARNING", "Achtung", "WARNING", "Achtung", "WARNING"):
        record = logging.makeLogRecord({"levelno": 30, "levelname": name})
        handler.handle(record)
        assert records()[-1]["level"] == name


def test_records_of_another_process(logger: UnifiedLogger, records: Records) -> None:
    """As a queue or a socket brings them: every text in them is a new one."""
    import pickle

    handler = logging.getLogger().handlers[-1]
    for number in range(3):
        made = logging.makeLogRecord({"name": "far", "funcName": "f", "module": "m", f"field_{number}": number})
        handler.handle(pickle.loads(pickle.dumps(made)))
    found = records()
    assert [(record["logger"], record["function"], record["module"]) for record in found] == [("far", "f", "m")] * 3
    assert [list(record)[-1] for record in found] == ["field_0", "field_1", "field_2"]
