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


def test_a_box_that_was_cut_is_said_and_the_next_call_lives(site: Any) -> None:
    """As by a script that empties large files. Seen to fail (a bus error) with only removal looked for."""
    done = site.run(
        """
import glob
init_logging(log_dir="logs", console_format="off", black_box="dir")
get_logger("app").info("m", number=0)
assert flush_logging(20)
(box,) = glob.glob("logs/.unified_logger/*.box")
os.truncate(box, 0)
end = time.monotonic() + 30
while get_stats()["black_box"] and time.monotonic() < end:
    time.sleep(0.05)
for number in range(1, 20_000):
    get_logger("app").info("m", number=number, text="x" * (number % 5000))
assert flush_logging(20)
stats = get_stats()
print(stats["black_box"], stats["failed"], stats["dropped"], glob.glob("logs/.unified_logger/*.box"))
init_logging(log_dir="logs", console_format="off", black_box="dir", max_bytes=0)
print(get_stats()["black_box"])
"""
    )
    assert done.stdout == "0 0 0 []\n1\n", done.stderr
    assert " was cut: records in memory do not survive the process" in done.stderr
    assert site.recover().returncode == 0
    assert site.numbers() == list(range(20_000))
