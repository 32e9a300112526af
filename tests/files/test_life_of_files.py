"""Files are changed by size and by time, have numbers or dates for names, and go when their bounds do not keep them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from kinds import Run, Start
from over_http import eventually

from unified_logger import ConfigurationError, _core, flush_logging, get_logger, get_stats, init_logging


class Clock:
    """The time of the library, which stands still between two moves."""

    def __init__(self) -> None:
        self._now = 0

    def set(self, text: str) -> None:
        self._now = int(datetime.fromisoformat(text).timestamp())
        _core.set_clock(self._now * 1_000_000_000)

    def move(self, seconds: int) -> None:
        self._now += seconds
        _core.set_clock(self._now * 1_000_000_000)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Stops at noon of the nineteenth of February 2026."""
    clock = Clock()
    clock.set("2026-02-19T12:00:00+00:00")
    yield clock
    _core.set_clock(None)


def messages(path: Path) -> list[str]:
    """What the records of a file say, without those of the library."""
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [record["message"] for record in found if record["logger"] != "unified_logger"]


def log(message: str) -> None:
    get_logger("shop").info(message)
    assert flush_logging(10)


def rotated(log_dir: Path) -> list[str]:
    """The names of the rotated files of app.log."""
    return sorted(path.name for path in log_dir.glob("app*") if path.name != "app.log")


def test_each_day_has_a_file_by_its_date(start: Start, log_dir: Path, clock: Clock) -> None:
    """Of the zone that is asked for."""
    clock.set("2026-02-19T15:59:59+00:00")
    start(rotate={"every": "daily", "zone": "Asia/Shanghai"}, file_names="dated")
    log("on the nineteenth")
    clock.move(1)
    log("on the twentieth")
    log("too")
    clock.move(3 * 86_400)
    log("after idle days")
    assert rotated(log_dir) == ["app-2026-02-19.log", "app-2026-02-20.log"]
    assert messages(log_dir / "app-2026-02-20.log") == ["on the twentieth", "too"]
    assert messages(log_dir / "app.log") == ["after idle days"]


def test_a_file_is_bounded_by_size_and_by_time(start: Start, log_dir: Path, clock: Clock) -> None:
    """Numbers go on within a day."""
    start(rotate="daily", file_names="dated", max_bytes=400, keep="all")
    for number in range(6):
        log(f"record {number}")
    clock.move(86_400)
    log("the next day")
    names = rotated(log_dir)
    assert names[0] == "app-2026-02-19.log"
    assert names[1:] == [f"app-2026-02-19.log.{number}" for number in range(1, len(names))]
    found = [message for name in names for message in messages(log_dir / name)]
    assert found == [f"record {number}" for number in range(6)]


def test_a_restart_goes_on_in_the_file_of_the_day(run_python: Run, log_dir: Path) -> None:
    """And the day after it begins a new one, though the file was touched since."""
    program = """
import sys
from datetime import datetime, timezone
from unified_logger import flush_logging, get_logger, init_logging
from unified_logger.testing import stopped_clock
with stopped_clock(datetime(2026, 2, int(sys.argv[1]), 12, tzinfo=timezone.utc)):
    init_logging(log_dir=sys.argv[2], console_format="off", rotate="daily", file_names="dated")
    get_logger("shop").info("day " + sys.argv[1])
    flush_logging(10)
"""
    for day in ("19", "19", "22"):
        run_python(program, day, str(log_dir))
        os.utime(log_dir / "app.log")
    assert rotated(log_dir) == ["app-2026-02-19.log"]
    assert messages(log_dir / "app-2026-02-19.log") == ["day 19", "day 19"]


A_DAY = """
import sys
from datetime import datetime, timezone
from unified_logger import flush_logging, get_logger, init_logging
from unified_logger.testing import stopped_clock
with stopped_clock(datetime(2026, 2, int(sys.argv[1]), 12, tzinfo=timezone.utc)):
    outputs = {"app": {"format": sys.argv[3]}}
    init_logging(log_dir=sys.argv[2], console_format="off", rotate="daily", file_names="dated", outputs=outputs)
    get_logger("shop").info("day " + sys.argv[1])
    flush_logging(10)
"""


def lose_the_catalogue(log_dir: Path, written: datetime | None = None) -> None:
    """The current file was written at a time, now if it is left out."""
    (log_dir / ".unified_logger" / "catalogue").unlink()
    os.utime(log_dir / "app.log", written and (0, written.timestamp()))


