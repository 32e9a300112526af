"""A box that somebody removes while its process lives: what no longer survives is said, and the next start makes another."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("removed", ["logs", "logs/.unified_logger"])
def test_a_removed_box_is_said(site: Any, removed: str) -> None:
    """On standard error, in the log and in the statistics. Seen to fail with nobody looking after the box."""
    done = site.run(
        f"""
import shutil
init_logging(log_dir="logs", console_format="off", black_box="dir")
assert get_stats()["black_box"] == 1
shutil.rmtree("{removed}")
end = time.monotonic() + 30
while get_stats()["black_box"] and time.monotonic() < end:
    time.sleep(0.05)
assert flush_logging(20)
print(get_stats()["black_box"])
init_logging(log_dir="logs", console_format="off", black_box="dir", max_bytes=0)
print(get_stats()["black_box"], flush=True)
for number in range(1000):
    get_logger("app").info("m", number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    assert done.stdout.split() == ["0", "1"]
    assert "the black box at " in done.stderr
    assert " was removed: records in memory do not survive the process" in done.stderr
    assert site.recover().returncode == 0
    assert site.numbers() == list(range(1000))
    assert [line["level"] for line in site.lines() if "was removed" in line["message"]] == ["WARNING"]
