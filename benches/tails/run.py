"""Runs every scenario.

python -m tails.run           ten seconds each, in a few minutes
python -m tails.run --full    a minute each; writes docs/tails.md, its plots and docs/benchmarks/tails.json
python -m tails.run --short   half a second of a few; writes nothing
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile

from shared import HERE, install, parser

from .page import Results, causes, goals, percentiles, write
from .scenarios import CONTROL, OURS, SCENARIOS


def run(scenario: str, contender: str, seconds: float) -> dict[str, object] | str:
    """One scenario for one contender, in a process of its own. A text says why it failed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tails.stage", contender, scenario, str(seconds), folder]
        done = subprocess.run(
            command, cwd=HERE, capture_output=True, text=True, timeout=300 + seconds * 10, check=False
        )
        if done.returncode:
            return f"does not run: {(done.stderr or done.stdout).strip().rpartition(chr(10))[2]}"
        seen: dict[str, object] = json.loads(done.stdout)
        return seen


def main() -> int:
    """Run the command.

    Returns:
        The exit code: 1 when a run of this library failed or lost a record.
    """
    chosen = parser(__doc__).parse_args()
    seconds = 60.0 if chosen.full else 0.5 if chosen.short else 10.0
    needed = {contender for scenario in SCENARIOS.values() for contender in scenario.contenders}
    names = {OURS, CONTROL} if chosen.short else needed
    failures = install(["tails", *sorted(names)])
    if "tails" in failures:
        print(failures["tails"])
        return 1
    results: Results = {}
    broken = []
    for name, scenario in SCENARIOS.items():
        results[name] = {}
        for contender in scenario.contenders:
            if contender not in names:
                continue
            seen = failures.get(contender) or run(name, contender, seconds)
            results[name][contender] = seen
            print(f"{name:<10} {contender:<14} {seen if isinstance(seen, str) else 'ok'}", flush=True)
            if contender in (OURS, CONTROL) and (isinstance(seen, str) or seen["lines"] not in (None, seen["calls"])):
                broken.append(f"{contender}, {name}")
    print(f"\n{goals(results)}\n\n{percentiles(results)}\n\n{causes(results)}\n")
    if chosen.full:
        write(results)
    if broken:
        print(f"failed: {'; '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
