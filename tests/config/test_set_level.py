"""A level is set while the program runs, at once for both interfaces, and each change is logged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from kinds import Said

from unified_logger import ConfigurationError, UnifiedLogger, get_levels, get_logger, set_level

pytestmark = pytest.mark.usefixtures("logger")

Level = logging.getLogger("app").getEffectiveLevel


@pytest.mark.parametrize("given", [lambda: "app", lambda: logging.getLogger("app"), lambda: get_logger("app")])
def test_a_level_is_set_by_name_or_logger(
    given: Callable[[], Any], logger: UnifiedLogger, records: Callable[..., Any]
) -> None:
    """The next call already follows it."""
    logger.debug("before")
    set_level(given(), "DEBUG")
    logger.debug("after")
    logging.getLogger("app").debug("after too")
    assert [record["message"] for record in records() if record["logger"] == "app"] == ["after", "after too"]


def test_none_has_the_logger_inherit_again(logger: UnifiedLogger) -> None:
    """As NOTSET does in `logging`."""
    set_level("app", "ERROR")
    set_level("app", None)
    assert logging.getLogger("app").level == logging.NOTSET
    assert Level() == logging.INFO


def test_each_change_is_logged_whatever_the_levels_are(start: Callable[..., Any], said: Said) -> None:
    """A record says of which logger, from what, to what and for how long; also where that very level would keep it out."""
    start(log_level="CRITICAL", levels={"unified_logger": "CRITICAL"})
    set_level("", 100)
    set_level("app", "DEBUG", 60)
    keys = ("level", "target", "old_level", "new_level", "seconds")
    assert [tuple(record.get(key) for key in keys) for record in said()] == [
        ("WARNING", "root", "CRITICAL", "Level 100", None),
        ("WARNING", "app", "NOTSET", "DEBUG", 60),
    ]
    assert said()[1]["message"] == "level of app: NOTSET -> DEBUG for 60 s (set_level)"


def test_each_change_is_logged_without_the_engine_too(start: Callable[..., Any], said: Said) -> None:
    """`USE_UNIFIED_LOGGING=false`: fallback handlers get the same record."""
    start(use_unified_logging=False, log_level="CRITICAL")
    set_level("app", "DEBUG")
    assert [(record["target"], record["new_level"]) for record in said()] == [("app", "DEBUG")]


def test_a_change_before_the_start_is_logged_by_it(run_python: Callable[..., Any], tmp_path: Any) -> None:
    """As every record from before."""
    run_python(
        """
from unified_logger import init_logging, set_level
set_level("app", "DEBUG")
init_logging(log_dir="logs", console_format="off")
"""
    )
    assert "level of app: NOTSET -> DEBUG" in (tmp_path / "logs" / "app.log").read_text()


def test_a_block_reverts_at_its_end(logger: UnifiedLogger, said: Said) -> None:
    """Also when it is left by an exception, and it is logged."""
    found = []
    with suppress(ZeroDivisionError), set_level("app", "DEBUG"):
        found.append(Level())
        _ = 1 / 0
    assert found == [logging.DEBUG]
    assert Level() == logging.INFO
    assert [record["new_level"] for record in said()] == ["DEBUG", "NOTSET"]


def test_blocks_that_overlap_leave_what_was_before_both() -> None:
    """Left in the order in which they were entered, as by two requests at once.

    Seen to fail where each gives back the level that it found: DEBUG stayed for good.
    """
    first = set_level("app", "DEBUG")
    second = set_level("app", "DEBUG")
    assert not first.revert()
    assert Level() == logging.DEBUG
    assert second.revert()
    assert logging.getLogger("app").level == logging.NOTSET


def test_blocks_inside_each_other_are_reverted_one_by_one() -> None:
    """The usual order."""
    with set_level("app", "DEBUG"):
        with set_level("app", "ERROR"):
            assert Level() == logging.ERROR
        assert Level() == logging.DEBUG
    assert logging.getLogger("app").level == logging.NOTSET


def test_a_change_for_good_is_not_reverted_by_an_earlier_one() -> None:
    """What nobody can take back any more stays."""
    first = set_level("app", "DEBUG")
    set_level("app", "ERROR")
    assert not first.revert()
    assert Level() == logging.ERROR


def test_a_level_that_somebody_else_set_is_not_reverted() -> None:
    """`setLevel` of `logging` has the last word."""
    change = set_level("app", "DEBUG")
    logging.getLogger("app").setLevel(logging.CRITICAL)
    assert not change.revert()
    assert Level() == logging.CRITICAL


def test_the_levels_that_are_set_can_be_listed(start: Callable[..., Any]) -> None:
    """By name; who inherits is not among them."""
    start(levels={"app.db": "ERROR"})
    set_level("app.ai", 15)
    set_level("app", None)
    found = get_levels()
    assert (found["root"], found["app.db"], found["app.ai"]) == ("INFO", "ERROR", "Level 15")
    assert "app" not in found


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("app", "LOUD"), "level"),
        (("app", True), "level"),
        (("app", "INFO", 0), "seconds"),
        (("app", "INFO", -1), "seconds"),
        (("app", "INFO", float("nan")), "seconds"),
        (("app", "INFO", float("inf")), "seconds"),
        (("app", "INFO", "60"), "seconds"),
        (("app", "INFO", True), "seconds"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_set(arguments: Any, key: str) -> None:
    """With the value and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        set_level(*arguments)
    assert (caught.value.key, caught.value.source) == (key, "argument")
    assert logging.getLogger("app").level == logging.NOTSET


def test_what_is_no_logger_is_refused() -> None:
    """A name or a logger, nothing else."""
    with pytest.raises(TypeError, match="a name or a logger, not int"):
        set_level(7, "INFO")  # type: ignore[arg-type]
