"""The OOM killer itself, in a memory cgroup of the test's own; `test_ends_of_a_process.py` has SIGKILL stand in for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Check

LIMIT = 256 << 20
CGROUPS = Path("/sys/fs/cgroup")


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """A memory cgroup with a limit, of either version; skips where none can be made."""
    first = CGROUPS / "memory" / "memory.limit_in_bytes"
    group = (first.parent if first.exists() else CGROUPS) / f"unified_logger_test_{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made: {error}")
    try:
        limit = group / ("memory.limit_in_bytes" if first.exists() else "memory.max")
        if not limit.exists():
            pytest.skip("cgroups here have no memory controller")
        limit.write_text(str(LIMIT), encoding="ascii")
        yield group
    finally:
        group.rmdir()


def test_what_was_accepted_survives_the_oom_killer(site: Any, exactly_once: Check, cgroup: Path) -> None:
    """Nothing could be written before: all of it comes out of the box. Seen to fail with `black_box="off"`."""
    process = site.start(
        f"""
open("{cgroup}/cgroup.procs", "w").write(str(os.getpid()))
init_logging(log_dir="logs", console_format="off")
# A directory where the file should be, for what comes after it.
os.unlink("logs/app.log")
os.mkdir("logs/app.log")
logger = get_logger("app")
for number in range(5000):
    logger.info("m", number=number)
hoard = []
for _ in range(1000):
    hoard.append(b"x" * (1 << 20))
"""
    )
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    (site.logs / "app.log").rmdir()
    assert site.recover().returncode == 0
    exactly_once(site.numbers(), 5_000)
    assert [notice["records"] for notice in site.notices()] == [5_000]
