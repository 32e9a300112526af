"""The file of faulthandler: what is said of a crash lies beside the logs."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
from kinds import Run
from programs import OPEN_FILES

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the ends of processes are told by POSIX signals")

START = """
import faulthandler, os, sys
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off")
"""
CRASH = "\ndef crash():\n    faulthandler._sigsegv()\ncrash()\n"


def said(tmp_path: Path, directory: str = "logs") -> str:
    """What is in the file."""
    return (tmp_path / directory / "faults.txt").read_text()


@pytest.mark.parametrize("unified", ["true", "false"])
def test_a_crash_is_told_beside_the_logs(run_python: Run, tmp_path: Path, unified: str) -> None:
    """With the stack at that moment, and the process dies as it would have. Seen to fail without `faulthandler.enable`."""
    done = run_python(START + CRASH, check=False, USE_UNIFIED_LOGGING=unified)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in said(tmp_path)
    assert "in crash" in said(tmp_path)


def test_crashes_are_appended(run_python: Run, tmp_path: Path) -> None:
    """A second one does not overwrite the first."""
    for _ in range(2):
        run_python(START + CRASH, check=False)
    assert said(tmp_path).count("in crash") == 2


def test_the_file_follows_the_log_directory(run_python: Run, tmp_path: Path) -> None:
    """After a start into another directory, and no descriptor is left of the one before."""
    code = (
        START
        + OPEN_FILES
        + """
for round_ in range(20):
    init_logging(log_dir=f"logs{round_ % 3}", console_format="off")
if os.path.exists("/proc/self/fd"):
    assert open_files().count("faults.txt") == 1, open_files()
init_logging(log_dir="other", console_format="off")
"""
        + CRASH
    )
    assert run_python(code, check=False).returncode == -signal.SIGSEGV
    assert said(tmp_path) == ""
    assert "in crash" in said(tmp_path, "other")


def test_children_of_a_fork_use_it(run_python: Run, tmp_path: Path) -> None:
    """Before and after a record of their own, and after a start of their own."""
    code = (
        START
        + """
def child(act):
    number = os.fork()
    if not number:
        act()
        faulthandler._sigsegv()
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == -11
def first(): pass
def second(): get_logger("child").info("m"); flush_logging(10)
def third(): init_logging(log_dir="other", console_format="off")
for act in (first, second, third):
    child(act)
"""
    )
    run_python(code)
    assert said(tmp_path).count("Segmentation fault") == 2
    assert said(tmp_path, "other").count("Segmentation fault") == 1


@pytest.mark.parametrize("turned_on", ["argument", "environment", "before", "after"])
def test_who_turned_it_on_himself_keeps_it(run_python: Run, tmp_path: Path, turned_on: str) -> None:
    """Whether before or after us; a later start changes nothing of that. Seen to fail without the look at `is_enabled`."""
    enable = 'import faulthandler\nmine = open("mine.log", "w")\nfaulthandler.enable(mine)\n'
    again = 'init_logging(log_dir="other", console_format="off")\n'
    before, after = (enable if turned_on == when else "" for when in ("before", "after"))
    environment = {"PYTHONFAULTHANDLER": "1"} if turned_on == "environment" else {}
    if turned_on == "argument":
        before = "import faulthandler\nfaulthandler.enable()\n"
    done = run_python(before + START + after + again + CRASH, check=False, **environment)
    assert done.returncode == -signal.SIGSEGV
    theirs = done.stderr if turned_on in ("argument", "environment") else (tmp_path / "mine.log").read_text()
    assert "in crash" in theirs
    assert not (tmp_path / "other" / "faults.txt").exists()


def test_an_option_turns_it_off(run_python: Run, tmp_path: Path) -> None:
    """From the start, or later."""
    off = START.replace('"off"', '"off", fault_handler=False')
    run_python(off + "assert not faulthandler.is_enabled()")
    assert not (tmp_path / "logs" / "faults.txt").exists()
    run_python(START + off.replace("\nimport", "\n#") + "assert not faulthandler.is_enabled()")


def test_who_turned_it_on_keeps_it_when_the_option_turns_off(run_python: Run) -> None:
    """It was not ours."""
    code = START + 'faulthandler.enable()\ninit_logging(log_dir="logs", console_format="off", fault_handler=False)\n'
    run_python(code + "assert faulthandler.is_enabled()")


def test_its_mode_is_that_of_the_log_files(run_python: Run, tmp_path: Path) -> None:
    """Whatever the umask takes away."""
    run_python("import os\nos.umask(0o077)\n" + START.replace('"off"', '"off", file_mode="664"'))
    assert stat.S_IMODE((tmp_path / "logs" / "faults.txt").stat().st_mode) == 0o664


def test_no_link_is_followed_where_others_may_write(run_python: Run, tmp_path: Path) -> None:
    """A log record says so, and logging goes on. Seen to fail without O_NOFOLLOW."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs").chmod(0o1777)
    (tmp_path / "victim").write_text("")
    (tmp_path / "logs" / "faults.txt").symlink_to(tmp_path / "victim")
    run_python(START + "assert not faulthandler.is_enabled()\nget_logger('app').info('goes on')")
    text = (tmp_path / "logs" / "app.log").read_text()
    assert "faulthandler has no file beside the logs" in text
    assert "goes on" in text


def test_a_fifo_in_its_place_holds_nothing_up(run_python: Run, tmp_path: Path) -> None:
    """It is no file."""
    (tmp_path / "logs").mkdir()
    os.mkfifo(tmp_path / "logs" / "faults.txt")
    run_python(START + "assert not faulthandler.is_enabled()", timeout=30)
    assert "faulthandler has no file beside the logs" in (tmp_path / "logs" / "app.log").read_text()


def test_it_takes_no_number_of_a_standard_stream(run_python: Run, tmp_path: Path) -> None:
    """And is not handed on to programs that are started."""
    code = (
        "import os\nos.close(0); os.close(1); os.close(2)\n"
        + START
        + """
import fcntl
found = [n for n in range(64) if os.path.realpath(f"/proc/self/fd/{n}").endswith("faults.txt")]
ok = len(found) == 1 and found[0] > 2 and fcntl.fcntl(found[0], fcntl.F_GETFD) & fcntl.FD_CLOEXEC
os._exit(0 if ok else 5)
"""
    )
    if not Path("/proc/self/fd").exists():
        pytest.skip("open files are listed by /proc")
    run_python(code)


def test_no_log_file_may_have_its_name(run_python: Run, tmp_path: Path) -> None:
    """A configuration that says so is an error."""
    (tmp_path / "c.yaml").write_text("handlers: {app_file: {filename: faults.txt}}\n")
    code = "from unified_logger import init_logging_from_config\ninit_logging_from_config('c.yaml')"
    assert "a file name of its own" in run_python(code, check=False).stderr