@pytest.mark.parametrize("form", ["json", "logfmt", "text"])
def test_a_lost_catalogue_leaves_the_file_of_yesterday_its_day(run_python: Run, log_dir: Path, form: str) -> None:
    """The time of its first line counts. Seen to fail with the day of the start in its place."""
    run_python(A_DAY, "19", str(log_dir), form)
    for _ in range(2):
        lose_the_catalogue(log_dir)
        run_python(A_DAY, "20", str(log_dir), form)
    assert rotated(log_dir) == ["app-2026-02-19.log"]
    assert "day 19" in (log_dir / "app-2026-02-19.log").read_text()
    assert (log_dir / "app.log").read_text().count("day 20") == 2


def test_where_lines_tell_no_time_that_of_the_last_write_counts(run_python: Run, log_dir: Path) -> None:
    """Seen to fail with the day of the start in its place."""
    form = "{level} {message}"
    run_python(A_DAY, "19", str(log_dir), form)
    lose_the_catalogue(log_dir, datetime(2026, 2, 19, 12, tzinfo=timezone.utc))
    run_python(A_DAY, "20", str(log_dir), form)
    assert rotated(log_dir) == ["app-2026-02-19.log"]
    assert (log_dir / "app.log").read_text().split() == ["INFO", "day", "20"]


def test_a_program_may_begin_with_a_new_file(run_python: Run, log_dir: Path) -> None:
    """A further start of the same program does not, nor does a process that starts at the same time."""
    program = """
import sys
from unified_logger import get_logger, init_logging
for _ in range(2):
    init_logging(log_dir=sys.argv[1], console_format="off", rotate={"at_start": True})
    get_logger("shop").info("m")
"""
    for _ in range(2):
        run_python(program, str(log_dir))
    assert rotated(log_dir) == []
    catalogue = log_dir / ".unified_logger" / "catalogue"
    catalogue.unlink()  # As if the file were older: nothing says when it was made.
    run_python(program, str(log_dir))
    assert rotated(log_dir) == ["app.log.1"]
    assert len(messages(log_dir / "app.log.1")) == 4


def test_files_go_by_number_and_age(start: Start, log_dir: Path, clock: Clock) -> None:
    """Of dated files as of numbered ones. It is counted."""
    start(rotate="daily", file_names="dated", keep={"files": 3, "age": "50h"})
    before = get_stats()["files"]["app"]["deleted"]
    for day in range(6):
        log(f"day {day}")
        clock.move(86_400)
    log("the last day")
    eventually(lambda: len(rotated(log_dir)) <= 3)
    assert rotated(log_dir) == ["app-2026-02-22.log", "app-2026-02-23.log", "app-2026-02-24.log"]
    eventually(lambda: get_stats()["files"]["app"]["deleted"] - before == 3)


def test_room_is_made_on_a_full_disk_and_told(start: Start, log_dir: Path) -> None:
    """A bound that no disk can hold leaves the current files alone. It is told once a minute at most, with all that went."""
    notices = {"file": "notices.log", "loggers": ["unified_logger"], "keep": "all"}
    start(max_bytes=400, keep={"disk_free": "99.99%"}, outputs={"notices": notices})
    for number in range(8):
        log(f"record {number}")
    eventually(lambda: not rotated(log_dir))
    found = log_dir / "notices.log"
    eventually(lambda: flush_logging(10) and "nearly full" in found.read_text("utf-8"))
    for number in range(8):
        log(f"record {number}")
    eventually(lambda: not rotated(log_dir))
    assert flush_logging(10)
    (told,) = [json.loads(line) for line in found.read_text("utf-8").splitlines() if "nearly full" in line]
    assert told["message"] == "log files were deleted because the disk is nearly full"
    assert (told["level"], told["files"] > 0, told["bytes"] > 0) == ("WARNING", True, True)


def test_an_output_has_a_life_of_its_own(start: Start, log_dir: Path, clock: Clock) -> None:
    """Others follow the options."""
    audit = {"file": "audit.log", "rotate": "hourly", "file_names": "dated", "keep": {"files": 1}}
    start(outputs={"audit": audit})
    for _ in range(4):
        log("m")
        clock.move(3_600)
    log("last")
    eventually(lambda: len([*log_dir.glob("audit-*")]) == 1)
    assert [path.name for path in log_dir.glob("audit-*")] == ["audit-2026-02-19T15.log"]
    assert rotated(log_dir) == []


