"""Signals are the program's: none is delivered to a thread of the library, so that one which the program holds back waits."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest
from kinds import Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are held back on POSIX alone")


BEGIN = """
import os, select, signal
from unified_logger import *
init_logging(log_dir="logs", {options})
get_logger("app").error("m")
assert flush_logging(30)
{more}
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.{name}])
os.kill(os.getpid(), signal.{name})
assert signal.sigpending() == {{signal.{name}}}
print("alive")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGALRM"])
@pytest.mark.parametrize(
    ("options", "more"),
    [
        ("console_format='off'", ""),
        ("console_format='json'", ""),
        ("console_format='off'", "for _ in range(2): init_logging(log_dir='other', console_format='off')"),
        ("console_format='off'", "from unified_logger import _core; _core.before_fork(); _core.after_fork_in_parent()"),
    ],
    ids=["writer", "console", "started again", "after a fork"],
)
def test_a_signal_that_is_held_back_waits(run_python: Run, options: str, more: str, name: str) -> None:
    """It is pending, and ends nobody. Seen to end the process, or to be taken by the writer, while threads held nothing back."""
    done = run_python(BEGIN.format(options=options, more=more, name=name), check=False)
    assert "alive" in done.stdout, f"exit code {done.returncode}\n{done.stderr}"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="masks of threads are told by Linux alone")
def test_only_faults_of_a_thread_itself_reach_it(run_python: Run) -> None:
    """What a thread did itself is still told by `faulthandler`; everything else is held back, in each thread of the library."""
    code = """
import json, os
from unified_logger import *
init_logging(log_dir="logs", console_format="json", fault_handler=False)
import shutil
get_logger("app").error("m")
flush_logging(10)  # a file that is made meanwhile would stay
shutil.rmtree("logs")
open("logs", "w").close()  # trouble to tell, on a thread of its own
get_logger("app").error("m")
flush_logging(1)
masks = {}
for task in os.listdir("/proc/self/task"):
    lines = dict(line.split(":", 1) for line in open(f"/proc/self/task/{task}/status"))
    masks[lines["Name"].strip()] = int(lines["SigBlk"], 16)
print(json.dumps(masks))
"""
    masks = json.loads(run_python(code).stdout.splitlines()[-1])
    own = {name: mask for name, mask in masks.items() if name.startswith("unified")}
    assert len(own) >= 3, masks
    faults = [
        signal.SIGSEGV,
        signal.SIGBUS,
        signal.SIGFPE,
        signal.SIGILL,
        signal.SIGTRAP,
        signal.SIGABRT,
        signal.SIGSYS,
    ]
    for mask in own.values():
        let_through = {number for number in range(1, 32) if not mask >> (number - 1) & 1}
        assert let_through == {*map(int, faults), int(signal.SIGKILL), int(signal.SIGSTOP)}
    assert all(not mask for name, mask in masks.items() if name not in own)
