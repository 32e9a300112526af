"""The old module's names: they log through the new pipeline."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

from unified_logger import logging_config


def test_the_loggers_have_their_old_names(start: Callable[..., Any], records: Records) -> None:
    """All four, under the base name."""
    start()
    for logger in (
        logging_config.app_logger,
        logging_config.api_logger,
        logging_config.db_logger,
        logging_config.wechat_logger,
    ):
        logger.info("Hello, World!")
    names = ["wechat_backend", "wechat_backend.api", "wechat_backend.database", "wechat_backend.wechat"]
    assert [record["logger"] for record in records()] == names


def test_setup_logging_writes_into_the_files_directory(log_dir: Path, records: Records) -> None:
    """The path of a file says where; the level is obeyed."""
    logger = logging_config.setup_logging("DEBUG", log_dir / "app.log", 1_000, 2)
    logger.debug("seen")
    assert [record["message"] for record in records()] == ["seen"]
    assert logging_config.shutdown_logging(timeout=5.0) is True


def test_the_base_name_can_be_configured(start: Callable[..., Any], records: Records) -> None:
    """By option."""
    start(base_name="shop")
    try:
        logging_config.db_logger.info("x")
        assert records()[0]["logger"] == "shop.database"
    finally:
        start(base_name="wechat_backend")


def test_the_base_name_can_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, run_python: Callable[..., Any]
) -> None:
    """Before anything is started."""
    done = run_python(
        "from unified_logger.logging_config import api_logger; print(api_logger.name)", UNIFIED_LOGGER_BASE_NAME="shop"
    )
    assert done.stdout.strip() == "shop.api"


def test_everything_is_exported_by_star() -> None:
    """`from unified_logger.logging_config import *` gives all of it."""
    names: dict[str, Any] = {}
    exec("from unified_logger.logging_config import *", names)
    assert set(logging_config.__all__) <= set(names)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As in any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        importlib.import_module("unified_logger.logging_config").nothing
