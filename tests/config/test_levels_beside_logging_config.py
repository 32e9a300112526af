"""Levels change while `logging.config` makes handlers that start this library, and neither waits for the other for ever."""

from __future__ import annotations

import os

import pytest
from kinds import Run

# Threads take turns as often as they can; a program that hangs tells where each of them is.
PRELUDE = """
import faulthandler, logging, logging.config, os, signal, sys, threading
from unified_logger import *
faulthandler.dump_traceback_later(50, exit=True)
sys.setswitchinterval(1e-6)
OPTIONS = {"log_dir": "logs", "console_format": "off", "black_box": "off", "max_bytes": 0}
init_logging(**OPTIONS)
ended = False

def again_and_again(act):
    def run():
        number = 0
        while not ended:
            number += 1
            act("DEBUG" if number % 2 else "ERROR")
    thread = threading.Thread(target=run)
    thread.start()
    return thread
"""

DICT = """
for number in range(100):
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"ours": {"class": "unified_logger.Handler", **OPTIONS, "levels": {"a": "WARNING"}}},
        "root": {"handlers": ["ours"], "level": "INFO"},
    })
"""

FILE = """
with open("logging.ini", "w") as file:
    file.write('''
[loggers]
keys=root
[handlers]
keys=ours
[formatters]
keys=
[logger_root]
handlers=ours
level=INFO
[handler_ours]
class=unified_logger.Handler
args=()
kwargs=''' + repr({**OPTIONS, "levels": {"a": "WARNING"}}))
for number in range(100):
    logging.config.fileConfig("logging.ini", disable_existing_loggers=False)
"""

CHANGES = {
    "for_good": 'lambda level: set_level("a", level)',
    "for_a_time": 'lambda level: set_level("a", level, 0.0005)',
    "reverted": 'lambda level: set_level("a", level).revert()',
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("configure", [DICT, FILE], ids=["dictConfig", "fileConfig"])
def test_a_level_changes_while_handlers_are_made(run_python: Run, configure: str, change: str) -> None:
    """For good, for a time, and back. Seen to hang with a lock of the library's own beside that of `logging`."""
    done = run_python(
        f"{PRELUDE}\nthread = again_and_again({change})\n{configure}\nended = True\nthread.join()\nprint('done')"
    )
    assert done.stdout == "done\n"


def test_a_start_sets_levels_while_others_change(run_python: Run) -> None:
    """Those of the configuration, and what changes for a time go back to."""
    starts = "for number in range(100):\n    init_logging(**OPTIONS, levels={'a': 'WARNING' if number % 2 else 'INFO'})"
    threads = "\n".join(f"threads.append(again_and_again({change}))" for change in CHANGES.values())
    end = "ended = True\nfor thread in threads: thread.join()\nprint('done')"
    assert run_python(f"{PRELUDE}\nthreads = []\n{threads}\n{starts}\n{end}").stdout == "done\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_forked_in_the_middle_of_a_change_can_change_levels(run_python: Run) -> None:
    """It has no thread that could hold the lock, and finds no change half done."""
    code = """
# A child that is forked in the middle of an import waits for it for ever, whatever is imported.
set_level("a", "INFO")
thread = again_and_again(lambda level: set_level("a", level, 0.0005))
for number in range(50):
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        change = set_level("a", "CRITICAL")
        os._exit(0 if logging.getLogger("a").level == logging.CRITICAL else 3)
    assert os.waitpid(child, 0)[1] == 0
ended = True
thread.join()
print("done")
"""
    assert run_python(PRELUDE + code).stdout == "done\n"
