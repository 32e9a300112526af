"""A plugin for pytest that starts this library before a suite of another project, and writes down what came of each test.

Told by the environment: `SUITES_OPTIONS` (options of `init_logging` as JSON, or nothing: then nothing is started) and `SUITES_OUTCOMES` (a file).
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

_options = os.environ["SUITES_OPTIONS"]
_outcomes: dict[str, str] = {}

if _options:
    from unified_logger import init_logging

    init_logging(**json.loads(_options))


def pytest_collection_finish() -> None:
    """CPython's tests of `logging` each begin with a root logger that must have no handlers: ours is put there after that."""
    suite: Any = sys.modules.get("test.test_logging")
    if suite is None or not _options:
        return
    root = logging.getLogger()
    (ours,) = (handler for handler in root.handlers if type(handler).__module__.startswith("unified_logger."))
    set_up = suite.BaseTest.setUp

    def set_up_with_ours(test: Any) -> None:
        root.removeHandler(ours)
        set_up(test)
        root.addHandler(ours)

    suite.BaseTest.setUp = set_up_with_ours


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """The worst of setup, call and teardown is what counts."""
    # Names made of objects without a name of their own have addresses in them, which differ from run to run.
    test = re.sub(r"0x[0-9a-f]+", "0x", report.nodeid)
    if report.outcome != "passed" or test not in _outcomes:
        _outcomes[test] = "failed" if "failed" in (report.outcome, _outcomes.get(test)) else report.outcome


def pytest_sessionfinish() -> None:
    """Writes the outcomes."""
    Path(os.environ["SUITES_OUTCOMES"]).write_text(json.dumps(_outcomes), encoding="utf-8")
