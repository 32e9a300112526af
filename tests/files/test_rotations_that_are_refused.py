"""Where a rotated file may not be renamed or removed, records go on in the file that is there, and one line says why."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kinds import Start

from unified_logger import flush_logging, get_logger, get_stats, rotate_logging


@pytest.fixture
def pinned(log_dir: Path) -> Iterator[Path]:
    """A rotated file that not even root may rename."""
    log_dir.mkdir()
    path = log_dir / "app.log.2"
    path.write_text('{"timestamp":"2026-02-19T10:30:00+00:00","level":"INFO","logger":"shop","message":"old"}\n')
    chattr = shutil.which("chattr")
    if chattr is None or subprocess.run([chattr, "+i", path], capture_output=True).returncode:
        pytest.skip("files cannot be made unchangeable here")
    yield path
    subprocess.run([chattr, "-i", path], check=True)


@pytest.mark.parametrize("backup_count", [20, 2])
def test_records_go_on_in_the_file_that_is_there(
    start: Start, log_dir: Path, pinned: Path, capfd: pytest.CaptureFixture[str], backup_count: int
) -> None:
    """All of them, in order, until the file may be renamed again."""
    start(max_bytes=2000, backup_count=backup_count)
    dropped = get_stats()["dropped"]
    for number in range(60):
        get_logger("shop").info("m", number=number)
        assert flush_logging(10)
    assert not rotate_logging(2)

    def numbers() -> list[int]:
        names = sorted(
            log_dir.glob("app.log*"), key=lambda path: -int(path.suffix[1:] if path.suffix[1:].isdigit() else 0)
        )
        records = [json.loads(line) for name in names for line in name.read_text().splitlines()]
        return [record["number"] for record in records if "number" in record]

    assert numbers() == list(range(60))
    assert get_stats()["dropped"] == dropped
    told = [line for line in capfd.readouterr().err.splitlines() if "app.log.2" in line or "app.log.3" in line]
    assert len({line.partition(": cannot rotate")[0] for line in told}) == len(told), told
    subprocess.run(["chattr", "-i", pinned], check=True)
    get_logger("shop").info("m", number=60)
    assert rotate_logging(10)
    assert (log_dir / "app.log").stat().st_size == 0
