"""A disk that takes its time: a small library that is preloaded into the child."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
MISSING = "" if shutil.which("cc") else "needs a C compiler"


def environment(folder: Path, rate: int) -> dict[str, str]:
    """Variables under which a program's files take `rate` bytes a second."""
    library = folder / "slow_disk.so"
    if not library.exists():
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library), "SLOW_DISK_RATE": str(rate)}


def mend() -> None:
    """Called in the program: from now on the disk is as fast as it is."""
    library = ctypes.CDLL(os.environ["LD_PRELOAD"])
    ctypes.c_long.in_dll(library, "slow_disk_rate").value = 0