@pytest.mark.parametrize(("method", "end"), [("zstd", ".zst"), ("gzip", ".gz")])
def test_rotated_files_are_packed(start: Start, log_dir: Path, method: str, end: str) -> None:
    """For every program that reads such files, and with an index."""
    start(max_bytes=2_000, compress=method, keep="all")
    for number in range(100):
        get_logger("shop").info(f"record {number}")
    assert flush_logging(10)
    eventually(lambda: rotated(log_dir) and all(name.endswith(end) for name in rotated(log_dir)))
    names = sorted(rotated(log_dir), key=lambda name: -int(name.split(".")[2]))
    read = {"zstd": ["zstd", "-dc"], "gzip": ["gzip", "-dc"]}[method]
    if shutil.which(read[0]) is None:
        pytest.skip(f"{read[0]} is not installed")
    texts = [subprocess.run([*read, log_dir / name], capture_output=True, check=True).stdout for name in names]
    texts.append((log_dir / "app.log").read_bytes())
    found = [json.loads(line)["message"] for line in b"".join(texts).splitlines()]
    assert found == [f"record {number}" for number in range(100)]
    eventually(lambda: len([*(log_dir / ".unified_logger").glob("*.idx")]) == len(names))


@pytest.mark.parametrize(
    ("options", "key", "allowed"),
    [
        ({"rotate": "dayly"}, "rotate.every", "one of hourly, daily"),
        ({"rotate": "36h"}, "rotate.every", "a length below a day"),
        ({"rotate": {"every": 0}}, "rotate.every", "a length below a day"),
        ({"rotate": "25:00"}, "rotate.at", "a time from '00:00' to '23:59:59'"),
        ({"rotate": {"at": "24:00"}}, "rotate.at", "a time from '00:00' to '23:59:59'"),
        ({"rotate": {"zone": "Mars/Olympus"}}, "rotate.zone", "the name of a time zone"),
        ({"rotate": True}, "rotate", "a period such as daily"),
        ({"rotate": "daily", "backup_count": 0}, "rotate", "backup_count is 0"),
        ({"file_names": "named"}, "file_names", "one of numbered, dated"),
        ({"compress": "zip"}, "compress", "one of off, gzip, zstd"),
        ({"compress": "gzip", "compress_level": 10}, "compress_level", "a whole number from 1 to 9 for gzip"),
        ({"compress": "zstd", "compress_level": 20}, "compress_level", "a whole number from 1 to 19 for zstd"),
        (
            {"outputs": {"app": {"compress": "gzip", "compress_level": 12}}},
            "outputs.app.compress_level",
            "a whole number from 1 to 9 for gzip",
        ),
        ({"keep": {"age": 0}}, "keep.age", "a time above 0"),
        ({"keep": {"files": 0}}, "keep.files", "a whole number from 1, or all"),
        ({"keep": {"bytes": 0}}, "keep.bytes", "a number of bytes above 0"),
        ({"keep": {"disk_free": "100%"}}, "keep.disk_free", "a share such as '10%'"),
        ({"hold_unshipped": 0.5}, "hold_unshipped", "or off"),
        ({"hold_unshipped": "some"}, "hold_unshipped", "or off"),
        ({"outputs": {"app": {"hold_unshipped": "-1"}}}, "outputs.app.hold_unshipped", "or off"),
        ({"keep": {"total": {"disk_free": "1%"}}}, "keep.total.disk_free", "one of the known keys"),
        ({"outputs": {"app": {"keep": {"disk_free": "1%"}}}}, "outputs.app.keep.disk_free", "one of the known keys"),
        ({"outputs": {"console": {"rotate": "daily"}}}, "outputs.console.rotate", "outputs with `file` only"),
    ],
)
def test_what_cannot_be_meant_is_refused(log_dir: Path, options: dict[str, Any], key: str, allowed: str) -> None:
    """With the key, and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        init_logging(log_dir=log_dir, **options)
    assert (caught.value.key, allowed in caught.value.allowed) == (key, True), caught.value


def test_times_of_day_as_yaml_reads_them(run_python: Run, tmp_path: Path) -> None:
    """It takes 16:00 for a number to the base of sixty."""
    (tmp_path / "logging.yaml").write_text(
        "log_dir: logs\nrotate: {at: 16:00, zone: utc}\nfile_names: dated\n", "utf-8"
    )
    run_python(
        """
from datetime import datetime, timezone
from unified_logger import flush_logging, get_logger, init_logging_from_config
from unified_logger.testing import stopped_clock
init_logging_from_config("logging.yaml", console_format="off")
for hour, minute in ((15, 59), (16, 0)):
    with stopped_clock(datetime(2026, 2, 19, hour, minute, tzinfo=timezone.utc)):
        get_logger("shop").info("m"); flush_logging(10)
"""
    )
    assert rotated(tmp_path / "logs") == ["app-2026-02-18.log"]
