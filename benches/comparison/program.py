"""`python -m comparison.program MODULE OUT ROUNDS RECORDS SECONDS` lets a contender that is a program measure itself."""

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
