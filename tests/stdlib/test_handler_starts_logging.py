"""A handler that is made where nothing has started logging starts it, as a configuration of `logging` has to rely on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import ConfigurationError, Handler


def messages(records: Records) -> list[str]:
    """The messages in app.log."""
    return [record["message"] for record in records()]


@pytest.mark.parametrize("unified", ["true", "false"])
def test_making_one_starts_logging(run_python: Run, tmp_path: Path, unified: str) -> None:
    """With its options, without a handler on the root logger, and without touching the root logger's level."""
    run_python(
        """
import json, logging
from pathlib import Path
import unified_logger
handler = unified_logger.Handler(log_dir="here", console_format="off")
logging.getLogger("mine").addHandler(handler)
assert logging.getLogger().handlers == [] and logging.getLogger().level == logging.WARNING
logging.getLogger("mine").warning("in", extra={"order_id": 7})
logging.getLogger("other").warning("out")
unified_logger.get_logger("ours").warning("ours")
handler.flush()
lines = [json.loads(line) for line in Path("here/app.log").read_text().splitlines()]
assert [line["message"] for line in lines] == ["in", "ours"], lines
""",
        USE_UNIFIED_LOGGING=unified,
    )
    assert not (tmp_path / "logs").exists()


def test_a_level_of_the_root_logger_may_be_among_its_options(run_python: Run) -> None:
    """As `log_level`."""
    run_python(
        """
import logging, unified_logger
unified_logger.Handler(log_level="DEBUG", console_format="off")
assert logging.getLogger().level == logging.DEBUG
"""
    )


def test_one_without_options_starts_nothing_twice(logger: Any, log_dir: Path, records: Records) -> None:
    """It leaves the settings that there are."""
    Handler()
    logging.getLogger("theirs").warning("m")
    assert messages(records) == ["m"]


def test_options_apply_as_those_of_a_start(logger: Any, tmp_path: Path, records: Records) -> None:
    """Also when logging runs: to other files, without losing a record."""
    logger.info("before")
    Handler(log_dir=tmp_path / "other", console_format="off")
    logger.info("after")
    assert messages(records) == ["before"]
    assert '"after"' in (tmp_path / "other" / "app.log").read_text()


def test_a_wrong_option_is_refused_at_once(logger: Any, records: Records) -> None:
    """With the key, the value and what is allowed; logging goes on as it was."""
    with pytest.raises(ConfigurationError, match="queue_size"):
        Handler(queue_size=-1)
    with pytest.raises(ConfigurationError, match="queue_siz"):
        Handler(queue_siz=1)
    logger.info("m")
    assert messages(records) == ["m"]


def test_a_start_by_another_thread_is_not_waited_for_in_vain(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`logging.config` makes handlers under a lock that the other thread may be waiting for."""
    from unified_logger import UnifiedLoggerError
    from unified_logger.process import engine
    from unified_logger.process import start as starting

    start()
    monkeypatch.setattr(starting, "_HANDLER_PATIENCE", 0.01)
    done, holding = threading.Event(), threading.Event()

    def hold() -> None:
        with engine._lock:
            holding.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holding.wait(30)
        with pytest.raises(UnifiedLoggerError, match="another thread"):
            Handler(log_dir=tmp_path / "other")
    finally:
        done.set()
        thread.join()
