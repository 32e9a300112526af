"""Files of other programs in the log directory stay as they are, whatever they are called."""

from __future__ import annotations

import gzip
import json
import logging
import logging.handlers
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kinds import Run, Start
from over_http import eventually

from unified_logger import flush_logging, get_logger, get_stats, shutdown_logging
from unified_logger.reader import read_logs

OTHERS = {
    "app.log.2": b"2026-02-19 10:30:00 INFO of another program\n",
    "app.log.4": b'{"ts": 1, "msg": "another one"}\n',
    "app.log.5.gz": gzip.compress(b"of logrotate, of another program\n"),
    "app.log.6.zst": b"\x28\xb5\x2f\xfd torn",
    "app-2026-02-19.log": b"app.log\0\0\0 a tarball",
}


def put_others(log_dir: Path) -> None:
    log_dir.mkdir(exist_ok=True)
    for name, content in OTHERS.items():
        (log_dir / name).write_bytes(content)


def are_untouched(log_dir: Path) -> bool:
    return all((log_dir / name).read_bytes() == content for name, content in OTHERS.items())


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["number"] for line in path.read_text("utf-8").splitlines() if '"number"' in line]


def fill(count: int) -> None:
    for number in range(count):
        get_logger("shop").info("a record that takes some room", number=number)
        assert flush_logging(10)


@pytest.mark.parametrize("compress", ["off", "zstd"])
def test_rotation_steps_around_them(
    start: Start, log_dir: Path, compress: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The next free number is taken, `backup_count` counts the files of the library alone, and each is told of once."""
    put_others(log_dir)
    start(max_bytes=1_000, backup_count=3, compress=compress, console_format="off")
    fill(60)
    end = ".zst" if compress == "zstd" else ""
    ours = [f"app.log.{number}{end}" for number in (1, 3, 7)]
    eventually(
        lambda: get_stats()["files"]["app"]["rotations"] >= 6 and all((log_dir / name).exists() for name in ours)
    )
    assert shutdown_logging(10)
    assert are_untouched(log_dir)
    found = sorted(path.name for path in log_dir.glob("app*") if path.name not in OTHERS)
    assert [name.removesuffix(".zst") for name in found] == ["app.log", "app.log.1", "app.log.3", "app.log.7"]
    if not end:
        kept = [
            number for name in ("app.log.7", "app.log.3", "app.log.1", "app.log") for number in numbers(log_dir / name)
        ]
        assert kept == list(range(kept[0], 60))
    told = capfd.readouterr().err
    assert [len(re.findall(f"/{name} (cannot be read, or )?is not of this library", told)) for name in OTHERS] == [
        1
    ] * len(OTHERS), told


def test_what_is_deleted_by_age_is_never_theirs(start: Start, log_dir: Path) -> None:
    """Though the names are those of rotated files."""
    put_others(log_dir)
    start(max_bytes=500, keep={"age": "1s"}, compress="gzip", console_format="off")
    # A file that gets old while nothing is logged goes with the next rotation.
    eventually(lambda: fill(2) or get_stats()["files"]["app"]["deleted"] > 0)  # type: ignore[func-returns-value]
    assert are_untouched(log_dir)


def test_files_of_a_handler_of_the_standard_library_count(start: Start, log_dir: Path) -> None:
    """What was logged as JSON before this library took over is rotated with its own files."""
    log_dir.mkdir()
    handler = logging.handlers.RotatingFileHandler(log_dir / "app.log", maxBytes=100, backupCount=5)
    handler.setFormatter(
        logging.Formatter(
            '{"timestamp": "%(asctime)s", "level": "%(levelname)s", "logger": "%(name)s", "message": "%(message)s"}'
        )
    )
    for number in range(6):
        handler.emit(logging.LogRecord("old", logging.INFO, "", 0, f"old record {number}", (), None))
    handler.close()
    (log_dir / "app.log.9").write_text("of another program\n", "utf-8")
    start(max_bytes=400, backup_count=3)
    fill(10)
    eventually(lambda: len([*log_dir.glob("app.log.*")]) == 4)
    assert sorted(path.name for path in log_dir.glob("app.log.*")) == [
        "app.log.1",
        "app.log.2",
        "app.log.3",
        "app.log.9",
    ]


def test_a_file_that_takes_the_place_of_ours_is_not_deleted_for_it(start: Start, log_dir: Path) -> None:
    """Though the file system may give it the number that the other had."""
    start(max_bytes=500, keep={"files": 2})
    fill(8)
    eventually(lambda: (log_dir / "app.log.2").exists() and not (log_dir / "app.log.3").exists())
    (log_dir / "app.log.2").unlink()
    (log_dir / "app.log.2").write_text("of another program\n", "utf-8")
    fill(30)
    eventually(lambda: get_stats()["files"]["app"]["deleted"] > 0 or (log_dir / "app.log.3").exists())
    assert (log_dir / "app.log.2").read_text("utf-8") == "of another program\n"


PROGRAM = """
import sys
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
init_logging(log_dir=sys.argv[1], console_format="off", max_bytes=2_000, keep="all")
for number in range(60):
    get_logger("shop").info("m", number=number, who=sys.argv[2])
    flush_logging(10)
shutdown_logging()
"""


def test_a_damaged_catalogue_is_made_again_by_processes_that_start_together(run_python: Run, log_dir: Path) -> None:
    """Each record stays in one file, and it is told once."""
    run_python(PROGRAM, str(log_dir), "first")
    catalogue = log_dir / ".unified_logger" / "catalogue"
    content = bytearray(catalogue.read_bytes())
    content[40] ^= 1
    catalogue.write_bytes(content)
    command = [sys.executable, "-c", PROGRAM, str(log_dir)]
    started = [subprocess.Popen([*command, str(who)], stderr=subprocess.PIPE, text=True) for who in range(3)]
    told = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], told
    assert sum(text.count("is damaged, and made again") for text in told) == 1, told
    assert (catalogue.parent / "catalogue.damaged").read_bytes() == content
    lines = [line for path in log_dir.glob("app.log*") for line in path.read_text("utf-8").splitlines()]
    records = [(record["who"], record["number"]) for record in map(json.loads, lines) if "who" in record]
    assert sorted(records) == sorted((who, number) for who in ("first", "0", "1", "2") for number in range(60))


@pytest.mark.parametrize("compress", ["off", "zstd"])
def test_a_copy_that_an_operator_has_packed_is_not_read_twice(
    start: Start, log_dir: Path, compress: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """`gzip -k app.log.1` leaves the original beside its copy. The copy stays, also when the original is packed or gets another number."""
    start(max_bytes=2_000, keep="all", console_format="off")
    fill(40)
    copied = (log_dir / "app.log.1").read_bytes()
    (log_dir / "app.log.1.gz").write_bytes(gzip.compress(copied))

    def read() -> list[int]:
        with read_logs(log_dir, files="app.log", logger="shop") as reader:
            return [(record.record or {})["number"] for record in reader]

    assert read() == [*range(40)]
    start(max_bytes=2_000, keep="all", console_format="off", compress=compress)
    fill(40)
    rotated = [*log_dir.glob("app.log.*")]
    if compress == "zstd":
        eventually(lambda: len([*log_dir.glob("app.log.*.zst")]) >= len(rotated) - 1)
    assert sorted(read()) == sorted([*range(40)] * 2)
    assert shutdown_logging()
    copies = [gzip.decompress(path.read_bytes()) for path in log_dir.glob("app.log.*.gz")]
    assert copies == [copied]
    assert capfd.readouterr().err == ""
