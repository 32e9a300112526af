"""A stream that forks in the middle of a call: both processes go on with the record that was logged."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PRELUDE = """
import ctypes, logging, os, sys, warnings
from unified_logger import *
warnings.simplefilter("ignore")
OPTIONS = {"log_dir": "logs", "console_format": "text", "black_box": "dir", "max_bytes": 0}
ready, go = os.pipe()
child = None

def fork():
    # Once. The child goes on when the parent has used the memory of its records again.
    global child
    if child is None:
        child = FORK()
        if child == 0:
            os.close(go)
            os.read(ready, 1)

class Stream:
    def write(self, text): fork()

log = get_logger("app")
"""
HOOKS = {"os_fork": "FORK = os.fork", "fork_of_c": "FORK = ctypes.PyDLL(None).fork"}

END = """
if child == 0:
    flush_logging(30)
    os._exit(0)
for number in range(5_000):
    log.info("of the parent", other="other", n=number)
assert flush_logging(30)
os.close(go)
assert os.waitpid(child, 0)[1] == 0
assert flush_logging(30)
print(child)
"""


def lines(folder: Path) -> list[dict[str, Any]]:
    """All records but those that the parent logged later, which are whole and in order."""
    found = [json.loads(line) for line in (folder / "logs" / "app.log").read_text().splitlines()]
    assert [record["n"] for record in found if record["message"] == "of the parent"] == list(range(5_000))
    return [record for record in found if record["message"] != "of the parent"]


@pytest.mark.parametrize("method", ["write", "flush", "fileno"])
@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_both_have_the_record(run_python: Run, tmp_path: Path, hook: str, method: str) -> None:
    """With its own values, and the line is shown once. Seen to fail where the child goes on with memory of its parent's."""
    stream = "" if method == "write" else f"Stream.{method} = lambda self: fork()\nStream.write = lambda *_: None\n"
    call = "init_logging(**OPTIONS)\nsys.stderr = Stream()\nlog.warning('at hand', own='own', text=[1, 2])\nsys.stderr = None\n"
    done = run_python(f"{PRELUDE}\n{hook}\n{stream}\n{call}\n{END}")
    found = lines(tmp_path)
    assert [(record["message"], record["own"], record["text"]) for record in found] == [("at hand", "own", [1, 2])] * 2
    assert len({record["process"] for record in found}) == 2
    assert int(done.stdout) in {record["process"] for record in found}


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_records_of_before_the_start_are_the_parents(run_python: Run, tmp_path: Path, hook: str) -> None:
    """A logger that forks when it is asked for its level, while they are delivered."""
    call = """
class Forking(logging.Logger):
    def isEnabledFor(self, level):
        if started: fork()
        return True
started = False
logging.setLoggerClass(Forking)
for number in range(20):
    get_logger(f"early.{number}").info("early", number=number)
started = True
init_logging(**OPTIONS)
"""
    run_python(f"{PRELUDE}\n{hook}\n{call}\nsys.stderr = None\n{END}")
    found = [record["number"] for record in lines(tmp_path)]
    assert sorted(found) == list(range(20))
