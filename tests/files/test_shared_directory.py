"""Rotation and reopening, seen record by record."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest
from kinds import Start

from unified_logger import flush_logging, get_logger


def numbers(path: Path) -> list[int]:
    """The field `number` of each line."""
    return [json.loads(line)["number"] for line in path.read_text().splitlines()]


def test_rotated_files_are_numbered_without_gaps_oldest_last(start: Start, log_dir: Path) -> None:
    """Read from the highest number down to app.log, every record is there once and in order."""
    start(max_bytes=2_000, backup_count=100, console_format="off")
    for number in range(200):
        get_logger("app").info("m", number=number)
        if number % 10 == 0:
            assert flush_logging(10)
    assert flush_logging(10)
    count = len(list(log_dir.glob("app.log.*")))
    assert count > 10
    files = [log_dir / f"app.log.{number}" for number in range(count, 0, -1)] + [log_dir / "app.log"]
    assert [number for path in files for number in numbers(path)] == list(range(200))


def test_no_bound_or_no_backups_means_no_rotation(start: Start, log_dir: Path) -> None:
    """0 of either never rotates, and never cuts."""
    for options in ({"max_bytes": 0}, {"backup_count": 0, "max_bytes": 1_000}):
        start(**options, console_format="off")
        for number in range(100):
            get_logger("app").info("m", number=number)
        assert flush_logging(10)
    assert [path.name for path in log_dir.glob("app.log*")] == ["app.log"]
    assert numbers(log_dir / "app.log") == [*range(100), *range(100)]


def test_a_record_above_the_bound_is_whole_in_a_file_of_its_own(start: Start, log_dir: Path) -> None:
    """Its neighbours are in files within the bound."""
    start(max_bytes=2_000, backup_count=50, console_format="off")
    for number, size in enumerate([10, 10, 50_000, 10, 10]):
        get_logger("app").info("x" * size, number=number)
    assert flush_logging(10)
    above = [path for path in log_dir.glob("app.log*") if path.stat().st_size > 2_000]
    assert [numbers(path) for path in above] == [[2]]
    assert sorted(number for path in log_dir.glob("app.log*") for number in numbers(path)) == [0, 1, 2, 3, 4]


def remove(directory: Path) -> None:
    """Removes a directory in which the upkeep may make a file at the same moment."""
    for _ in range(20):
        with contextlib.suppress(OSError):
            return shutil.rmtree(directory)
    return shutil.rmtree(directory)


@pytest.mark.parametrize("gone", ["file", "directory"])
def test_what_was_removed_is_made_again(start: Start, log_dir: Path, gone: str) -> None:
    """The next record is in a new file; none is lost between."""
    start(console_format="off")
    get_logger("app").info("m", number=0)
    assert flush_logging(10)
    if gone == "file":
        (log_dir / "app.log").unlink()
    else:
        remove(log_dir)
    for number in range(1, 50):
        get_logger("app").info("m", number=number)
    assert flush_logging(10)
    assert numbers(log_dir / "app.log") == list(range(1, 50))


def test_a_link_put_in_place_of_a_file_later_is_not_followed(start: Start, log_dir: Path, tmp_path: Path) -> None:
    """Where others may write, reopening is as careful as opening; what waited is written once the link is gone."""
    start(console_format="off")
    get_logger("app").info("m", number=0)
    assert flush_logging(10)
    target = tmp_path / "target"
    log_dir.chmod(0o777)
    (log_dir / "app.log").unlink()
    (log_dir / "app.log").symlink_to(target)
    get_logger("app").info("m", number=1)
    assert flush_logging(0.3) is False
    assert not target.exists()
    (log_dir / "app.log").unlink()
    assert flush_logging(30)
    assert numbers(log_dir / "app.log") == [1]
