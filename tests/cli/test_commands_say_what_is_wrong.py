"""`unified-logger` does what it is asked, or says in a sentence why not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from kinds import Run

SOMEBODY, ANOTHER = 12345, 23456


as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")


def test_the_version_is_told(run: Run) -> None:
    """That of the distribution."""
    assert run("--version").stdout == f"unified-logger {version('unified_logger')}\n"


def test_the_help_says_what_there_is(run: Run) -> None:
    """What the command is for, and each of its commands. Seen to fail (how its source is laid out) with the docstring shown."""
    told = " ".join(run("--help").stdout.split())
    assert "Looks after the log files" in told
    assert "commands: COMMAND tail show the last records" in told
    assert "recover write the records" in told
    assert "module" not in told


@pytest.mark.parametrize("name", ["", " ", "missing", "file"])
def test_what_is_no_directory_is_refused(run: Run, tmp_path: Path, name: str) -> None:
    """Seen to fail for an empty name, of a variable that is not set: the current directory was taken, and all was well."""
    (tmp_path / "file").touch()
    done = run("recover", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("unified-logger recover: ")
    assert ("is empty" if not name.strip() else f"{name!r} is not a directory") in done.stderr


@pytest.fixture
def outside() -> Iterator[Path]:
    """A directory below one where names stay with their owners."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "app" / "logs").mkdir(parents=True)
        yield Path(folder)


@as_root
@pytest.mark.parametrize(
    ("owner", "mode", "of_logs", "refused"),
    [
        (SOMEBODY, 0o755, 0, True),
        (SOMEBODY, 0o755, ANOTHER, True),
        (SOMEBODY, 0o755, SOMEBODY, False),
        (0, 0o777, 0, True),
        (0, 0o1777, 0, False),
        (0, 0o775, ANOTHER, False),
        (0, 0o755, ANOTHER, False),
    ],
)
@pytest.mark.parametrize("level", ["parent", "above it", "of the link"])
def test_root_does_not_recover_where_another_user_could_exchange_the_directory(
    run: Run, outside: Path, owner: int, mode: int, of_logs: int, refused: bool, level: str
) -> None:
    """Root, or the user whose logs these are, may; who may write in a directory above them may put a link in its place."""
    logs = outside / "app" / "logs"
    os.chown(logs, of_logs, of_logs)
    above = outside if level == "above it" else outside / "app"
    os.chown(above, owner, owner)
    above.chmod(mode)
    given = logs
    if level == "of the link":
        given = outside / "link"
        given.symlink_to(logs)
    done = run("recover", str(given))
    assert done.returncode == (2 if refused else 0), done.stderr
    assert (repr(str(above)) in done.stderr) == refused


@pytest.mark.parametrize(
    "command", [["tail"], ["query", "count"], ["stats"], ["trace", "4bf92f35"]], ids=lambda command: command[0]
)
def test_what_only_reads_starts_quickly(tmp_path: Path, command: list[str]) -> None:
    """The configuration and the engine take longer to be imported than most questions to be answered. Seen to fail with either."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text('{"level":"INFO","message":"x","trace_id":"4bf92f35"}\n')
    code = (
        "import sys; sys.argv[0] = '/usr/bin/unified-logger'; from unified_logger import cli\n"
        f"cli.main({command!r}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    imported = set(done.stderr.split())
    assert "unified_logger._core" in imported
    assert not {
        name
        for name in imported
        if name.startswith(("unified_logger.config", "unified_logger.process", "unified_logger.stdlib"))
    }
