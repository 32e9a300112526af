"""`exc_info=(KeyError, None, traceback)`: an exception whose value could not be sent along, as loguru has it for one that cannot be pickled."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

import pytest
from kinds import Records

from unified_logger import get_logger, shutdown_logging
from unified_logger.stdlib.formatters import JSONFormatter


class NeedsMore(Exception):
    """Its `__init__` needs what nobody has."""

    def __init__(self, number: int) -> None:
        raise AssertionError("called")

    def __str__(self) -> str:
        return "needs more"


class Refuses(Exception):
    """Cannot be made."""

    def __new__(cls, *args: object) -> Refuses:
        raise OSError("no")


class MakesAnother(Exception):
    """Makes what is no exception."""

    def __new__(cls, *args: object) -> Any:
        return 7


@pytest.fixture(params=["native", "native stdlib", "listened", "plain"])
def loggers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Any]) -> list[Any]:
    """Loggers of both interfaces, in each way that a record may take."""
    if request.param == "listened":

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                pass

        logging.getLogger().addHandler(Listener())
    monkeypatch.setenv("USE_UNIFIED_LOGGING", str(request.param != "plain").lower())
    start(native_stdlib=request.param == "native stdlib")
    return [get_logger("a"), get_logger("b").bind(user=7), logging.getLogger("c")]


def raised() -> TracebackType:
    """A traceback."""
    try:
        raise LookupError
    except LookupError:
        traceback = sys.exc_info()[2]
        assert traceback is not None
        return traceback


@pytest.mark.parametrize("kind", [KeyError, NeedsMore, SystemExit])
def test_it_is_named_with_its_traceback(kind: type[BaseException], loggers: list[Any], records: Records) -> None:
    """Seen to fail with no `exception` at all."""
    for logger in loggers:
        logger.error("m", exc_info=(kind, None, raised()))
        logger.error("m", exc_info=(kind, None, None))
    shutdown_logging()
    found = records()
    assert len(found) == 6
    for record in found:
        assert record["exception"]["type"].rpartition(".")[2] == kind.__name__
        assert record["exception"]["message"] == ("needs more" if kind is NeedsMore else "")
    assert ["raised" in str(record["exception"]) for record in found] == [True, False] * 3


@pytest.mark.parametrize(
    "given",
    [
        (None, None, None),
        (Refuses, None, None),
        (MakesAnother, None, None),
        (int, None, None),
        ("KeyError", None, None),
        (list[int], None, None),
        (KeyError, 7, None),
    ],
    ids=str,
)
def test_what_cannot_be_one_is_none(given: Any, loggers: list[Any], records: Records) -> None:
    """The record is written as before."""
    for logger in loggers:
        logger.error("m", exc_info=given)
    shutdown_logging()
    assert [(record["message"], "exception" in record) for record in records()] == [("m", False)] * 3


def test_formatters_of_other_handlers_know_it_too() -> None:
    """And a traceback that is none costs the traceback only."""
    for traceback in (raised(), None, 7):
        record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "m", (), (KeyError, None, traceback))  # type: ignore[arg-type]
        assert '"type":"KeyError"' in JSONFormatter().format(record).replace(" ", "")
