"""`unittest` has the same: its own `assertLogs`, and `capture_logs` for the fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from kinds import Run

CASES = """
import sys
import unittest
from unified_logger import get_logger, init_logging
from unified_logger.testing import capture_logs

class Orders(unittest.TestCase):
    def setUp(self):
        if sys.version_info >= (3, 11):
            self.logs = self.enterContext(capture_logs())
        else:
            capture = capture_logs()
            self.logs = capture.__enter__()
            self.addCleanup(capture.__exit__, None, None, None)

    def test_one(self):
        get_logger("shop").info("order received", order_id=7)
        self.assertEqual(self.logs.one("order received", level="INFO")["order_id"], 7)
        self.assertEqual(len(self.logs), 1)

    def test_another(self):
        get_logger("shop").warning("order refused", order_id=8)
        self.assertEqual(self.logs.messages, ["order refused"])

    def test_failure(self):
        get_logger("shop").info("order received", order_id=9)
        self.logs.one("order received", order_id=10)

class Own(unittest.TestCase):
    def test_assert_logs(self):
        with self.assertLogs("shop", "INFO") as logs:
            get_logger("shop.orders").info("order received", order_id=7)
        self.assertEqual(logs.output, ["INFO:shop.orders:order received"])
        self.assertEqual(logs.records[0].order_id, 7)

    @unittest.skipIf(sys.version_info < (3, 10), "came with 3.10")
    def test_assert_no_logs(self):
        with self.assertNoLogs("shop", "INFO"):
            get_logger("shop.orders").debug("details")

    def test_both(self):
        with capture_logs() as ours, self.assertLogs("shop") as theirs:
            get_logger("shop.orders").info("order received", order_id=7)
        self.assertEqual([record.getMessage() for record in theirs.records], ours.messages)

START
unittest.main()
"""


@pytest.mark.parametrize("start", ["", 'init_logging(log_dir="logs", console_format="off")'], ids=["early", "started"])
def test_both_ways_work(start: str, run_python: Run, tmp_path: Path) -> None:
    """A record that is missing is a failure with what there is, no error; nothing is printed beside that."""
    done = run_python(CASES.replace("START", start), check=False)
    assert "Ran 6 tests" in done.stderr
    assert "FAILED (failures=1)" in done.stderr
    assert "AssertionError: no record is message='order received' order_id=10; there are 1:\n  INFO shop" in done.stderr
    assert "order refused" not in done.stderr
    assert (tmp_path / "logs").exists() is bool(start)
