"""pytest's own means of looking at logs and warnings work with our loggers as with those of `logging`."""

from __future__ import annotations

from pathlib import Path

import pytest
from kinds import RunPytest

BEGINNINGS = {
    "not started": "",
    "started before": 'init_logging(log_dir="logs", log_level="WARNING", console_format="off")\n',
    "native": 'init_logging(log_dir="logs", log_level="WARNING", console_format="off", native_stdlib=True)\n',
}

TESTS = """
import logging
import warnings
import pytest
from unified_logger import LoggingContext, get_logger, init_logging

BEGINNING
logger = get_logger("shop.orders")

def test_records(caplog):
    with LoggingContext(trace_id="t"):
        logger.warning("order %d received", 7, order_id=7)
    logging.getLogger("theirs").warning("theirs")
    logger.info("below")
    first, second = caplog.records
    assert (first.name, first.levelno, first.getMessage()) == ("shop.orders", 30, "order 7 received")
    assert (first.order_id, first.trace_id, first.funcName, first.args) == (7, "t", "test_records", (7,))
    assert caplog.record_tuples == [("shop.orders", 30, "order 7 received"), ("theirs", 30, "theirs")]
    assert caplog.messages == ["order 7 received", "theirs"]
    assert "WARNING  shop.orders:test_application.py:" in caplog.text
    caplog.clear()
    assert caplog.records == []

def test_levels(caplog):
    with caplog.at_level("DEBUG"):
        logger.debug("one")
    logger.debug("below")
    with caplog.at_level("DEBUG", logger="shop"):
        logger.debug("two")
        get_logger("other").debug("below")
    caplog.set_level(logging.INFO, logger="shop.orders")
    logger.info("three")
    assert caplog.messages == ["one", "two", "three"]

def test_levels_are_as_before(caplog):
    logger.info("below")
    assert caplog.messages == []

def test_handler(caplog):
    caplog.handler.setFormatter(logging.Formatter("<%(message)s>"))
    with caplog.filtering(lambda record: "secret" not in record.getMessage()):
        logger.error("a secret")
        logger.error("seen")
    assert caplog.text == "<seen>\\n"

def test_exceptions(caplog):
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("failed")
    assert caplog.records[0].exc_info[0] is ZeroDivisionError
    assert "ZeroDivisionError" in caplog.text

def test_phases(fixture, caplog):
    logger.warning("in the test")
    assert [record.getMessage() for record in caplog.get_records("setup")] == ["in the set-up"]
    assert caplog.messages == ["in the test"]

@pytest.fixture
def fixture():
    logger.warning("in the set-up")

def test_warnings(recwarn):
    init_logging(log_dir="logs", console_format="off")
    warnings.warn("first", UserWarning)
    with pytest.warns(UserWarning, match="second"):
        warnings.warn("second", UserWarning)
    with pytest.deprecated_call():
        warnings.warn("third", DeprecationWarning)
    assert [str(warning.message) for warning in recwarn] == ["first"]

def test_warnings_are_errors_where_they_are_to_be():
    init_logging(log_dir="logs", console_format="off")
    warnings.simplefilter("error")
    with pytest.raises(UserWarning):
        warnings.warn("raised", UserWarning)
"""


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_caplog_and_recwarn(beginning: str, run_pytest: RunPytest) -> None:
    """Before the start and after it: records, levels, handler, phases, and warnings."""
    assert "8 passed" in run_pytest(TESTS.replace("BEGINNING", beginning))


def test_a_failed_test_shows_what_pytest_has_of_ours(run_pytest: RunPytest) -> None:
    """In the section that it has for logs."""
    told = run_pytest(
        "from unified_logger import get_logger\ndef test_it(): get_logger('app').error('seen'); assert 0", failed=1
    )
    assert "- Captured log call -" in told
    assert "ERROR    app:test_application.py:2 seen" in told


def test_live_logs_show_ours(run_pytest: RunPytest) -> None:
    """`--log-cli-level` prints them as they come, at its level."""
    code = "from unified_logger import get_logger\ndef test_it(): get_logger('app').info('live'); get_logger('app').debug('below')"
    told = run_pytest(code, "--log-cli-level=INFO")
    assert "- live log call -" in told
    assert "INFO     app:test_application.py:2 live" in told
    assert "below" not in told


def test_live_logs_in_the_configuration(run_pytest: RunPytest) -> None:
    """`log_cli` does the same."""
    code = "from unified_logger import get_logger\ndef test_it(): get_logger('app').warning('live')"
    assert "WARNING  app:test_application.py:2 live" in run_pytest(code, ini="log_cli = true\n")


def test_a_file_of_logs_has_ours(run_pytest: RunPytest, tmp_path: Path) -> None:
    """`--log-file` writes them."""
    run_pytest(
        "from unified_logger import get_logger\ndef test_it(): get_logger('app').warning('kept')",
        "--log-file=their.log",
    )
    assert "WARNING  app:test_application.py:2 kept" in (tmp_path / "their.log").read_text(encoding="utf-8")


def test_without_the_plugin_for_logs(run_pytest: RunPytest) -> None:
    """`-p no:logging` takes `caplog` away, and nothing else."""
    code = """
import pytest
from unified_logger import get_logger
def test_it(log_records, request):
    get_logger("app").info("seen")
    assert log_records.messages == ["seen"]
    with pytest.raises(pytest.FixtureLookupError):
        request.getfixturevalue("caplog")
"""
    assert "1 passed" in run_pytest(code, "-p", "no:logging")
