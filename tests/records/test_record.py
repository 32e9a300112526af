"""Records: the keys of the guide in their order, the caller's place, and fields of any name."""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, get_logger, get_stats, mark_wrapper

KEYS = ["timestamp", "level", "logger", "message", "module", "function", "line", "thread", "process"]


def test_an_exception_of_a_model_may_have_no_text(logger: UnifiedLogger, records: Records) -> None:
    """One whose text cannot be had is told by its class, and `ai` does not raise."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    logger.ai("answered", error=Broken())
    assert records()[0]["gen_ai.error"] == "Broken"


def test_keys_stand_in_the_guides_order(logger: UnifiedLogger, records: Records) -> None:
    """Then ids, exception, stack, the context's fields and the call's, in call order."""
    with LoggingContext(tenant=1):
        try:
            raise ValueError("v")
        except ValueError:
            logger.error("m", zeta=1, exc_info=True, alpha=2, stack_info=True)
    assert list(records()[0]) == [*KEYS, "trace_id", "span_id", "exception", "stack", "tenant", "zeta", "alpha"]


def test_a_plain_record(logger: UnifiedLogger, records: Records) -> None:
    """Value by value."""
    logger.info("API 请求成功", endpoint="/api/ai/chat")
    (record,) = records()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", record.pop("timestamp"))
    assert isinstance(record.pop("line"), int)
    assert record == {
        "level": "INFO",
        "logger": "app",
        "message": "API 请求成功",
        "module": "test_record",
        "function": "test_a_plain_record",
        "thread": "MainThread",
        "process": os.getpid(),
        "endpoint": "/api/ai/chat",
    }


def test_text_is_written_as_it_is(logger: UnifiedLogger, records: Records, log_dir: Any) -> None:
    """No escapes for what UTF-8 can say."""
    logger.info("你好 é 😀", 名字="值")
    assert len(records()) == 1
    assert '"你好 é 😀"' in (log_dir / "app.log").read_text(encoding="utf-8")
    assert '"名字":"值"' in (log_dir / "app.log").read_text(encoding="utf-8")


def test_every_method_names_its_caller(start: Callable[..., Any], records: Records) -> None:
    """Line by line."""
    start(log_level="DEBUG")
    logger = get_logger("app")
    first = test_every_method_names_its_caller.__code__.co_firstlineno
    logger.debug("5")
    logger.info("6", a=1)
    logger.warning("7")
    logger.error("8")
    logger.critical("9")
    logger.exception("10")
    logger.log(20, "11")
    logger.ai("12")
    logger.info("%s", "13")
    logger.info("14", x=1)
    found = records()
    assert [record["line"] - first for record in found] == [int(record["message"]) for record in found]
    assert {record["function"] for record in found} == {"test_every_method_names_its_caller"}


def helper(logger: UnifiedLogger, **options: Any) -> None:
    """Logs for someone else."""
    logger.info("m", **options)


@mark_wrapper
def marked(logger: UnifiedLogger) -> None:
    """Logs for someone else, and says so."""
    logger.info("m", a=1)


@mark_wrapper
def twice_marked(logger: UnifiedLogger) -> None:
    """Logs for someone else through another."""
    marked(logger)


def test_stacklevel_and_marked_wrappers_shift_the_caller(logger: UnifiedLogger, records: Records) -> None:
    """Each in its way, and repeatedly from the same place."""
    for _ in range(2):
        helper(logger)
        helper(logger, stacklevel=2)
        marked(logger)
        twice_marked(logger)
    me = "test_stacklevel_and_marked_wrappers_shift_the_caller"
    assert [record["function"] for record in records()] == ["helper", me, me, me] * 2


def test_decorators_do_not_hide_the_caller(logger: UnifiedLogger, records: Records) -> None:
    """The function that calls is named, not what is wrapped around it."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner() -> None:
            function()

        return inner

    @decorate
    def work() -> None:
        logger.info("m")

    work()
    assert records()[0]["function"] == "work"


