"""`python memory.py MODULE FOLDER RECORDS` tells how much more memory than the bare interpreter a contender's process holds."""

import os
import sys
import time
from importlib import import_module


def resident() -> dict[str, float]:
    """MB that are in memory now, and that were at most; of this program alone, whoever started it."""
    with open("/proc/self/status") as file:
        found = dict(line.split(":", 1) for line in file)
    return {name: int(found[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM")}


def main() -> None:
    """Start the contender, let it write, and look again."""
    bare = resident()["VmRSS"]
    from pathlib import Path  # in which contenders are told their folder: counted with them

    module, folder, records = import_module(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    module.start(folder)
    module.calls(records)
    module.finish()
    deadline, size = time.monotonic() + 10, -1  # for writers that only promise to be done
    while size != (size := sum(file.stat().st_size for file in module.files(folder))) and time.monotonic() < deadline:
        time.sleep(0.2)
    end = resident()
    import json  # not before: it is no part of this

    told = {"bare_mb": bare, "held_mb": end["VmRSS"] - bare, "most_mb": end["VmHWM"] - bare}
    print(json.dumps(told), flush=True)
    os._exit(0)  # what a contender does at its end is no part of this either


main()
