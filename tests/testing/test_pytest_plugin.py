"""The fixture `log_records` is there where the package is installed, and nothing else is changed by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from kinds import Run, RunPytest

TITLE = re.compile("^-+ Captured structured log (setup|call|teardown) -+$", re.MULTILINE)


def test_records_are_gone_after_their_test(run_pytest: RunPytest) -> None:
    """Pytest keeps its tests until the session ends; what they logged would fill the memory of a long one."""
    told = run_pytest(
        """
import gc
import weakref
from unified_logger import get_logger

seen = []

def test_first(log_records):
    get_logger("shop").info("here")
    seen.append(weakref.ref(log_records))
    assert log_records.messages == ["here"]

def test_second():
    gc.collect()
    assert [found() for found in seen] == [None]
"""
    )
    assert "2 passed" in told


def test_each_test_has_its_own_records_in_order(run_pytest: RunPytest, tmp_path: Path) -> None:
    """From the set-up of the fixture on, without a start, and without a file; nothing is printed of a test that passes."""
    told = run_pytest(
        """
import logging
import pytest
from unified_logger import LoggingContext, get_logger

logger = get_logger("shop.orders")

@pytest.fixture
def order(log_records):
    logger.debug("made")
    yield 7
    assert log_records.messages[0] == "made"
    logger.debug("removed")
    assert log_records.messages[-1] == "removed"

@pytest.mark.parametrize("number", range(3))
def test_own(order, log_records, number):
    with LoggingContext(trace_id="t"):
        logger.info("order received", order_id=order, number=number)
        logging.getLogger("theirs").warning("theirs")
    assert log_records.messages == ["made", "order received", "theirs"]
    record = log_records.one("order received", level="INFO", order_id=7)
    assert (record["number"], record.trace_id) == (number, "t")

def test_without():
    logger.info("seen by nobody")

def test_after(log_records):
    assert log_records == []
""",
        "-q",
    )
    assert "5 passed" in told
    assert "shop.orders" not in told
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == [
        "pytest.ini",
        "test_application.py",
    ]


FAILING = """
import pytest
from unified_logger import get_logger

logger = get_logger("shop.orders")

def test_fails(log_records):
    logger.info("order received", order_id=7)
    try:
        {}["price"]
    except KeyError:
        logger.exception("order refused")
    log_records.one("order paid")

def test_passes(log_records):
    logger.info("quiet")

def test_asks_for_none():
    assert not "a failure"

@pytest.fixture
def broken(log_records):
    logger.info("in the set-up")
    raise LookupError

def test_of_a_broken_fixture(broken): ...
"""


@pytest.mark.parametrize("arguments", [(), ("-p", "no:logging"), ("-n", "2"), ("--show-capture=log",)], ids=" ".join)
def test_a_failed_test_shows_its_records(arguments: tuple[str, ...], run_pytest: RunPytest) -> None:
    """With fields, place and traceback; those that passed, and those that did not ask, show none."""
    told = run_pytest(FAILING, *arguments, failed=2)
    assert sorted(TITLE.findall(told)) == ["call", "setup"]
    assert re.search(
        r"^INFO shop\.orders 'order received' order_id=7 \(test_application:8 test_fails, MainThread\)$",
        told,
        re.MULTILINE,
    )
    assert re.search(r"^ {4}KeyError: 'price'$", told, re.MULTILINE)
    assert "no record is message='order paid'; there are 2:" in told
    assert "INFO shop.orders 'in the set-up' (" in told
    assert "quiet" not in told


def test_its_records_are_not_shown_where_nothing_is(run_pytest: RunPytest) -> None:
    """`--show-capture=no` holds for them as for all others."""
    assert not TITLE.search(run_pytest(FAILING, "--show-capture=no", failed=2))


def test_a_failure_stands_at_the_line_of_the_test(run_pytest: RunPytest) -> None:
    """Not inside of `one`."""
    told = run_pytest(FAILING, "--tb=short", "-k", "test_fails", failed=1)
    assert 'log_records.one("order paid")' in told
    assert "_collected.py" not in told


def test_tests_that_run_at_the_same_time_in_several_processes(run_pytest: RunPytest) -> None:
    """With pytest-xdist each has its own."""
    told = run_pytest(
        """
import os
import threading
import pytest
from unified_logger import get_logger, init_logging

def work(number):
    for step in range(10):
        get_logger("shop").info("step", number=number, step=step)

@pytest.mark.parametrize("number", range(30))
def test_own(number, log_records):
    assert "PYTEST_XDIST_WORKER" in os.environ
    if number % 3 == 0:
        init_logging(log_dir="logs", console_format="off")
    thread = threading.Thread(target=work, args=(number,))
    thread.start()
    thread.join()
    assert [record["step"] for record in log_records.find(number=number)] == list(range(10))
    assert len(log_records) == 10
