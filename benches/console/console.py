"""Records a second on the console, beside loguru: into a terminal that is read, and into a pipe with colours.

Run by hand: `python benches/console/console.py`. Both log the same records, from the first call until the last line is read; `os.write` writes
lines that are as long, and does nothing else. Each is measured five times in processes of its own, in turns, and the best of them counts.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
from time import perf_counter

RECORDS = 50_000
PROGRAMS = {
    "unified_logger": """
import tempfile
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
init_logging(log_dir=tempfile.mkdtemp(), console_format="text", outputs={{"app": False, "errors": False, "ai": False}})
logger = get_logger("shop.orders")
for number in range({records}):
    logger.info("order received", order_id=number, customer="Ann Lee", total=129.5, express=True)
    if number % 2_000 == 1_999:
        flush_logging()  # A pipe's reader may fall behind by 1 MiB before lines are dropped.
shutdown_logging()
""",
    "loguru": """
import sys
from loguru import logger
from loguru._defaults import LOGURU_FORMAT
logger.remove()
logger.add(sys.stderr, format=LOGURU_FORMAT + " {{extra}}", colorize=True)
for number in range({records}):
    logger.bind(order_id=number, customer="Ann Lee", total=129.5, express=True).info("order received")
""",
    # What the system gives for lines as long, one by one: a record that is on the screen when its call returns costs this at least.
    "os.write": """
import os
line = b"." * 220 + b"\\n"
for number in range({records}):
    os.write(2, line)
""",
}


def records_a_second(program: str, on_terminal: bool) -> float:
    """Those of one run: the time of a run without records is taken away."""
    return RECORDS / (_seconds(program, RECORDS, on_terminal) - _seconds(program, 0, on_terminal))


def _seconds(program: str, records: int, on_terminal: bool) -> float:
    ours, theirs = pty.openpty() if on_terminal else os.pipe()
    environment = {name: value for name, value in os.environ.items() if "COLOR" not in name}
    environment |= {"TERM": "xterm", "FORCE_COLOR": "1", "COLUMNS": "200", "TMPDIR": tempfile.gettempdir()}
    started = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program.format(records=records)],
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    os.close(theirs)
    lines = 0
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:
            break
        if not part:
            break
        lines += part.count(b"\n")
    seconds = perf_counter() - started
    os.close(ours)
    process.wait()
    if lines != records:
        raise SystemExit(f"{lines} of {records} records were shown")
    return seconds


def main() -> None:
    """Prints a line for each way."""
    for where, on_terminal in (("terminal", True), ("pipe", False)):
        # A pipe takes single lines faster than this can measure, and nobody has to write them singly.
        best = dict.fromkeys((name for name in PROGRAMS if on_terminal or name != "os.write"), 0.0)
        for _ in range(5):
            for name in best:
                best[name] = max(best[name], records_a_second(PROGRAMS[name], on_terminal))
        times = best["unified_logger"] / best["loguru"]
        shown = ", ".join(f"{name} {speed:,.0f} records/s" for name, speed in best.items())
        print(f"{where}: {shown}: {times:.1f} times")


if __name__ == "__main__":
    main()
