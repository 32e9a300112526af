"""The fixture `log_records` for pytest, which finds this module by the entry point `pytest11`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .testing import CapturedLogs

# By their tests. Not in pytest's stash, which versions before 7.0 lack: the plugin is loaded wherever both are installed.
_records: WeakKeyDictionary[pytest.Item, CapturedLogs] = WeakKeyDictionary()
_levels: WeakKeyDictionary[pytest.Item, int] = WeakKeyDictionary()


@pytest.fixture
def log_records(request: pytest.FixtureRequest) -> Iterator[CapturedLogs]:
    """The records logged during this test, structured as in the log files, the oldest first.

    These are the records of all threads and tasks of the process, from the set-up of this fixture to its end. Logging need not be started,
    and nothing is written because of it.
    """
    from .testing import capture_logs

    with capture_logs() as records:
        _records[request.node] = records
        yield records


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Notes the level that fixtures have set: with `--log-level`, pytest restores its own after the set-up."""
    yield
    if item in _records:
        _levels[item] = logging.getLogger().level


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Runs the test with the level that its fixtures have set."""
    if item in _levels:
        logging.getLogger().setLevel(_levels[item])
    yield


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Restores levels once more: if `caplog` ends last, it restores the levels that it found while records were collected."""
    yield
    if item in _records:
        _records[item].restore_levels()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Shows the records of a failed test that asked for them, and drops them at its end, because tests live as long as the session."""
    records = _records.get(item)
    if records and call.excinfo is not None:
        item.add_report_section(call.when, "structured log", records.text())
    if call.when == "teardown" and records is not None:
        del _records[item]
        _levels.pop(item, None)