""",
        *("-n", "2", "-q"),
    )
    assert "30 passed" in told


def test_an_application_that_starts_logging_itself(run_pytest: RunPytest, tmp_path: Path) -> None:
    """Its files have what the test has, from then on at its level, and the level stays."""
    told = run_pytest(
        """
import json
import logging
from unified_logger import flush_logging, get_logger, init_logging

def test_starts(log_records):
    init_logging(log_dir="logs", log_level="INFO")
    get_logger("app").info("order received", order_id=7)
    get_logger("app").debug("below")
    assert log_records.messages == ["order received"]
    log_records.set_level("DEBUG")
    get_logger("app").debug("details")
    assert log_records.messages == ["order received", "details"]
    assert flush_logging(30)
    with open("logs/app.log") as file:
        assert [json.loads(line) for line in file] == log_records

def test_later(log_records):
    get_logger("app").debug("more details")
    assert log_records.messages == ["more details"]

def test_level():
    assert logging.getLogger().level == logging.INFO
"""
    )
    assert "3 passed" in told
    assert sorted(path.name for path in (tmp_path / "logs").glob("*.log")) == [
        "ai_responses.log",
        "app.log",
        "errors.log",
    ]


def test_with_the_level_of_pytest(run_pytest: RunPytest) -> None:
    """With `log_level`, pytest sets the root logger's level back after the set-up; seen to fail without the hooks for that."""
    told = run_pytest(
        """
import logging
from unified_logger import get_logger

def test_all(log_records):
    get_logger("app").debug("details")
    assert log_records.messages == ["details"]

def test_as_pytest_says():
    assert logging.getLogger().level == logging.INFO
""",
        ini="log_level = INFO\n",
    )
    assert "2 passed" in told


@pytest.mark.parametrize("fixtures", ["caplog, log_records", "log_records, caplog"])
def test_beside_caplog(fixtures: str, run_pytest: RunPytest) -> None:
    """Both have the records, and the level is afterwards what it was, whichever ends first."""
    told = run_pytest(
        f"""
import logging
from unified_logger import get_logger

def test_both({fixtures}):
    get_logger("app").debug("one", order_id=7)
    caplog.set_level("ERROR")
    get_logger("app").info("below")
    get_logger("app").error("two")
    assert caplog.messages == log_records.messages == ["one", "two"]
    assert caplog.records[0].order_id == log_records[0]["order_id"] == 7

def test_level():
    assert logging.getLogger().level == logging.WARNING
"""
    )
    assert "2 passed" in told


def test_the_configuration_may_ask_for_it_in_all_tests(run_pytest: RunPytest) -> None:
    """By `usefixtures`: each that fails shows its records."""
    code = """
from unified_logger import get_logger
def test_it():
    get_logger("app").info("seen", order_id=7)
    assert not "a failure"
"""
    assert len(TITLE.findall(run_pytest(code, ini="usefixtures = log_records\n", failed=1))) == 1


def test_loading_it_starts_nothing(run_pytest: RunPytest) -> None:
    """No helper is imported before a test asks for the fixture; `logging` and warnings are as they were."""
    told = run_pytest(
        """
import logging
import sys
import threading
import warnings
import pytest

def test_nothing_yet(request):
    assert request.config.pluginmanager.hasplugin("unified_logger")
    assert not [name for name in sys.modules if name.startswith("unified_logger.testing")]
    assert threading.active_count() == 1
    assert logging.Logger.callHandlers.__module__ == "logging"
    assert not [handler for handler in logging.getLogger().handlers if "unified" in type(handler).__module__]

def test_asked(log_records):
    assert "unified_logger.testing" in sys.modules
""",
        ini="filterwarnings = error\n",
    )
    assert "2 passed" in told


def test_a_program_that_runs_pytest_hears_no_warning(run_python: Run, tmp_path: Path) -> None:
    """Not of a package that was imported before its plugin, either: seen to fail where pytest wants to rewrite it."""
    (tmp_path / "test_application.py").write_text("def test_it(log_records): assert log_records == []")
    code = "import unified_logger, pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '-W', 'error']))"
    assert "warning" not in run_python(code).stdout


def test_the_plugin_is_loaded_beside_an_older_pytest(run_python: Callable[..., object]) -> None:
    """Before 7.0 it has no stash, and loads the plugin in every project. Seen to fail (`AttributeError`) with one."""
    run_python("import pytest\ndel pytest.StashKey\nimport unified_logger.pytest_plugin\n")
