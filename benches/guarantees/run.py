"""Runs every event for every library and writes docs/guarantees.md.

python -m guarantees.run --full                    everything; writes the page and docs/benchmarks/guarantees.json
python -m guarantees.run --short                   a few quick events of this library and the standard library's; writes nothing
python -m guarantees.run --event NAME [--logger NAME]   these only; writes nothing
python -m guarantees.run --list                    the events as JSON
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from shared import install

from .events import ALL, FAMILIES
from .lines import Outcome
from .loggers import NAMES, SHORT
from .page import Results, cell, side_by_side, write
from .stage import Stage


def listed() -> str:
    """Every event with what the page says of it."""
    return json.dumps(
        [
            {"name": event.name, "title": event.title, "family": family, "promise": event.promise, "tests": event.tests}
            for family, events in FAMILIES.items()
            for event in events
        ]
    )


def run(events: list[str], names: list[str], failures: dict[str, str]) -> Results:
    """Every event for every library, one at a time."""
    results: Results = {}
    with tempfile.TemporaryDirectory() as folder:
        for event in events:
            results[event] = {}
            for name in names:
                outcome: Outcome | str
                if reason := failures.get(name) or ALL[event].needs:
                    outcome = reason
                else:
                    stage = Stage(name, ALL[event], Path(folder) / event / name)
                    ALL[event].drive(stage)
                    outcome = stage.outcome()
                results[event][name] = outcome
                print(f"{event:<22} {name:<18} {cell(outcome)}", flush=True)
    return results


def main() -> int:
    """Run the command.

    Returns:
        The exit code: 1 when this library did not keep what its page promises.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--event", action="append", choices=list(ALL))
    parser.add_argument("--logger", action="append", choices=NAMES)
    chosen = parser.parse_args()
    if chosen.list:
        print(listed())
        return 0
    if not (chosen.full or chosen.short or chosen.event or chosen.logger):
        parser.error("say --full, --short, --event, --logger or --list")
    events = chosen.event or [name for name, event in ALL.items() if event.short or not chosen.short]
    names = chosen.logger or (SHORT if chosen.short else NAMES)
    print(f"installing {len(names)} libraries", flush=True)
    failures = install(names)
    results = run(events, names, failures)
    print(f"\n{side_by_side(results, names)}\n")
    if chosen.full:
        write(results)
    broken = [event for event, row in results.items() if isinstance(ours := row.get("ours"), Outcome) and not ours.kept]
    if broken:
        print(f"not kept by unified_logger: {', '.join(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
