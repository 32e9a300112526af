"""A level that is set for a time goes back by itself, unless somebody else has set it meanwhile."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from kinds import Said, Wait

from unified_logger import UnifiedLogger, set_level

pytestmark = pytest.mark.usefixtures("logger")

app = logging.getLogger("app")


def test_the_level_goes_back_by_itself(logger: UnifiedLogger, said: Said, wait_for: Wait) -> None:
    """When the time is over, and that is logged."""
    set_level("app", "DEBUG", 0.05)
    assert app.level == logging.DEBUG
    wait_for(lambda: app.level == logging.NOTSET)
    wait_for(lambda: len(said()) == 2)
    assert said()[1]["message"] == "level of app: DEBUG -> NOTSET (its time is over)"


def test_a_second_call_takes_the_place_of_the_first(wait_for: Wait) -> None:
    """What comes back is the level from before both.

    Seen to fail where the second goes back to what it found.
    """
    set_level("app", "DEBUG", 0.05)
    set_level("app", "ERROR", 0.1)
    wait_for(lambda: app.level != logging.ERROR)
    assert app.level == logging.NOTSET


def test_a_call_for_good_ends_the_time(wait_for: Wait) -> None:
    """Another level that is set later for a shorter time comes and goes, and nothing else happens."""
    set_level("app", "DEBUG", 0.01)
    set_level("app", "ERROR")
    set_level("app.other", "DEBUG", 0.05)
    wait_for(lambda: logging.getLogger("app.other").level == logging.NOTSET)
    assert app.level == logging.ERROR


def test_a_level_that_somebody_else_set_stays(logger: UnifiedLogger, said: Said, wait_for: Wait) -> None:
    """And that is said."""
    set_level("app", "DEBUG", 0.5)
    app.setLevel(logging.CRITICAL)
    wait_for(lambda: len(said()) == 2)
    assert said()[1]["message"] == "level of app is left at CRITICAL: it was set meanwhile"
    assert app.level == logging.CRITICAL


def test_a_level_can_be_taken_back_before(logger: UnifiedLogger, said: Said) -> None:
    """It happens once."""
    change = set_level("app", "DEBUG", 3_600)
    assert change.revert()
    assert not change.revert()
    assert app.level == logging.NOTSET
    assert [record["reason"] for record in said()] == ["set_level", "reverted"]


def test_many_levels_go_back_each_in_its_time(wait_for: Wait) -> None:
    """The one that was set last may be the first."""
    for number in range(20):
        set_level(f"app.{number}", "DEBUG", 0.2 - number * 0.01)
    wait_for(lambda: logging.getLogger("app.19").level == logging.NOTSET)
    wait_for(lambda: all(logging.getLogger(f"app.{number}").level == logging.NOTSET for number in range(20)))


def test_a_new_configuration_is_what_it_goes_back_to(start: Callable[..., Any], wait_for: Wait) -> None:
    """The level that was set for a time is kept until then."""
    start(levels={"app": "WARNING"})
    change = set_level("app", "DEBUG", 3_600)
    start(levels={"app": "ERROR"})
    assert app.level == logging.DEBUG
    assert change.revert()
    assert app.level == logging.ERROR


def test_no_thread_stays(run_python: Callable[..., Any]) -> None:
    """There is one while a time runs, and none before and after.

    Seen to fail with a thread that waits for more to do.
    """
    run_python(
        """
import sys, time
from unified_logger import set_level
def wait_for_threads(count):
    deadline = time.monotonic() + 30
    while len(sys._current_frames()) != count:
        assert time.monotonic() < deadline, len(sys._current_frames())
        time.sleep(0.001)
set_level("app", "DEBUG")
assert len(sys._current_frames()) == 1
change = set_level("app", "DEBUG", 3600)
wait_for_threads(2)
set_level("app.db", "DEBUG", 3600)
assert len(sys._current_frames()) == 2
change.revert()
set_level("app.db", None)
wait_for_threads(1)
"""
    )


def test_the_end_of_the_process_does_not_wait(run_python: Callable[..., Any]) -> None:
    """Whatever the time that was given."""
    run_python(
        "from unified_logger import init_logging, set_level; init_logging(log_dir='logs'); set_level('app', 10, 3600)",
        timeout=30,
    )


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork")
def test_a_forked_child_goes_back_too(run_python: Callable[..., Any]) -> None:
    """Parent and child, each by itself; a child of the child as well.

    Seen to fail without the hook that starts the thread again in the child.
    """
    run_python(
        """
import logging, os, time, warnings
from unified_logger import init_logging, set_level
warnings.simplefilter("ignore", DeprecationWarning)
init_logging(log_dir="logs", console_format="off")
app = logging.getLogger("app")
set_level("app", "DEBUG", 0.3)
children = [os.fork()]
if not children[0]:
    children = [os.fork()]
assert app.level == logging.DEBUG
deadline = time.monotonic() + 30
while app.level != logging.NOTSET:
    assert time.monotonic() < deadline
    time.sleep(0.002)
if children[0]:
    assert os.waitpid(children[0], 0)[1] == 0
"""
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="nothing warned of threads at a fork")
def test_a_fork_finds_no_thread_to_warn_of(run_python: Callable[..., Any]) -> None:
    """Python counts the threads at a fork: the one that waits has ended by then, and comes back after it.

    Seen to fail on 3.13 without either.
    """
    done = run_python(
        """
import logging, os, time, warnings
warnings.simplefilter("always")
from unified_logger import set_level
set_level("app", "DEBUG", 0.5)
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
deadline = time.monotonic() + 30
while logging.getLogger("app").level != logging.NOTSET:
    assert time.monotonic() < deadline
    time.sleep(0.002)
"""
    )
    assert "Warning" not in done.stderr
