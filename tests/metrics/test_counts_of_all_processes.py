"""A scrape adds up what all processes of a directory have counted, whatever became of them, to the unit."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kinds import Run, Scrape

WORKER = """
import itertools, sys, time
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format="off", max_bytes=0, overflow="block")
logger = get_logger("app")
print("logs", flush=True)
for number in itertools.count():
    (logger.error if number % 5 == 0 else logger.info)("m", number=number)
    if number % 20 == 0:
        time.sleep(0.001)
"""
END = """
import sys
from unified_logger import flush_logging, get_logger, get_stats, init_logging, shutdown_logging
init_logging(log_dir=sys.argv[1], console_format="off", max_bytes=0)
for number in range(int(sys.argv[2])):
    get_logger("app").info("m", number=number)
assert flush_logging(30)
"""


def written(file: str) -> str:
    return f'records_written_total{{file="{file}"}}'


def accepted(scraped: dict[str, float]) -> float:
    return sum(value for name, value in scraped.items() if name.startswith("records_accepted_total"))


def counters(scraped: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in scraped.items() if "_total" in name}


def test_processes_that_end_are_kept(run_python: Run, scrape: Scrape) -> None:
    """Each counts from zero, and the directory goes on."""
    for count in (3, 4):
        run_python(END, "logs", str(count))
    scraped = scrape()
    assert (scraped[written("app")], accepted(scraped), scraped["processes"]) == (7, 7, 0)
    assert scraped[written("errors")] == 0, "it is there before the first error"


@pytest.mark.skipif(sys.platform == "win32", reason="no processes can be killed so")
def test_processes_that_are_killed_are_counted_to_the_unit(run_python: Run, scrape: Scrape, tmp_path: Path) -> None:
    """In the middle of anything, while others scrape, and no count is ever less than before."""
    chance = random.Random(7)
    before: dict[str, float] = {}
    for _ in range(6):
        workers = [
            subprocess.Popen([sys.executable, "-c", WORKER], cwd=tmp_path, stdout=subprocess.PIPE) for _ in range(2)
        ]
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        for worker in workers:
            time.sleep(chance.random() / 10)
            worker.send_signal(signal.SIGKILL)
            worker.communicate(timeout=30)
            scraped = counters(scrape())
            assert {name: value for name, value in before.items() if scraped[name] < value} == {}
            before = scraped
    run_python(END, "logs", "1")  # what is left is recovered
    scraped = scrape()
    lines = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert scraped[written("app")] == len(lines)
    assert scraped[written("errors")] == len((tmp_path / "logs" / "errors.log").read_text().splitlines())
    of_levels = [
        sum(line["level"] == level and line["logger"] == "app" for line in lines) for level in ("INFO", "ERROR")
    ]
    assert [scraped[f'records_accepted_total{{level="{level}"}}'] for level in ("INFO", "ERROR")] == of_levels


KILLED = """
import os, signal
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", max_bytes=0)
get_logger("app").info("m")
assert flush_logging(30)
for number in range(100):
    get_logger("app").info("m")
os.kill(os.getpid(), signal.SIGKILL)
"""
RECOVERS = "from unified_logger import get_logger, get_stats, init_logging; init_logging(log_dir='logs', console_format='off')\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no processes can be killed so")
@pytest.mark.parametrize("by", ["command", "process"])
def test_what_was_recovered_is_counted_once(run_python: Run, scrape: Scrape, tmp_path: Path, by: str) -> None:
    """By the command, too, which has no counts of its own. Seen to fail: 0."""
    subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, timeout=60, check=False)
    if by == "command":
        command = [sys.executable, "-m", "unified_logger.cli", "recover", "logs"]
        text = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
        told = int(text.split()[0])
    else:
        told = int(
            run_python(
                RECOVERS
                + "from unified_logger import flush_logging\nassert flush_logging(30)\nprint(get_stats()['recovered'])"
            ).stdout
        )
    lines = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    recovered = sum(line.get("recovered", False) for line in lines)
    assert scrape()["records_recovered_total"] == told == recovered > 0


def test_a_program_that_goes_to_another_directory_counts_there(run_python: Run, scrape: Scrape) -> None:
    """What was logged in one is in no other, and `get_stats` has both."""
    run_python(
        END
        + """