def test_calls_on_one_line_keep_their_own_fields(logger: UnifiedLogger, records: Records) -> None:
    """Names are part of the place."""
    for _ in range(3):
        logger.info("a", x=1), logger.info("b", y=2), logger.info("c")
    found = [{key: record[key] for key in list(record)[9:]} for record in records()]
    assert found == [{"x": 1}, {"y": 2}, {}] * 3


def test_mappings_of_changing_names_from_one_line(logger: UnifiedLogger, records: Records) -> None:
    """`**fields` with other names each time."""
    given = [{f"k{number}": number, "same": number} for number in range(50)] + [{}, {"a": 1}, {"b": 2}]
    for fields in given:
        logger.info("m", **fields)
    assert [{key: record[key] for key in list(record)[9:]} for record in records()] == given


@pytest.mark.parametrize("name", [*KEYS, "trace_id", "span_id", "exception", "stack", "recovered"])
def test_reserved_names_move_aside(logger: UnifiedLogger, records: Records, name: str) -> None:
    """To `fields.<name>`, and `.2` if that is taken too; nothing is overwritten."""
    logger.info("said", **{name: "given"})
    logger.info("said", **{f"fields.{name}": "taken", name: "given"})
    first, second = records()
    assert first[f"fields.{name}"] == "given"
    assert (second[f"fields.{name}"], second[f"fields.{name}.2"]) == ("taken", "given")
    assert first["message"] == "said"


@pytest.mark.parametrize("name", ["level", "fields.level", "user"])
@pytest.mark.parametrize("more", [{}, {"extra": {"more": 1}}], ids=["names of the call", "and of a mapping"])
def test_a_calls_field_stands_for_the_contexts(
    logger: UnifiedLogger, records: Records, name: str, more: dict[str, Any]
) -> None:
    """Under reserved names too, of which two were seen to be written, and whatever other fields the call has."""
    with LoggingContext():
        logger.set_trace_context(tenant=7, **{name: "context"})
        for value in ("first", "second"):
            logger.info("said", **{name: value}, **more)
    written = f"fields.{name}" if name == "level" else name
    for record, value in zip(records(), ("first", "second"), strict=True):
        given = {key: record[key] for key in list(record)[11:]}
        assert given == {"tenant": 7, written: value, **more.get("extra", {})}


@pytest.mark.parametrize("how", ["names", "mapping", "context", "bound"])
def test_one_rule_tells_which_field_moves_aside(logger: UnifiedLogger, records: Records, how: str) -> None:
    """A name as it stands comes before one that moves to it, however they were given."""
    given: dict[str, Any] = {"level": 1, "fields.level": 2}
    if how == "names":
        logger.info("said", **given)
    elif how == "mapping":
        logger.info("said", extra=given)
    elif how == "bound":
        logger.bind(**given).info("said")
    else:
        with LoggingContext():
            logger.set_trace_context(**given)
            logger.info("said")
    (record,) = records()
    assert (record["fields.level"], record["fields.level.2"]) == (2, 1)


def test_every_other_name_is_a_field(logger: UnifiedLogger, records: Records) -> None:
    """Those of `logging` too, and odd ones."""
    names = ["msg", "name", "args", "levelname", "self", "taskName", "", " ", "a.b", 'q"', "\n", "é", "$error"]
    logger.info("m", **dict.fromkeys(names, 1))
    assert list(records()[0])[9:] == names


def test_a_call_without_a_message_is_a_record(logger: UnifiedLogger, records: Records) -> None:
    """`message=` is a field."""
    logger.info(message="field")
    assert (records()[0]["message"], records()[0]["fields.message"]) == ("", "field")


