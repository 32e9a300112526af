"""Runs the benches: every contender in a process of its own, in turn, several passes; writes the table and the plot.

python -m comparison.run           measure everything within minutes; writes nothing
python -m comparison.run --full    take the time it takes, and write docs/performance.md and docs/benchmarks/
python -m comparison.run --short   one short round of a few contenders; writes nothing
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from contenders import ALL
from shared import DOCS, install

from . import report

HERE = Path(__file__).resolve().parent
SHORT = ["native_call", "ours", "stdlib_file", "orjson_literal"]
Result = dict[str, Any]


def measure(name: str, options: list[str]) -> tuple[list[Result], str | None]:
    """Runs all benches of one contender."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "results.json"
        command = [
            sys.executable, "-m", "pytest", str(HERE), "-q", "-p", "no:cacheprovider", "-p", "no:logging", "--capture=no", "-c", str(HERE / "pytest.ini"),
            "--rootdir", str(HERE), "--basetemp", str(Path(folder) / "t"), "--contender", name,
            "--benchmark-json", str(out), "--benchmark-disable-gc", *options,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1_200, check=False)
        if done.returncode:
            reasons = [line for line in done.stdout.splitlines() if line.startswith(("E ", "FAILED", "ERROR"))]
            reason = reasons[0] if reasons else (done.stdout + done.stderr).strip().splitlines()[-1]
        else:
            reason = None
        found = json.loads(out.read_text()) if out.exists() and out.stat().st_size else {"benchmarks": []}
        results = [
            {
                "group": bench["group"],
                "min": bench["stats"]["min"],
                "median": bench["stats"]["median"],
                **bench["extra_info"],
            }
            for bench in found["benchmarks"]
        ]
        return results, reason


def merge(into: dict[str, Result], results: list[Result]) -> None:
    """Keeps the best pass of each bench: what disturbs a measurement only ever makes it slower."""
    for result in results:
        known = into.get(result["group"])
        if known is None or result["min"] < known["min"]:
            into[result["group"]] = result


def main() -> int:
    """Runs the benches.

    Returns:
        The exit code: other than 0 when a bench of ours failed.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--full", action="store_true")
    which.add_argument("--short", action="store_true")
    chosen = parser.parse_args()
    names = SHORT if chosen.short else ALL
    options = (
        ["--rounds", "4", "--records", "5000", "--seconds", "0.1"]
        if chosen.short
        else ["--rounds", "30", "--records", "200000", "--seconds", "3"]
    )
    print(f"installing {len(names)} contenders", flush=True)
    failures = install(names)
    results: dict[str, dict[str, Result]] = {name: {} for name in names}
    for number in range(3 if chosen.full else 1):
        for name in names:
            if name in failures:
                continue
            found, reason = measure(name, options)
            merge(results[name], found)
            print(f"pass {number + 1}  {name:<18} {reason or 'ok'}", flush=True)
            if reason and not found:
                failures[name] = f"does not run: {reason}"
            elif reason:
                results[name].setdefault("notes", {"group": "notes", "min": 0.0, "reason": reason})
    print(report.table(results, failures))
    if chosen.full:
        report.write(results, failures, DOCS)
    broken = [
        name
        for name in names
        if name.startswith(("ours", "native", "stdlib_native", "stdlib_through"))
        and (name in failures or "notes" in results[name])
    ]
    if broken:
        print(f"failed: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