assert get_stats()["files"]["app"]["written"] == 3
init_logging(log_dir="other", console_format="off", max_bytes=0)
get_logger("app").info("m")
assert flush_logging(30)
assert get_stats()["files"]["app"]["written"] == 4
""",
        "logs",
        "3",
    )
    assert [scrape(directory)[written("app")] for directory in ("logs", "other")] == [3, 1]


def test_a_program_that_starts_again_counts_on(run_python: Run, scrape: Scrape) -> None:
    """In the same directory, also after a shutdown."""
    run_python(
        END
        + """
for number in range(3):
    init_logging(log_dir="logs", console_format="off", max_bytes=0)
    get_logger("app").info("m")
shutdown_logging(30)
init_logging(log_dir="logs", console_format="off", max_bytes=0)
get_logger("app").info("m")
assert flush_logging(30)
assert get_stats()["files"]["app"]["written"] == 7
""",
        "logs",
        "3",
    )
    scraped = scrape()
    assert (scraped[written("app")], accepted(scraped)) == (7, 7)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks")
def test_forked_children_count_for_themselves(run_python: Run, scrape: Scrape) -> None:
    """Nothing of the parent's twice, and nothing of theirs lost."""
    run_python(
        END
        + """
import os
for child in range(5):
    if (pid := os.fork()) == 0:
        for number in range(10):
            get_logger("app").info("m")
        assert get_stats()["accepted"] == 10
        shutdown_logging(30)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
get_logger("app").info("m")
assert flush_logging(30)
assert get_stats()["files"]["app"]["written"] == 4
""",
        "logs",
        "3",
    )
    scraped = scrape()
    assert (scraped[written("app")], accepted(scraped)) == (54, 54)


def test_no_file_is_left_for_each_process(run_python: Run, scrape: Scrape, tmp_path: Path) -> None:
    """One file has the counts of all that are gone."""
    for _ in range(5):
        run_python(END, "logs", "1")
    home = sorted(path.name for path in (tmp_path / "logs" / ".unified_logger").iterdir())
    assert [name for name in home if "count" in name] == ["counts", "counts.lock"]
    assert not [name for name in home if name.endswith(".box")]
    assert scrape()[written("app")] == 5


def test_a_living_process_is_seen_by_others(tmp_path: Path, scrape: Scrape) -> None:
    """Its gauges too, as long as it lives."""
    code = END + "print('logs', flush=True)\nsys.stdin.read()\n"
    worker = subprocess.Popen(
        [sys.executable, "-c", code, "logs", "5"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdout is not None
    worker.stdout.readline()
    scraped = scrape()
    assert (scraped[written("app")], scraped["processes"], scraped["black_boxes"]) == (5, 1, 1)
    worker.communicate(timeout=30)
    scraped = scrape()
    assert (scraped[written("app")], scraped["processes"], scraped["black_boxes"]) == (5, 0, 0)


def test_damaged_counts_are_told_and_the_rest_is_served(run_python: Run, tmp_path: Path) -> None:
    """They are set aside by the next process that ends."""
    run_python(END, "logs", "5")
    counts = tmp_path / "logs" / ".unified_logger" / "counts"
    counts.write_text("no counts")
    command = [sys.executable, "-m", "unified_logger.cli", "metrics", "logs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "damaged" in done.stderr, "unified_logger_build_info" in done.stdout) == (1, True, True)
    run_python(END, "logs", "2")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert f"unified_logger_{written('app')} 2\n" in done.stdout
    assert counts.with_suffix(".aside").read_text() == "no counts"
