"""What libraries ask of a `logging.Logger` that they are given, they may ask of ours."""

from __future__ import annotations

import logging

import pytest
from kinds import Records

from unified_logger import UnifiedLogger, get_logger


def test_an_adapter_logs_through_it(logger: UnifiedLogger, records: Records) -> None:
    """With its fields, and as from the adapter's caller. Seen to fail (`AttributeError`) without the methods, and with the adapter's place."""
    adapter = logging.LoggerAdapter(logger, {"tenant": 7})  # type: ignore[type-var]
    adapter.info("told %d", 1)
    adapter.debug("left out")
    try:
        raise ValueError("x")
    except ValueError:
        adapter.exception("failed")
    adapter.log(logging.WARNING, "careful")
    adapter.setLevel(logging.DEBUG)
    adapter.debug("told too")
    assert adapter.isEnabledFor(logging.DEBUG)
    assert adapter.hasHandlers()
    assert adapter.getEffectiveLevel() == logging.DEBUG
    told = records()
    assert [record["message"] for record in told] == ["told 1", "failed", "careful", "told too"]
    assert {(record["module"], record["function"], record["tenant"]) for record in told} == {
        (__name__.rpartition(".")[2], "test_an_adapter_logs_through_it", 7)
    }
    assert told[1]["exception"]["type"] == "ValueError"


def test_its_level_is_that_of_logging(logger: UnifiedLogger, records: Records) -> None:
    """Whichever of the two is asked or told."""
    standard = logging.getLogger(logger.name)
    logger.setLevel("ERROR")
    assert (logger.level, standard.level) == (logging.ERROR, logging.ERROR)
    assert not logger.isEnabledFor(logging.WARNING)
    logger.warning("left out")
    standard.setLevel(logging.NOTSET)
    assert logger.level == logging.NOTSET
    assert logger.getEffectiveLevel() == standard.getEffectiveLevel()
    logger.warning("told")
    assert [record["message"] for record in records()] == ["told"]
    with pytest.raises(ValueError, match="LOUD"):
        logger.setLevel("LOUD")


def test_its_children_are_ours() -> None:
    """By their names, also those of the root logger."""
    assert get_logger("shop").getChild("orders") is get_logger("shop.orders")
    assert get_logger().getChild("shop") is get_logger("shop")
    assert get_logger("shop").handlers is logging.getLogger("shop").handlers
    assert get_logger("shop").manager is logging.root.manager
