"""Every event that `make guarantees` runs stands on the page, with the tests that prove it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def test_every_event_has_its_row_and_its_tests() -> None:
    """By title, with a promise, and with test files or folders that exist."""
    listed = subprocess.run(
        [sys.executable, "-m", "guarantees.run", "--list"],
        cwd=PROJECT / "benches",
        env={**os.environ, "PYTHONPATH": str(PROJECT / "benches")},
        capture_output=True,
        text=True,
        check=True,
    )
    events = json.loads(listed.stdout)
    page = (PROJECT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    assert len(events) > 20
    for event in events:
        assert f"| {event['title']} | {event['promise']} |" in page
        assert event["tests"], event["name"]
        for test in event["tests"]:
            assert (PROJECT / test).exists(), test
