"""Each line of the page about the command line does what the page says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from page_blocks import blocks

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
LINES = [line[2:] for _, text in blocks(PAGE, "console") for line in text.splitlines() if line.startswith("$ ")]
FILL = """
from unified_logger import LoggingContext, get_logger, init_logging

init_logging(log_dir="logs", max_bytes=4_000, compress="zstd", console_format="off")
with LoggingContext(trace_id="4bf92f3577b34da6a3ce929d0e0e4736"):
    for number in range(40):
        get_logger("shop.orders").warning("order refused", order_id=number)
        get_logger("shop.db.pool").info("query")
try:
    raise ValueError("no stock")
except ValueError:
    get_logger("shop").exception("order lost")
"""

CONFIG = "log_dir: logs\nlog_level: INFO\nlevels: {shop.db: DEBUG}\nmax_bytes: 4000\ncompress: zstd\n"


@pytest.mark.skipif(os.name == "nt", reason="the lines are those of a shell of Unix")
@pytest.mark.parametrize("line", [line for line in LINES if "…" not in line])
def test_a_line_shows_records(line: str, run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Without a word on standard error. Seen to fail with the name of an option spelt wrong."""
    run_python(FILL)
    (tmp_path / "logging.yaml").write_text(CONFIG, "utf-8")
    if "app.log.1.zst" in line and not (tmp_path / "logs" / "app.log.1.zst").exists():
        line = line.replace(".zst", "")
    (tmp_path / "unified-logger").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m unified_logger "$@"\n')
    (tmp_path / "unified-logger").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        ["sh", "-c", line],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    if re.search(r"tail -f", line):
        assert process.stdout is not None
        assert "shop" in process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        # A shell that waits for the command ends by the signal itself.
        assert process.wait(30) in (130, -signal.SIGINT)
        process.communicate()
        return
    shown, said = process.communicate(timeout=60)
    assert said == ""
    warnings = [row for row in shown.splitlines() if re.match(r"(warning|trouble) +(?!space:)", row)]
    # The machine's disk may be nearly full, which the doctor warns of.
    is_of_the_disk = line.startswith("unified-logger doctor") and not warnings and "space:" in shown
    assert process.returncode == 0 or is_of_the_disk, shown
    assert shown.count("\n") >= 1


def test_the_page_begins_with_questions() -> None:
    """Each with its line."""
    text = PAGE.read_text(encoding="utf-8").split("\n## ")[1]
    assert text.startswith("Questions")
    assert text.count("?\n") == text.count("$ unified-logger") + text.count("$ cat") >= 9
