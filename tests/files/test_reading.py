"""`read_logs` gives the records of log files once and in order, whatever becomes of the files, and changes nothing."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from kinds import Run, Start

from unified_logger import (
    ConfigurationError,
    LoggingContext,
    UnifiedLoggerError,
    flush_logging,
    get_logger,
    shutdown_logging,
)
from unified_logger.reader import LogReader, Position, ReadError, read_logs


def of_shop(reader: LogReader) -> list[str]:
    """The messages of the records that are not the library's own."""
    with reader:
        return [str((each.record or {})["message"]) for each in reader if each.logger != "unified_logger"]


def log(count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        get_logger("shop").info(f"number {number}", number=number)
    assert flush_logging(10)


def numbers(count: int, first: int = 0) -> list[str]:
    return [f"number {number}" for number in range(first, first + count)]


@pytest.mark.parametrize("options", [{}, {"compress": "zstd"}, {"compress": "gzip", "file_names": "dated"}])
def test_records_are_read_across_rotated_and_packed_files(start: Start, log_dir: Path, options: dict[str, Any]) -> None:
    """In the order in which they were logged."""
    start(max_bytes=2000, keep="all", **options)
    log(60)
    assert len(list(log_dir.glob("app*"))) > 5
    assert of_shop(read_logs(log_dir, files="app.log")) == numbers(60)
    shutdown_logging()
    assert of_shop(read_logs(log_dir, files=["app.log"], logger="shop")) == numbers(60)


def test_a_record_has_its_parts(start: Start, log_dir: Path) -> None:
    """They are those of the line, and the text of a position may be kept."""
    start()
    with LoggingContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736"):
        get_logger("shop.orders").warning("refused", order=7)
    assert flush_logging(10)
    before = datetime.now(timezone.utc)
    [record] = list(read_logs(log_dir, files="app.log", logger="shop"))
    assert record.record is not None
    assert record.record["order"] == 7
    assert record.raw.decode() == record.text
    assert (record.level, record.logger) == ("WARNING", "shop.orders")
    assert record.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert record.time is not None
    assert before - timedelta(minutes=1) < record.time <= before
    assert (record.set, record.file) == ("app.log", "app.log")
    position = record.position
    assert position.set == "app.log"
    assert position.generation is not None
    assert position.offset > 0
    assert Position(str(position)) == position == pickle.loads(pickle.dumps(position))
    assert hash(Position(str(position))) == hash(position)
    with pytest.raises(AttributeError):
        position.offset = 7  # type: ignore[misc]


def test_filters_hold_together(start: Start, log_dir: Path) -> None:
    """Time, level, logger with its children, trace and text."""
    start(log_level="DEBUG", compress="zstd", max_bytes=3000, keep="all")
    for number in range(40):
        with LoggingContext(trace_id=f"{number // 4:032x}"):
            get_logger(f"shop.part{number % 2}").log((10, 20, 30, 40)[number % 4], f"number {number}")
    assert flush_logging(10)
    shutdown_logging()

    def found(**options: Any) -> list[str]:
        return of_shop(read_logs(log_dir, files="app.log", logger=options.pop("logger", "shop"), **options))

    assert found(level="ERROR") == [f"number {number}" for number in range(3, 40, 4)]
    assert found(level=30, logger="shop.part0") == [f"number {number}" for number in range(2, 40, 4)]
    assert found(logger="shop.part") == []
    assert found(trace_id=f"{3:032x}") == numbers(4, 12)
    assert found(text="number 17") == ["number 17"]
    records = list(read_logs(log_dir, files="app.log", logger="shop"))
    middle = records[20].time
    assert middle is not None
    assert found(until=middle) + found(since=middle) == numbers(40)
    assert found(since=middle.isoformat()) == found(since=middle)
    assert found(since=datetime.now() + timedelta(hours=1)) == []
    assert len(found(since=time.time() - 3600)) == 40
    assert found(after=records[29].position) == numbers(10, 30)
    assert found(after=[str(records[29].position)]) == numbers(10, 30)


@pytest.mark.parametrize("preset", ["ecs", "gcp", "datadog", "otel"])
def test_lines_of_presets_are_understood(start: Start, log_dir: Path, preset: str) -> None:
    """Without being told which it is."""
    start(preset=preset)
    with LoggingContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736"):
        get_logger("shop").error("refused")
    get_logger("shop").info("accepted")
    assert flush_logging(10)
    [record] = list(read_logs(log_dir, files="app.log", trace_id="4bf92f3577b34da6a3ce929d0e0e4736"))
    assert record.logger == "shop"
    assert record.time is not None
    [same] = list(read_logs(log_dir, files="app.log", level="ERROR", logger="shop"))
    assert same.raw == record.raw


def test_keys_of_the_programs_own_are_given(tmp_path: Path) -> None:
    """Those that nobody could guess."""
    (tmp_path / "app.log").write_text('{"t": 1771493400.5, "weight": "error", "of": {"who": "shop"}}\n')
    keys = {"time": "t", "time_form": "seconds", "level": "weight", "logger": "of.who"}
    [record] = list(read_logs(tmp_path, level="ERROR", logger="shop", keys=keys))
    assert record.time == datetime(2026, 2, 19, 9, 30, 0, 500_000, timezone.utc)
    assert list(read_logs(tmp_path, level="ERROR")) == []


def test_json_of_other_programs_is_understood(tmp_path: Path) -> None:
    """With spaces between its parts, with bytes that are no UTF-8, and with the line ends of Windows."""
    lines = [
        json.dumps({"timestamp": f"2026-02-19T10:30:0{number}Z", "level": "ERROR", "logger": "shop", "message": "m"})
        for number in range(3)
    ]
    broken = b'{"timestamp":"2026-02-19T10:30:03Z","level":"ERROR","logger":"shop","message":"\xff"}'
    text = "\r\n".join(lines).encode() + b"\r\n\r\n" + broken + b"\n"
    (tmp_path / "app.log").write_bytes(text)
    for conditions in ({}, {"level": "ERROR"}, {"logger": "shop"}, {"since": "2026-02-19T10:30:00Z"}):
        records = list(read_logs(tmp_path, **conditions))  # type: ignore[arg-type]
        assert [record.time.second for record in records if record.time] == [0, 1, 2, 3], conditions
        assert [(record.level, record.logger) for record in records] == [("ERROR", "shop")] * 4
        assert [record.record and record.record["message"] for record in records] == ["m", "m", "m", "\ufffd"]


def test_following_sees_each_record_once_while_other_threads_work(start: Start, log_dir: Path) -> None:
    """Over rotation and packing; the interpreter is free meanwhile."""
    start(max_bytes=2000, keep="all", compress="zstd")
    log(1)
    seen: list[str] = []

    def follow() -> None:
        with read_logs(log_dir, files="app.log", logger="shop", follow=True, timeout=20) as reader:
            for record in reader:
                seen.append(str((record.record or {})["message"]))
                if len(seen) == 400:
                    return

    thread = threading.Thread(target=follow)
    thread.start()
    for first in range(1, 400, 7):
        log(min(7, 400 - first), first)
    thread.join(60)
    assert seen == numbers(400)


def test_following_ends_when_nothing_comes(start: Start, log_dir: Path) -> None:
    """After the time that was given, and at once after `close`."""
    start()
    log(1)
    reader = read_logs(log_dir, logger="shop", follow=True, timeout=0.2)
    assert of_shop(reader) == numbers(1)
    assert list(reader) == []
    assert reader.remarks == []
    # An iterator that has ended gives nothing more.
    reader = read_logs(log_dir, logger="shop", follow=True, timeout=0)
    assert [record.level for record in reader] == ["INFO"]
    log(1)
    assert list(reader) == []


def with_a_long_search(log_dir: Path) -> None:
    """Several seconds of reading, in which no wanted record stands: a line without an end, most of it never written."""
    log_dir.mkdir()
    with open(log_dir / "app.log", "wb") as file:
        file.truncate(40 << 30)


SEARCHED = """
import sys
from unified_logger.reader import read_logs
print("ready", flush=True)
for each in read_logs("logs", text="rare"): pass
"""


def test_ctrl_c_ends_a_search(log_dir: Path, tmp_path: Path) -> None:
    """Even if nothing is ever found."""
    with_a_long_search(log_dir)
    child = subprocess.Popen(
        [sys.executable, "-c", SEARCHED], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, error = child.communicate(timeout=60)
    assert "KeyboardInterrupt" in error
    assert time.monotonic() - started < 5


def test_close_ends_a_search(log_dir: Path) -> None:
    """That another thread is in."""
    with_a_long_search(log_dir)
    reader = read_logs(log_dir, text="rare")
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(reader))
    thread.start()
    time.sleep(0.3)
    assert thread.is_alive()
    reader.close()
    thread.join(5)
    assert not thread.is_alive()
    assert found == []


def test_what_was_noticed_is_no_obstacle_for_a_forked_child(log_dir: Path) -> None:
    """Another thread of the parent may be reading at that moment."""
    with_a_long_search(log_dir)
    reader = read_logs(log_dir, text="rare")
    thread = threading.Thread(target=lambda: list(reader))
    thread.start()
    time.sleep(0.3)
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0 if reader.remarks == [] else 1)
        end = time.monotonic() + 20
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < end:
            time.sleep(0.01)
        if ended == (0, 0):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        assert ended == (child, 0)
    reader.close()
    thread.join(20)


