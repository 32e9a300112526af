"""`importlib.reload(logging)`, an old advice for notebooks: the class of loggers is another one then, and those made before live on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

START = """
import importlib, logging
from unified_logger import LoggingContext, init_logging, shutdown_logging

def start(**options):
    init_logging(log_dir="logs", console_format="off", **options)

def calls(logger, message):
    logger.info(message)
    logger.warning(message)
    logger.log(logging.ERROR, message)
    logger.exception(message)
"""


@pytest.mark.parametrize("reloads", [1, 2])
def test_loggers_made_before_and_after_log_natively_or_as_ever(
    reloads: int, run_python: Any, records: Callable[..., Any]
) -> None:
    run_python(
        START
        + f"""
start(native_stdlib=True)
loggers = [logging.getLogger("made.0")]
classes = [logging.Logger]
for number in range({reloads}):
    importlib.reload(logging)
    start(native_stdlib=True)
    loggers.append(logging.getLogger(f"made.{{number + 1}}"))
    classes.append(logging.Logger)
    for logger in loggers:
        calls(logger, f"after {{number + 1}}")
assert len(set(classes)) == {reloads} + 1
shutdown_logging()
for logger in loggers:
    calls(logger, "after the end")
for kind in classes:
    assert all(hasattr(vars(kind)[name], "__code__") for name in ("info", "warning", "log", "exception")), kind
"""
    )
    written = [(record["logger"], record["message"]) for record in records() if record["logger"].startswith("made.")]
    for number in range(1, reloads + 1):
        for made in range(number + 1):
            assert written.count((f"made.{made}", f"after {number}")) == 4


def test_levels_of_contexts_hold_for_loggers_of_both_classes(run_python: Any, records: Callable[..., Any]) -> None:
    run_python(
        START
        + """
start(log_level="WARNING")
before = logging.getLogger("before")
with LoggingContext(level="DEBUG"):
    before.debug("first")
importlib.reload(logging)
start(log_level="WARNING")
after = logging.getLogger("after")
for logger in (before, after):
    with LoggingContext(level="DEBUG"):
        assert logger.isEnabledFor(logging.DEBUG)
        logger.debug("second")
    assert not logger.isEnabledFor(logging.DEBUG)
    logger.debug("third")
"""
    )
    written = [(record["logger"], record["message"]) for record in records()]
    assert [found for found in written if found[0] in ("before", "after")] == [
        ("before", "first"),
        ("before", "second"),
        ("after", "second"),
    ]


@pytest.mark.parametrize("native", [False, True])
def test_secrets_by_name_stay_secrets(native: bool, run_python: Any, records: Callable[..., Any]) -> None:
    """Records have another class then, which merges as ever. Seen to fail with the password in clear."""
    done = run_python(
        START
        + f"""
from unified_logger import get_logger
from unified_logger.config import redaction
from unified_logger.stdlib.formatters import JSONFormatter

def start():
    init_logging(log_dir="logs", console_format="off", redaction=True, native_stdlib={native})

start()
importlib.reload(logging)
class Derived(logging.LogRecord):
    pass
for factory in (logging.LogRecord, Derived):
    logging.setLogRecordFactory(factory)
    for again in range(2):
        start()
        logging.getLogger("a").info("%(password)s of %(user)s", {{"password": "hunter2", "user": "bob"}})
        get_logger("b").info("%(password)s of %(user)s", {{"password": "hunter2", "user": "bob"}})
record = logging.LogRecord("c", 20, "a.py", 1, "%(password)s of %(user)s", ({{"password": "hunter2", "user": "bob"}},), None)
print(JSONFormatter(redaction=redaction.settle([('', True)], None)).format(record))
shutdown_logging()
"""
    )
    messages = [record["message"] for record in records() if record["logger"] in ("a", "b")]
    assert messages == ["[REDACTED] of bob"] * 8
    assert "hunter2" not in done.stdout
    assert "[REDACTED] of bob" in done.stdout
