"""CPython's own tests of `logging`, those of the interpreter at hand, hold with our handler on the root logger."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("cpython_suite.py")

# Tests that are left out, and why. What a version does not have is not missed.
LEFT_OUT = {
    "LastResortTest.test_last_resort": "is about a root logger without handlers",
    "HandlerTest.test_race": "8 s: files that are removed while a WatchedFileHandler has them; no record comes to the root logger",
    "SocketHandlerTest.test_noserver": "2.5 s of sleep before a server that is not there is tried again",
    "UnixSocketHandlerTest.test_noserver": "the same",
}
MODES = {"root handler": False, "native": True}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What came of both runs, which mostly sleep and so go on side by side."""
    if find_spec("test") is None or find_spec("test.test_logging") is None:
        pytest.skip("this interpreter was installed without its own tests")
    running = {}
    for mode, native in MODES.items():
        folder = tmp_path_factory.mktemp("suite")
        options = {"log_dir": str(folder / "logs"), "console_format": "off", "native_stdlib": native}
        command = [sys.executable, str(PROGRAM), json.dumps(options), json.dumps(list(LEFT_OUT))]
        running[mode] = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
    try:
        found = {}
        for mode, process in running.items():
            output, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
            found[mode] = {**json.loads(output.splitlines()[-1]), "errors": errors}
        yield found
    finally:
        for process in running.values():
            process.kill()
            process.communicate()


@pytest.mark.parametrize("mode", MODES)
def test_the_tests_of_the_interpreter_hold(mode: str, outcomes: dict[str, dict[str, Any]]) -> None:
    """All but those left out."""
    found = outcomes[mode]
    assert found["unsuccessful"] == found["unexpected"] == [], found["errors"]
    assert found["run"] > 180


@pytest.mark.parametrize("mode", MODES)
def test_meanwhile_each_record_is_written_once(mode: str, outcomes: dict[str, dict[str, Any]]) -> None:
    """What another handler of the root logger is given is what ours accepted and wrote: it was there all the time."""
    found = outcomes[mode]
    assert found["seen"] == found["accepted"] == found["written"]
    assert found["dropped"] == 0
    assert found["seen"] > 300
