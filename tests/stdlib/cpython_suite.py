"""Runs CPython's own tests of `logging` in a process that logs with us. A program: see test_cpython_suite.py.

Each of these tests begins with a root logger that must have no handlers, and ends by taking all of them away. So ours is put there
after a test has set itself up, beside a handler that counts what ours is given.

Takes the options of `init_logging` and the tests to leave out, as JSON; prints what came of it, as JSON, in its last line.
"""

from __future__ import annotations

import json
import logging
import sys
import unittest
from collections.abc import Iterator
from typing import Any

from unified_logger import flush_logging, get_stats, init_logging

options, left_out = json.loads(sys.argv[1]), json.loads(sys.argv[2])
init_logging(**options)
root = logging.getLogger()
(ours,) = root.handlers

from test import test_logging as suite  # noqa: E402 - these tests are to find logging as it is after our start


class Counting(logging.Handler):
    """Counts the records that come to the root logger; one at a time, as those of our handler do."""

    seen = 0

    def emit(self, record: logging.LogRecord) -> None:
        Counting.seen += 1


counting = Counting()
set_up = suite.BaseTest.setUp


def set_up_with_ours(test: Any) -> None:
    root.removeHandler(ours)
    set_up(test)
    root.addHandler(ours)
    root.addHandler(counting)


suite.BaseTest.setUp = set_up_with_ours


def tests(found: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in found:
        if isinstance(test, unittest.TestSuite):
            yield from tests(test)
        else:
            yield test


def name(test: unittest.TestCase) -> str:
    return ".".join(test.id().split(".")[-2:])


every = list(tests(unittest.defaultTestLoader.loadTestsFromModule(suite)))
result = unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(
    unittest.TestSuite(test for test in every if name(test) not in left_out)
)
flush_logging()
stats = get_stats()
print()
print(
    json.dumps(
        {
            "run": result.testsRun,
            "unsuccessful": [name(test) for test, _ in result.errors + result.failures],
            "unexpected": [name(test) for test in result.unexpectedSuccesses],
            "seen": Counting.seen,
            **{key: stats[key] for key in ("accepted", "written", "dropped")},
        }
    )
)
