"""`python -m comparison.program MODULE OUT ROUNDS RECORDS SECONDS` lets a contender that is a program measure itself.

Its module says KIND = "program", is built and run by its function `run(folder, *, rounds, records, seconds)`, writes below `folder` and returns a list of results,
each a dict as the benches of the others make it:

- group: "call", "throughput", "throughput, 4 threads" or "paced";
- min: seconds of the best round;
- loop: calls of a round of "call"; records: of a round of "throughput"; p50, p99, p99.9, p99.99: nanoseconds, of "paced";
- expected, lines, parsed, whole: records asked for, lines on disk, those that are JSON objects, and those of them with the record's fields;
- cpu_s_per_million: CPU seconds per million records of "throughput".
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    name, out, rounds, records, seconds = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        results = importlib.import_module(name).run(
            Path(folder), rounds=int(rounds), records=int(records), seconds=float(seconds)
        )
    Path(out).write_text(json.dumps(results), encoding="utf-8")
