"""Objects that say of themselves what is not so: they are represented, and nothing is read, reserved or waited for on their word."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import UnifiedLogger

groups = pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups are new in 3.11")

TRACEBACK = """
import sys, types
import unified_logger

unified_logger.init_logging(log_dir="logs", console_format="off")

def make():
    return sys._getframe()

def trace(*_):
    return trace

def watched():
    # What counts lines keeps a table of them with the code, as long as it.
    kind = sys.argv[1]
    if kind == "monitor" and sys.version_info >= (3, 12):
        sys.monitoring.use_tool_id(3, "test")
        sys.monitoring.register_callback(3, sys.monitoring.events.LINE, lambda *_: None)
        sys.monitoring.set_events(3, sys.monitoring.events.LINE)
    elif kind != "plain":
        sys.settrace(trace)
    frame = make()
    sys.settrace(None)
    return frame

frame = watched()
size = len(frame.f_code.co_code)
logger = unified_logger.get_logger("app")
for instruction in (size, size + 1, size + 10_000, 10**6, 10**9, 2**31 - 1, -1, -2, -(2**31)):
    made = types.TracebackType(None, frame, instruction, 345)
    logger.error("boom", exc_info=ValueError("x").with_traceback(made), instruction=instruction)
for instruction in (0, 2, size - 2):
    made = types.TracebackType(None, frame, instruction, 345)
    logger.error("inside", exc_info=ValueError("x").with_traceback(made))
