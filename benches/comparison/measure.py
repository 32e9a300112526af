"""One pass of one contender, in a process of its own that is ended when it hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .goals import Result

HERE = Path(__file__).resolve().parent
COUNTS = ("expected", "lines", "parsed", "whole")
SOUGHT = ("p99.9", "cpu_ms_per_s", "import_s", "held_mb")  # in benches whose own time says nothing


@dataclass(frozen=True)
class Amount:
    """How much to measure.

    Attributes:
        rounds: Of a tight loop, at most.
        records: To write, at most; five times as many of ours.
        seconds: Of paced calls.
        budget: Seconds that any other bench takes, about.
        timeout: Seconds after which a contender hangs.
    """

    rounds: int
    records: int
    seconds: float
    budget: float
    timeout: float


def contender(name: str, amount: Amount) -> tuple[list[Result], str | None]:
    """Runs all benches of a contender. Returns their results, and why some or all are missing."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.json"
        reason = _run(_benches(name, out, amount), folder, amount.timeout)
        found = json.loads(out.read_text()) if out.exists() and out.stat().st_size else {"benchmarks": []}
        results = [
            {"group": bench["group"], "min": bench["stats"]["min"], "median": bench["stats"]["median"], **bench["extra_info"]}
            for bench in found["benchmarks"]
        ]  # fmt: skip
        return results, reason


def program(module: str, amount: Amount) -> tuple[list[Result], str | None]:
    """The same of a contender that is a program: its module measures it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.json"
        numbers = (amount.rounds, amount.records, amount.seconds)
        command = [sys.executable, "-m", "comparison.program", module, str(out), *map(str, numbers)]
        reason = _run(command, folder, amount.timeout)
        return (json.loads(out.read_text()) if out.exists() else []), reason


def merge(into: dict[str, Result], results: list[Result]) -> None:
    """Keeps the best pass of each bench, since what disturbs a measurement only makes it worse, and adds up the lines."""
    for result in results:
        known = into.get(result["group"])
        if known is None:
            into[result["group"]] = result
            continue
        counts = [key for key in COUNTS if known.get(key) is not None and result.get(key) is not None]
        lines = {key: known[key] + result[key] for key in counts}
        best = min(known, result, key=_rank)
        into[result["group"]] = {**best, **lines}


def _rank(result: Result) -> float:
    """What is smallest in the best pass: a time, but where that is set by the bench, what it looks for."""
    return float(next((result[key] for key in SOUGHT if key in result), result["min"]))


def _benches(name: str, out: Path, amount: Amount) -> list[str]:
    options = {"rounds": amount.rounds, "records": amount.records, "seconds": amount.seconds, "budget": amount.budget}
    return [
        sys.executable, "-m", "pytest", str(HERE), "-q", "-p", "no:cacheprovider", "-p", "no:logging", "--capture=no",
        "-c", str(HERE / "pytest.ini"), "--rootdir", str(HERE), "--basetemp", str(out.parent / "t"), "--contender", name,
        "--benchmark-json", str(out), "--benchmark-disable-gc",
        *(word for key, value in options.items() for word in (f"--{key}", str(value))),
    ]  # fmt: skip


def _run(command: Sequence[str], folder: str, timeout: float) -> str | None:
    """Runs a command to its end, or ends it with all that it started. Returns what went wrong."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        text, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return f"hangs: it was ended after {timeout:.0f} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode < 0:
        return f"ends with {signal.Signals(-process.returncode).name}"
    return why(text) if process.returncode else None


def why(text: str) -> str:
    """The reason that the output of a failed command gives, fit for a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["it says nothing"]
    errors = [line for line in lines if line.startswith(("E ", "FAILED", "ERROR"))]
    reason = errors[0] if errors else lines[-1]
    return " ".join(reason.removeprefix("E ").split()).replace("|", "\\|")