def test_logrotate_by_copying_costs_a_reader_nothing(start: Start, log_dir: Path) -> None:
    """What was written before the copy is read there, and a copy in the place of the file is followed."""
    start()
    log(3)
    path = log_dir / "app.log"
    with read_logs(log_dir, files="app.log", logger="shop", follow=True, timeout=10) as reader:
        assert [next(reader).record["number"] for _ in range(3)] == [0, 1, 2]  # type: ignore[index]
        log(3, 3)
        (log_dir / "app.log.1").write_bytes(path.read_bytes())
        os.truncate(path, 0)
        log(3, 6)
        assert [next(reader).record["number"] for _ in range(6)] == [3, 4, 5, 6, 7, 8]  # type: ignore[index]
        (log_dir / "copy").write_bytes(path.read_bytes())
        (log_dir / "copy").rename(path)
        log(3, 9)
        assert [next(reader).record["number"] for _ in range(3)] == [9, 10, 11]  # type: ignore[index]


def test_ctrl_c_ends_following(log_dir: Path, tmp_path: Path) -> None:
    """As it ends everything else."""
    log_dir.mkdir()
    code = "from unified_logger.reader import read_logs\nprint('ready', flush=True)\nfor each in read_logs('logs', follow=True): pass"
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, error = child.communicate(timeout=20)
    assert "KeyboardInterrupt" in error


