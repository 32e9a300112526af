"""Tests of applications replace a method of a logger, and put it back. No other logger changes."""

from __future__ import annotations

import copy
import pickle
from typing import Any
from unittest import mock

import pytest
from kinds import Records

from unified_logger import UnifiedLogger, get_logger


@pytest.mark.parametrize("name", ["info", "log", "exception", "bind", "ai", "isEnabledFor", "catch"])
def test_mock_replaces_a_method(logger: UnifiedLogger, records: Records, name: str) -> None:
    """Native ones and those of Python. Afterwards the logger is what it was."""
    original = getattr(logger, name)
    # `autospec` refuses calls that do not fit; the native methods take any.
    for options in ({}, {"autospec": name in ("info", "log", "exception")}):
        with mock.patch.object(logger, name, **options) as replaced:  # type: ignore[call-overload]
            assert isinstance(logger, UnifiedLogger)
            getattr(logger, name)("m", 7)
            getattr(get_logger("app"), name)("m", 7)
            assert replaced.call_args_list == [mock.call("m", 7)] * 2
        assert type(logger) is UnifiedLogger
        assert getattr(logger, name) == original
    logger.info("written")
    assert [record["message"] for record in records()] == ["written"]


def test_several_methods_at_once(logger: UnifiedLogger, records: Records) -> None:
    """Each comes back on its own."""
    with mock.patch.object(logger, "info") as info:
        with mock.patch.object(logger, "error") as error:
            logger.info("a")
            logger.error("b")
        logger.error("c")
    logger.info("d")
    assert (info.call_count, error.call_count) == (1, 1)
    assert [record["message"] for record in records()] == ["c", "d"]
    with mock.patch.multiple(logger, info=mock.DEFAULT, error=mock.DEFAULT) as both:
        logger.info("e")
    assert both["info"].call_count == 1
    assert type(logger) is UnifiedLogger


def test_monkeypatch_replaces_a_method(logger: UnifiedLogger, records: Records) -> None:
    """It sets the original back, which counts as no replacement."""
    seen: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logger, "info", lambda *args, **fields: seen.append((args, fields)))
        logger.info("m", n=1)
    assert seen == [(("m",), {"n": 1})]
    assert type(logger) is UnifiedLogger
    logger.info("written")
    assert [record["message"] for record in records()] == ["written"]


def test_other_loggers_stay(logger: UnifiedLogger, records: Records) -> None:
    """Bound ones of the same name, too. They can be replaced for themselves."""
    bound, other, styled = logger.bind(n=1), get_logger("other"), get_logger("app", style="{")
    with mock.patch.object(logger, "info"):
        for each in (logger, bound, other, styled):
            each.info("m")
    with mock.patch.object(bound, "info") as info:
        bound.info("m")
        logger.info("from the first")
    assert info.call_count == 1
    assert [record["logger"] for record in records()] == ["app", "other", "app", "app"]


def test_a_replaced_logger_is_the_same_object(logger: UnifiedLogger) -> None:
    """For `get_logger`, copies and pickles."""
    with mock.patch.object(logger, "info"):
        assert get_logger("app") is logger is copy.copy(logger) is pickle.loads(pickle.dumps(logger))
        assert repr(logger) == "<UnifiedLogger app>"
        assert logger.bind(a=1).unbind() is logger


def test_only_methods_can_be_set(logger: UnifiedLogger) -> None:
    """Anything else would have no effect."""
    any_logger: Any = logger
    for name in ("inform", "propagate", "level", "name", "logger", "style", "__dict__", "_inform"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(any_logger, name, 1)
    for name in ("info", "inform", "level"):
        with pytest.raises((AttributeError, TypeError)):
            delattr(any_logger, name)
    assert type(logger) is UnifiedLogger


def test_names_of_older_code_are_there(logger: UnifiedLogger, records: Records) -> None:
    """As loggers of `logging` have them."""
    logger.warn("slow", n=1)
    logger.fatal("down")
    logger.bind(a=1).warn("slow")
    assert [(record["level"], record["message"], record["function"]) for record in records()] == [
        ("WARNING", "slow", "test_names_of_older_code_are_there"),
        ("CRITICAL", "down", "test_names_of_older_code_are_there"),
        ("WARNING", "slow", "test_names_of_older_code_are_there"),
    ]
