"""On a terminal records stand in order with what the program prints, asks and leaves to its children."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from terminals import opened, read_all, shown_on_terminal, started, without_colors

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals are those of POSIX")

START = """
import os, sys, threading, time
from unified_logger import get_logger, init_logging
{early}
init_logging(log_dir="logs"{options})
logger = get_logger("app")
"""


def start(early: str = "", options: str = "") -> str:
    """The beginning of a program."""
    return START.format(early=early, options=options)


def order(shown: str) -> list[str]:
    """The last word of each line."""
    return [line.split()[-1] for line in without_colors(shown).splitlines()]


@pytest.mark.parametrize("options", ["", ", console_format='json'", ", redaction=True", ", queue_size=100"])
def test_records_stand_between_what_is_printed(tmp_path: Path, options: str) -> None:
    """Each is on the screen when the call returns. Seen to fail with lines shown by the writer."""
    code = (
        start(options=options)
        + "for number in range(200):\n    logger.info(f'record-{number}')\n    print(f'print-{number}')\n"
    )
    shown = without_colors(shown_on_terminal(code, tmp_path))
    found = [shown.index(f"{what}-{number}") for number in range(200) for what in ("record", "print")]
    assert found == sorted(found)


def test_a_prompt_comes_after_the_record_before_it(tmp_path: Path) -> None:
    """The person answers what they have read."""
    leader, follower = opened()
    process = started(start() + "logger.info('about to ask')\ninput('prompt> ')\n", tmp_path, follower)
    os.close(follower)
    shown = b""
    while b"prompt> " not in shown:
        shown += os.read(leader, 4_096)
    os.write(leader, b"\n")
    read_all(leader)
    assert process.wait(60) == 0
    assert shown.index(b"about to ask") < shown.index(b"prompt> ")


def test_early_records_come_before_what_is_printed_after_the_start(tmp_path: Path) -> None:
    """They are shown by the start."""
    code = start(early="get_logger('app').info('early')") + "print('printed')\n"
    assert order(shown_on_terminal(code, tmp_path)) == ["early", "printed"]


def test_forked_children_show_theirs_in_order_too(tmp_path: Path) -> None:
    """From the first record on."""
    code = start() + (
        "logger.info('parent')\n"
        "if os.fork() == 0:\n"
        "    logger.info('child')\n"
        "    print('printed by child', flush=True)\n"
        "    sys.exit()\n"
        "os.wait()\n"
        "logger.info('last')\n"
    )
    assert order(shown_on_terminal(code, tmp_path)) == ["parent", "child", "child", "last"]


def test_records_of_logging_and_other_threads_stand_in_order(tmp_path: Path) -> None:
    """And whole."""
    code = start() + (
        "import logging\n"
        "def work(thread):\n"
        "    for number in range(50):\n"
        "        logger.info('of thread', who=thread, number=number)\n"
        "        logging.getLogger('other').warning('%s %s', thread, number)\n"
        "threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "print('printed')\n"
    )
    lines = without_colors(shown_on_terminal(code, tmp_path)).splitlines()
    assert len(lines) == 401
    assert lines[-1] == "printed"
    for thread in range(4):
        numbers = [int(line.rsplit("=", 1)[1]) for line in lines if f"who={thread} " in line]
        assert numbers == list(range(50))


def test_each_record_is_shown_once_and_is_in_the_file(tmp_path: Path) -> None:
    """And counted."""
    code = start() + (
        "from unified_logger import flush_logging, get_stats\n"
        "for number in range(100):\n    logger.info('m', number=number)\n"
        "logger.debug('not on the console')\n"
        "assert flush_logging(30)\n"
        "print(get_stats()['console'])\n"
    )
    shown = without_colors(shown_on_terminal(code, tmp_path)).splitlines()
    assert len(shown) == 101
    assert shown[-1] == "{'written': 100, 'dropped': 0}"
    lines = (tmp_path / "logs" / "app.log").read_text().splitlines()
    assert [json.loads(line).get("number") for line in lines][:100] == list(range(100))


def test_a_terminal_that_is_stopped_does_not_stop_the_program(tmp_path: Path) -> None:
    """Calls wait for it once, a second. When it goes on, what came first is shown first."""
    leader, follower = opened()
    code = start() + (
        "import time\n"
        "logger.info('before')\n"
        "os.read(0, 1)\n"
        "started = time.monotonic()\n"
        "for number in range(300):\n    logger.info('x' * 500, number=number)\n"
        "open('took', 'w').write(str(time.monotonic() - started))\n"
        "while not os.path.exists('go'):\n    time.sleep(0.01)\n"
        "from unified_logger import flush_logging, get_stats\n"
        "flush_logging(30)\n"
        "while get_stats()['console']['written'] < 301:\n    time.sleep(0.01)\n"
        "logger.info('after')\n"
        "print('printed')\n"
    )
    import termios

    process = started(code, tmp_path, follower)
    termios.tcflow(follower, termios.TCOOFF)
    os.write(leader, b"\n")
    deadline = time.monotonic() + 60
    while not (tmp_path / "took").exists() or not (tmp_path / "took").read_text():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    termios.tcflow(follower, termios.TCOON)
    (tmp_path / "go").touch()
    os.close(follower)
    shown = without_colors(read_all(leader))
    assert process.wait(60) == 0
    assert float((tmp_path / "took").read_text()) < 10
    numbers = [int(part.split()[0]) for part in shown.split("number=")[1:]]
    assert numbers == list(range(300))
    assert shown.rstrip().endswith("printed")
    assert "after" in shown.splitlines()[-2]


def test_a_standard_error_that_leads_elsewhere_later_is_followed(tmp_path: Path) -> None:
    """By `dup2`: the terminal gets no more."""
    code = start() + (
        "from unified_logger import flush_logging\n"
        "logger.info('on the terminal')\n"
        "flush_logging(30)\n"
        "time.sleep(0.001)  # For half of that, where it led before is not asked again.\n"
        "elsewhere = open('elsewhere', 'ab')\n"
        "os.dup2(elsewhere.fileno(), 2)\n"
        "logger.info('in the file')\n"
        "flush_logging(30)\n"
    )
    assert order(shown_on_terminal(code, tmp_path)) == ["terminal"]
    assert order((tmp_path / "elsewhere").read_text()) == ["file"]


def test_fields_of_the_process_are_shown(tmp_path: Path) -> None:
    """As the files have them, in the formats that show them. Seen to fail with the fields of no process."""
    options = ", console_format='json', fields={'service.name': 'shop'}"
    shown = shown_on_terminal(start(options=options) + "logger.info('m')\n", tmp_path)
    assert json.loads(shown)["service.name"] == "shop"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for the memory in use")
def test_a_record_whose_line_finds_no_memory_comes_later_and_is_in_the_file(tmp_path: Path) -> None:
    """Records after it wait for it. Seen to fail, with the record lost, where that ended the call, and with a later record in its line."""
    code = start() + (
        "import resource\n"
        "from unified_logger import flush_logging, get_stats\n"
        "logger.info('before')\n"
        "assert flush_logging(30)\n"
        "fields = {f'field{number}': 'm' * 200_000 for number in range(20)}\n"
        "time.sleep(0.01)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "endless = resource.RLIM_INFINITY\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (16 << 20), endless))\n"
        "logger.info('large', **fields)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (endless, endless))\n"
        "logger.info('after')\n"
        "assert flush_logging(30)\n"
        "while get_stats()['console']['written'] < 3:\n    time.sleep(0.01)\n"
        "print('printed')\n"
    )
    shown = without_colors(shown_on_terminal(code, tmp_path, columns=80)).splitlines()
    assert [line.split()[3] for line in shown[:-1] if not line.startswith("  │")] == ["before", "large", "after"]
    assert shown[-1] == "printed"
    lines = (tmp_path / "logs" / "app.log").read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["before", "large", "after"]
    assert len(lines[1]) > 4_000_000