WRITER = """
import sys
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=20_000, keep="all", compress="zstd", console_format="off")
for number in range(1000):
    get_logger(sys.argv[1]).info("number", number=number)
    if number % 50 == 0:
        flush_logging(10)
"""


def test_several_processes_are_followed(tmp_path: Path) -> None:
    """Records of each process come in its order."""
    (tmp_path / "logs").mkdir()
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, f"writer{number}"], cwd=tmp_path, stderr=subprocess.DEVNULL)
        for number in range(3)
    ]
    seen: dict[str, list[int]] = {f"writer{number}": [] for number in range(3)}
    with read_logs(tmp_path / "logs", files="app.log", follow=True, timeout=30) as reader:
        for record in reader:
            if record.logger in seen and record.record is not None:
                seen[record.logger].append(record.record["number"])
            if sum(map(len, seen.values())) == 3000:
                break
    assert [child.wait(60) for child in writers] == [0, 0, 0]
    assert seen == {name: list(range(1000)) for name in seen}
    once = [record.raw for record in read_logs(tmp_path / "logs", files="app.log", logger="writer0")]
    assert len(once) == len(set(once)) == 1000


KILLED = """
import os, signal
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=5_000, keep="all", console_format="off")
for number in range(700):
    get_logger("killed").info("number", number=number)
    if number == 300:
        flush_logging(10)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_had_accepted_comes_once(start: Start, log_dir: Path, run_python: Run) -> None:
    """After the next start has recovered it, for a reader that was there all the time and for a new one."""
    log_dir.mkdir()
    reader = read_logs(log_dir, files="app.log", logger="killed", follow=True, timeout=3)
    assert run_python(KILLED, check=False).returncode == -signal.SIGKILL
    seen = [next(reader)]
    start(max_bytes=5_000, keep="all")
    log(3)
    seen += list(reader)
    found = [record.record["number"] for record in seen if record.record is not None]
    assert sorted(found) == list(range(700))
    again = [
        record.record["number"] for record in read_logs(log_dir, files="app.log", logger="killed") if record.record
    ]
    assert sorted(again) == list(range(700))


def test_a_home_that_cannot_be_read_costs_no_record(start: Start, log_dir: Path) -> None:
    """The catalogue and the indices are there for speed."""
    start(max_bytes=2000, keep="all")
    log(40)
    shutdown_logging()
    home = log_dir / ".unified_logger"
    if os.geteuid() == 0:
        # Root may read everything.
        home.rename(log_dir / ".elsewhere")
        home.write_text("")
    else:
        home.chmod(0)
    try:
        assert of_shop(read_logs(log_dir, files="app.log")) == numbers(40)
        records = list(read_logs(log_dir, files="app.log", logger="shop", level="INFO"))
        assert records[0].position.generation is None
        assert of_shop(read_logs(log_dir, files="app.log", after=records[19].position)) == numbers(20, 20)
    finally:
        if os.geteuid() != 0:
            home.chmod(0o700)


def test_a_reader_changes_nothing(start: Start, log_dir: Path) -> None:
    """It writes no file, and times stay as they are."""
    start(max_bytes=2000, keep="all", compress="zstd")
    log(40)
    shutdown_logging()

    def state() -> list[tuple[str, int, int]]:
        return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in log_dir.rglob("*"))

    (log_dir / ".unified_logger" / "catalogue").write_text("damaged\n")
    before = state()
    with read_logs(log_dir, level="ERROR") as reader:
        assert [record for record in reader if record.logger == "shop"] == []
        assert any("catalogue" in remark for remark in reader.remarks)
    assert state() == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("since", "yesterday"),
        ("until", True),
        ("level", "LOUD"),
        ("logger", [""]),
        ("trace_id", ""),
        ("text", 7),
        ("timeout", -1),
        ("keys", {"when": "t"}),
        ("keys", {"time_form": "minutes"}),
        ("after", "nowhere"),
        ("after", 5),
        ("files", [7]),
        ("files", 5),
        ("files", b"app.log"),
        ("logger", 5),
    ],
)
def test_a_wrong_argument_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    """With its name, its value and what is allowed."""
    arguments: dict[str, Any] = {key: value}
    with pytest.raises(ConfigurationError, match="argument: "):
        read_logs(tmp_path, **arguments)
    with pytest.raises(ConfigurationError, match="argument: directory = 5"):
        read_logs(5)  # type: ignore[arg-type]


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    """By an error of the package."""
    with pytest.raises(ReadError, match="none"):
        read_logs(tmp_path / "none")
    with pytest.raises(UnifiedLoggerError, match=r"none\.log"):
        read_logs(tmp_path, files="none.log")
    assert list(read_logs(tmp_path)) == []