def test_extra_is_merged(logger: UnifiedLogger, records: Records) -> None:
    """A mapping as fields; anything else is a field itself."""
    logger.info("m", extra={"a": 1, "level": 2}, b=3)
    logger.info("m", extra=None)
    logger.info("m", extra=7)
    first, second, third = ({key: record[key] for key in list(record)[9:]} for record in records())
    assert (first, second, third) == ({"a": 1, "fields.level": 2, "b": 3}, {}, {"extra": 7})


def test_arguments_are_merged_as_in_logging(logger: UnifiedLogger, records: Records) -> None:
    """Positional, by name from a single mapping, and a bare percent sign without arguments."""
    logger.info("%s and %d", "one", 2)
    logger.info("%(a)s", {"a": 1})
    logger.info("100%")
    logger.info("%s", None)
    logger.info("%s", {})
    assert [record["message"] for record in records()] == ["one and 2", "1", "100%", "None", "{}"]


def test_arguments_that_do_not_fit_are_kept_and_counted(logger: UnifiedLogger, records: Records) -> None:
    """The message as it was, and what is wrong beside it."""
    before = get_stats()["malformed"]
    logger.info("%d apples", "many")
    logger.info("no place", 1)
    first, second = records()
    assert (first["message"], second["message"]) == ("%d apples", "no place")
    assert first["$args"] == "('many',)"
    assert "$error" in second
    assert get_stats()["malformed"] - before == 2


def test_messages_of_any_type(logger: UnifiedLogger, records: Records) -> None:
    """As `str` has them; one that raises is told."""

    class Bad:
        def __str__(self) -> str:
            raise RuntimeError("no")

    for message in (7, None, ValueError("v"), b"b", "sub\ud800", ["l"], Bad()):
        logger.info(message)
    found = [record["message"] for record in records()]
    assert found[:6] == ["7", "None", "v", "b'b'", "sub\\ud800", "['l']"]
    assert "RuntimeError" in found[6]


def test_more_places_than_the_tables_hold(run_python: Callable[..., Any], tmp_path: Any) -> None:
    """Places, loggers and field names beyond the bounds of what is remembered are written all the same."""
    run_python(
        """
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", max_bytes=0, overflow="block")
source = "\\n".join(f"logger.info('m', f{number}={number})" for number in range(20_000))
exec(compile(source, "/generated/many_places.py", "exec"), {"logger": get_logger("app")})
for number in range(20_000):
    get_logger(f"many.{number}").info("n")
"""
    )
    count = 20_000
    found = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert len(found) == 2 * count
    assert all(
        record[f"f{number}"] == number and record["line"] == number + 1 for number, record in enumerate(found[:count])
    )
    assert {record["module"] for record in found[:count]} == {"many_places"}
    assert [record["logger"] for record in found[count:]] == [f"many.{number}" for number in range(count)]


def test_thousands_of_places_in_turn(run_python: Callable[..., Any], tmp_path: Any) -> None:
    """Each names itself at every turn, also one whose calls give other fields by turns, while the table of places grows.

    Seen to fail with a place that was found again whatever names its call gave.
    """
    run_python(
        """
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", max_bytes=0, overflow="block")
count = 12_000
source = "\\n".join(f"def f{number}(**fields): logger.info('m', **fields)" for number in range(count))
names = {"logger": get_logger("app")}
exec(source, names)
for turn in range(4):
    for number in range(count):
        names[f"f{number}"](**{"even" if turn % 2 == 0 else "odd": number})
    assert flush_logging(60)
"""
    )
    found = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    told = [(record["function"], record["line"], record.get("even"), record.get("odd")) for record in found]
    assert told == [
        (f"f{number}", number + 1, None if turn % 2 else number, number if turn % 2 else None)
        for turn in range(4)
        for number in range(12_000)
    ]


def test_a_record_of_any_size(logger: UnifiedLogger, records: Records) -> None:
    """From nothing to beyond the largest slot of the pool."""
    sizes = [0, 1, 300, 511, 512, 4_000, 5_000, 65_000, 66_000, 200_000]
    for size in sizes:
        logger.info("x" * size, field="y" * size)
    assert [(len(record["message"]), len(record["field"])) for record in records()] == [(size, size) for size in sizes]