made = types.TracebackType(None, frame, 10**9, 0)
logger.error("neither", exc_info=ValueError("x").with_traceback(made))
assert unified_logger.flush_logging(30)
"""


@pytest.mark.parametrize("kind", ["plain", "trace", "monitor"])
def test_an_instruction_that_the_code_does_not_have_is_not_looked_up(
    run_python: Run, tmp_path: Path, kind: str
) -> None:
    """A traceback made by hand has any instruction; the line that was given with it is shown."""
    run_python(TRACEBACK, kind)
    records = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text(encoding="utf-8").splitlines()]
    made = [record["exception"] for record in records if record["message"] == "boom"]
    assert len(made) == 9
    for exception in made:
        assert [(frame["line"], frame["function"]) for frame in exception["frames"]] == [(345, "make")]
    inside = [record["exception"]["frames"][0]["line"] for record in records if record["message"] == "inside"]
    assert len(inside) == 3
    # An instruction that is there says the line itself, since 3.11.
    assert all((line == 345) == (sys.version_info < (3, 11)) for line in inside)
    assert sum(record["message"] == "neither" for record in records) == 1


class Long:
    """Has no items, and says that it has more than memory holds."""

    def __len__(self) -> int:
        return 1 << 40

    def __length_hint__(self) -> int:
        return 1 << 40

    def __getitem__(self, index: int) -> Any:
        raise IndexError


class Endless:
    """Gives items for ever."""

    def __iter__(self) -> Any:
        while True:
            yield ValueError("one more")


class LongList(list[Any]):
    """Says that it is longer than it is."""

    def __len__(self) -> int:
        return 1 << 40

    def __iter__(self) -> Any:
        while True:
            yield ValueError("one more")


class LongTuple(tuple[Any, ...]):
    """Says that it is longer than it is."""

    def __len__(self) -> int:
        return 1 << 40


def raising(_: Any) -> Any:
    """Raises where a value was asked for."""
    raise ValueError("not to be had")


@groups
@pytest.mark.parametrize(
    "lie",
    [lambda _: Long(), lambda _: Endless(), lambda _: None, lambda _: "text", raising],
    ids=["long", "endless", "none", "text", "raising"],
)
def test_a_group_whose_members_are_no_list_shows_those_it_holds(
    logger: UnifiedLogger, records: Records, lie: Callable[[Any], Any]
) -> None:
    """Whatever a class of somebody else has in place of `exceptions`."""
    group = type("Group", (ExceptionGroup,), {"exceptions": property(lie)})  # type: ignore[name-defined]  # noqa: F821
    logger.error("boom", exc_info=group("two", [ValueError("first"), KeyError("second")]))
    [record] = records()
    assert [member["type"] for member in record["exception"]["group"]] == ["ValueError", "KeyError"]


@groups
@pytest.mark.parametrize("kind", [LongList, LongTuple])
def test_a_group_has_as_many_members_as_its_list_really_has(
    logger: UnifiedLogger, records: Records, kind: Callable[[Any], Any]
) -> None:
    """A list or tuple of another class is read as what it is; what is no exception in it is left out."""
    members = kind([TypeError("other"), "no exception", *[OSError(number) for number in range(20)]])
    group = type("Group", (ExceptionGroup,), {"exceptions": members})  # type: ignore[name-defined]  # noqa: F821
    logger.error("boom", exc_info=group("two", [ValueError("first")]))
    [record] = records()
    *shown, more = record["exception"]["group"]
    assert [member["type"] for member in shown] == ["TypeError", *["OSError"] * 13]
    assert more == {"$truncated": "8 more"}


@pytest.mark.parametrize("notes", [LongList(["one", "two"]), LongTuple(["one", "two"]), Long()], ids=type)
def test_notes_that_say_they_are_many_are_shown_within_a_bound(
    logger: UnifiedLogger, records: Records, notes: Any
) -> None:
    """Notes may be any object."""
    error = ValueError("x")
    error.__notes__ = notes  # type: ignore[attr-defined, unused-ignore]
    logger.error("boom", exc_info=error)
    [record] = records()
    assert record["exception"]["type"] == "ValueError"
    assert len(record["exception"]["traceback"]) < 100_000


class EndlessMapping(dict[str, Any]):
    """Gives the same field for ever."""

    def items(self) -> Any:
        while True:
            yield "again", 1


class OddMapping(dict[str, Any]):
    """Has items that cannot be had."""

    items = property(raising)  # type: ignore[assignment]


def test_a_mapping_without_end_is_taken_as_far_as_a_record_goes(logger: UnifiedLogger, records: Records) -> None:
    """As many fields as a record can have, and the others not even asked for."""
    logger.info("boom", extra=EndlessMapping(a=1))
    [record] = records()
    assert record["again"] == 1


def test_a_mapping_without_items_is_a_field(logger: UnifiedLogger, records: Records) -> None:
    """Nothing of the call is lost."""
    logger.info("boom", extra=OddMapping(a=1))
    [record] = records()
    assert "a" in record["extra"]


class Text(str):
    """Says that it is longer than it is, and gives pieces that are no texts."""

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, index: Any) -> Any:
        return self


class Spoken(Exception):
    """Has such a text."""

    def __str__(self) -> str:
        return Text("spoken")


def test_a_text_is_as_long_as_it_is(logger: UnifiedLogger, records: Records) -> None:
    """An exception's text, a field's name and a value may be of any class of texts."""
    logger.error(Text("message"), exc_info=Spoken(), extra={Text("name"): Text("value")})
    [record] = records()
    assert (record["message"], record["name"], record["exception"]["message"]) == ("message", "value", "spoken")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="texts are always ready since 3.12")
def test_a_text_that_cannot_be_made_ready_is_written_as_text(logger: UnifiedLogger, records: Records) -> None:
    """C code may leave a text unfinished, with characters that there are not."""
    import ctypes

    make, buffer = ctypes.pythonapi.PyUnicode_FromUnicode, ctypes.pythonapi.PyUnicode_AsUnicode  # type: ignore[attr-defined, unused-ignore]
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_ssize_t]
    buffer.restype, buffer.argtypes = ctypes.c_void_p, [ctypes.py_object]
    odd = make(None, 3)
    (ctypes.c_uint32 * 3).from_address(buffer(odd))[:] = [65, 0x110000, 66]
    logger.info("boom", odd=odd, nested=[odd])
    [record] = records()
    assert isinstance(record["odd"], str)
    assert len(record["nested"]) == 1
