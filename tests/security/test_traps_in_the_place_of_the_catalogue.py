"""What another user puts in the place of the catalogue holds nobody up, and is neither followed nor filled."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from kinds import Records, Run, Start

from unified_logger import flush_logging, get_logger

ANOTHER = 54_321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to other users")

LOG = """
import time
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", max_bytes=300, backup_count=3, console_format="off")
for number in range(8):
    get_logger("app").info("m", number=number)
assert flush_logging(30)
time.sleep(0.5)  # A round of the upkeep.
"""


def make_huge(path: Path) -> None:
    """A file of a terabyte that takes no room."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


def make_link(path: Path) -> None:
    """A link to what never ends."""
    path.symlink_to("/dev/zero")


TRAPS = {"fifo": os.mkfifo, "huge": make_huge, "link": make_link}


@as_root
@pytest.mark.parametrize("trap", TRAPS)
def test_root_is_not_held_up_in_the_directory_of_a_user(run_python: Run, log_dir: Path, trap: str) -> None:
    """Records are written, and what lies there stays as it is.

    Seen to fail with anything opened that has the name.
    """
    home = log_dir / ".unified_logger"
    home.mkdir(parents=True)
    (log_dir / "app.log").touch()
    for name in ("catalogue", "catalogue.damaged"):
        TRAPS[trap](home / name)
    for path in (log_dir, home, log_dir / "app.log", *home.iterdir()):
        os.chown(path, ANOTHER, ANOTHER, follow_symlinks=False)
    before = {path.name: path.lstat() for path in home.iterdir()}
    done = run_python(LOG)
    assert '"number":7' in (log_dir / "app.log").read_text()
    assert (log_dir / "app.log.3").exists(), "files are rotated"
    for name, meta in before.items():
        assert (home / name).lstat()[:7] == meta[:7], name
    assert not (home / "catalogue.tmp").exists()
    assert "catalogue" not in done.stderr


@pytest.mark.parametrize("trap", TRAPS)
def test_in_a_directory_of_ones_own_it_goes_aside_and_is_told(
    start: Start, log_dir: Path, records: Records, capfd: pytest.CaptureFixture[str], trap: str
) -> None:
    """A catalogue is made again from the files."""
    home = log_dir / ".unified_logger"
    home.mkdir(parents=True, mode=0o700)
    TRAPS[trap](home / "catalogue")
    start(console_format="off")
    get_logger("app").info("m")
    assert flush_logging(10)
    assert [record["message"] for record in records("app.log")] == ["m"]
    assert stat.S_ISREG((home / "catalogue").lstat().st_mode)
    assert (home / "catalogue").stat().st_size < 10_000
    assert capfd.readouterr().err.count("catalogue is damaged, and made again from the files") == 1


@as_root
def test_a_second_user_of_a_directory_is_told_nothing_of_files_that_the_first_looks_after(
    run_python: Run, log_dir: Path
) -> None:
    """Seen to fail with a round begun beside the boxes of another user."""
    log_dir.mkdir()
    log_dir.chmod(0o1777)
    home = log_dir / ".unified_logger"
    home.mkdir(mode=0o700)
    os.chown(home, ANOTHER, ANOTHER)
    done = run_python(LOG)
    assert '"number":7' in (log_dir / "app.log").read_text()
    assert "look after log files" not in done.stderr
    assert "catalogue" not in done.stderr