def test_a_very_long_text_is_cut_with_a_marker(logger: UnifiedLogger, records: Records) -> None:
    """Its length is told."""
    logger.info("m", text="é" * 1_000_000)
    text = records()[0]["text"]
    assert text.startswith("é" * 1_000)
    assert text.endswith("characters)")
    assert len(text) < 300_000


def test_many_fields(logger: UnifiedLogger, records: Records) -> None:
    """A thousand of them, in order."""
    fields = {f"field_{number}": number for number in range(1_000)}
    logger.info("m", **fields)
    assert {key: value for key, value in records()[0].items() if key.startswith("field_")} == fields


def test_lines_are_compact_json(logger: UnifiedLogger, records: Records, log_dir: Any) -> None:
    """One line each, with no spaces between."""
    logger.info("m", a=[1, 2], b={"c": None})
    assert len(records()) == 1
    line = (log_dir / "app.log").read_text().rstrip("\n")
    assert line == json.dumps(json.loads(line), separators=(",", ":"), ensure_ascii=False)


def test_the_root_logger_and_equal_names(start: Callable[..., Any], records: Records) -> None:
    """One logger to a name."""
    start()
    get_logger().info("root")
    assert get_logger("x") is get_logger("x")
    assert get_logger("") is get_logger(None)
    assert records()[0]["logger"] == "root"
    with pytest.raises(TypeError):
        get_logger(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", ["NO SUCH LEVEL", None, 10**30, object()])
def test_what_names_no_level_is_logged_as_a_warning(logger: UnifiedLogger, records: Records, level: Any) -> None:
    """And counted: the call does not raise."""
    before = get_stats()["malformed"]
    logger.log(level, "m")
    assert [(record["level"], record["message"]) for record in records()] == [("WARNING", "m")]
    assert get_stats()["malformed"] - before == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda logger, bad: logger.info(bad),
        lambda logger, bad: logger.info("%s", bad),
        lambda logger, bad: logger.info("m", value=bad),
        lambda logger, bad: logger.info("m", value=[bad]),
        lambda logger, bad: logger.log(20, "m", extra={"value": bad}),
    ],
    ids=["message", "argument", "field", "nested", "extra"],
)
def test_a_call_keeps_nothing_of_what_failed_in_it(logger: UnifiedLogger, call: Callable[..., None]) -> None:
    """An exception of a `__str__`, and what its frames hold, goes before the call returns.

    Seen to fail, for messages and arguments, with references that waited for another function of the library.
    """
    raised: list[weakref.ref[BaseException]] = []

    class Failure(Exception):
        def __init__(self) -> None:
            raised.append(weakref.ref(self))

    class Bad:
        def __repr__(self) -> str:
            raise Failure

    for _ in range(2):
        call(logger, Bad())
    assert raised
    assert [failure() for failure in raised] == [None] * len(raised)


@pytest.mark.parametrize("message", ["%s", "%d"], ids=["text", "number"])
def test_a_native_call_of_logging_keeps_nothing_of_what_failed_in_it(start: Callable[..., Any], message: str) -> None:
    """The same where the loggers of the standard library are native.

    Seen to fail with errors that are not let go of.
    """
    start(native_stdlib=True)
    raised: list[weakref.ref[BaseException]] = []

    class Failure(Exception):
        def __init__(self) -> None:
            raised.append(weakref.ref(self))

    class Bad:
        def __str__(self) -> str:
            raise Failure

        def __int__(self) -> int:
            raise Failure

        __repr__ = __str__

    logger = logging.getLogger("app")
    for _ in range(3):
        logger.info(message, Bad())
        logger.info(Bad())
    assert raised
    assert [failure() for failure in raised] == [None] * len(raised)
