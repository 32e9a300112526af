"""A log file may be a link to a file elsewhere. Its records are there, and the link stays."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from kinds import Start

from unified_logger import flush_logging, get_logger, get_stats, rotate_logging


@pytest.fixture
def target(log_dir: Path, tmp_path: Path) -> Path:
    """Where app.log leads."""
    log_dir.mkdir(mode=0o750)
    (log_dir / "app.log").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def log(numbers: range) -> None:
    for number in numbers:
        get_logger("app").info("m", number=number)
        assert flush_logging(10)


def numbers(path: Path) -> list[int]:
    found = [json.loads(line).get("number") for line in path.read_text().splitlines()]
    return [number for number in found if number is not None]


@pytest.mark.usefixtures("mode")
def test_a_link_is_written_through_and_never_renamed(
    start: Start, log_dir: Path, target: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither by size nor on request, and standard error says it once. Seen to fail with the link renamed like a file."""
    start(max_bytes=300, backup_count=3, console_format="off")
    before = get_stats()["files"]["app"]["rotations"]
    log(range(10))
    assert rotate_logging(10)
    log(range(10, 20))
    assert numbers(target) == list(range(20))
    assert [path.name for path in log_dir.glob("app*")] == ["app.log"]
    assert os.readlink(log_dir / "app.log") == str(target)
    assert get_stats()["files"]["app"]["rotations"] == before
    assert capfd.readouterr().err.count("never changed for a new one") == 1


def test_a_link_is_not_renamed_when_a_period_is_over_or_a_program_starts(
    start: Start, log_dir: Path, target: Path
) -> None:
    """Nor does its file get a name with a date."""
    target.write_text('{"timestamp":"2026-02-19T10:30:00Z","level":"INFO","logger":"app","message":"m","number":-1}\n')
    os.utime(target, (0, 0))
    start(rotate={"every": "daily", "at_start": True}, file_names="dated", console_format="off")
    log(range(3))
    assert numbers(target) == [-1, 0, 1, 2]
    assert [path.name for path in log_dir.glob("app*")] == ["app.log"]


def test_a_file_that_was_moved_away_and_linked_while_running_is_written_on(
    start: Start, log_dir: Path, tmp_path: Path
) -> None:
    """And a file that takes the place of the link is rotated."""
    start(max_bytes=300, backup_count=3, console_format="off")
    log(range(1))
    (log_dir / "app.log").rename(tmp_path / "moved")
    (log_dir / "app.log").symlink_to(tmp_path / "moved")
    log(range(1, 6))
    assert numbers(tmp_path / "moved") == list(range(6))
    (log_dir / "app.log").unlink()
    log(range(6, 10))
    assert numbers(tmp_path / "moved") == list(range(6))
    assert numbers(log_dir / "app.log.3") == [6]
